"""The configuration files that come with FiberLB do what they say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import FileLayer, load_file
from fiberlb.control.validate import validated
from fiberlb.errors import ConfigurationError
from fiberlb.model.bounds import Limits
from fiberlb.model.l7 import CompareType, L7Policy, L7Rule, RuleType
from fiberlb.model.listener import Listener, ListenerProtocol, TlsVersion
from fiberlb.model.pool import Member, Pool
from fiberlb.model.store import EtcdSettings
from fiberlb.snapshot import Snapshot
from tests.support.certificates import authority, leaf, revoked
from tests.support.sources import ROOT

CONF = ROOT / "conf"
#: The examples: files, and directories of files.
EXAMPLES = sorted(p for p in (CONF / "examples").iterdir() if p.suffix == ".yaml" or p.is_dir())


def compiled(layer: FileLayer) -> Snapshot:
    """The layer as it would be served."""
    try:
        return validated(
            layer.configuration, limits=Limits(), clock=lambda: 0.0, report=lambda *_: None
        )
    except ConfigurationError as why:
        raise ConfigurationError(layer.located(why.problems)) from None


def with_certificates(directory: Path) -> None:
    """Makes the certificates and keys that the files in a directory name."""
    text = "".join(path.read_text() for path in directory.rglob("*.yaml"))
    for stem in set(re.findall(r"file:(certs/[a-z]+)\.pem", text)):
        made = leaf("example.org", "*.example.org")
        (directory / "certs").mkdir(exist_ok=True)
        (directory / f"{stem}.pem").write_text(made.chain)
        (directory / f"{stem}.key").write_text(made.key_pem())
    for stem in set(re.findall(r"client_ca, certificate: file:(certs/[a-z-]+)\.pem", text)):
        (directory / f"{stem}.pem").write_text(authority().pem)
    if "file:certs/authority.crl" in text:
        (directory / "certs" / "authority.pem").write_text(authority().pem)
        der = revoked(leaf("x")).public_bytes(Encoding.DER)
        (directory / "certs" / "authority.crl").write_bytes(der)


def switched_on(text: str) -> str:
    """The text with every setting that is written out behind a # without a space."""
    return re.sub(r"(?m)^( *)#(?=\S)", r"\1", text)


class FirstTests(SynchronousTestCase):
    """C{conf/fiberlb.yaml}."""

    def test_usable(self) -> None:
        """As it is, it serves http on a port for everyone, from two local members."""
        layer = load_file(str(CONF / "fiberlb.yaml"), {})
        compiled(layer)
        (listener,) = layer.configuration.all(Listener).values()
        self.assertIs(listener.protocol, ListenerProtocol.HTTP)
        self.assertGreater(listener.port or 0, 1023)
        members = [m.address for m in layer.configuration.all(Member).values()]
        self.assertEqual(members, ["127.0.0.1", "127.0.0.1"])
        (pool,) = layer.configuration.all(Pool).values()
        self.assertIsNotNone(pool.health_monitor)
        self.assertGreater(len(layer.configuration.objects["l7_policies"]), 1)

    def test_switched_on(self) -> None:
        """Everything that is written out and switched off is right when switched on."""
        text = switched_on((CONF / "fiberlb.yaml").read_text())
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        (directory / "fiberlb.yaml").write_text(text)
        with_certificates(directory)
        layer = load_file(str(directory / "fiberlb.yaml"), {})
        compiled(layer)
        protocols = {m.protocol.value for m in layer.configuration.all(Listener).values()}
        self.assertEqual(protocols, {"http", "https", "tcp"})
        self.assertEqual(layer.settings.node.name, "lb-1")
        self.assertEqual(layer.settings.trusted_proxies, ("10.0.0.0/24",))

    def test_rule(self) -> None:
        """Explanations stay comments, settings do not."""
        text = "# why\n#a: 1\n#   why\n  # why\n  #c: 3\n#\nd: 4  # why\n"
        wanted = "# why\na: 1\n#   why\n  # why\n  c: 3\n#\nd: 4  # why\n"
        self.assertEqual(switched_on(text), wanted)


class ExampleTests(SynchronousTestCase):
    """C{conf/examples}."""

    def test_there(self) -> None:
        """There are some."""
        self.assertGreater(len(EXAMPLES), 5)

    def test_load(self) -> None:
        """Each one loads and compiles, given the certificates that it names."""
        directory = Path(self.mktemp()).absolute()
        shutil.copytree(CONF / "examples", directory)
        with_certificates(directory)
        for example in EXAMPLES:
            layer = load_file(str(directory / example.name), {})
            # Beside a store that nodes share a file has no objects.
            shared = isinstance(layer.settings.store, EtcdSettings)
            snapshot = compiled(layer)
            self.assertEqual(bool(snapshot.listeners), not shared, example.name)
            self.assertEqual(bool(snapshot.pools), not shared, example.name)

    def test_long_form(self) -> None:
        """The example with every key spelled out means what it says."""
        directory = Path(self.mktemp()).absolute()
        shutil.copytree(CONF / "examples", directory)
        with_certificates(directory)
        layer = load_file(str(directory / "content-routing.yaml"), {})
        api, static = layer.configuration.all(L7Policy).values()
        self.assertEqual(
            (api.name, api.position, api.redirect_pool_id), ("api-routing", 10, "api-pool")
        )
        self.assertEqual((static.position, static.listener_id), (20, "https-frontend"))
        rules = [
            (rule.rule_type, rule.compare_type, rule.value)
            for rule in layer.configuration.all(L7Rule).values()
        ]
        self.assertEqual(
            rules,
            [
                (RuleType.PATH, CompareType.STARTS_WITH, "/api/"),
                (RuleType.PATH, CompareType.REGEX, r"\.(js|css|png|jpg|svg)$"),
            ],
        )
        (listener,) = layer.configuration.all(Listener).values()
        assert listener.tls_config is not None
        self.assertEqual(listener.tls_config.certificate_id, ("cert-main",))
        self.assertIs(listener.tls_config.min_version, TlsVersion.TLS12)

    def test_explained(self) -> None:
        """Each one begins by saying what it is for."""
        for example in EXAMPLES:
            first = sorted(example.glob("*.yaml"))[0] if example.is_dir() else example
            self.assertTrue(first.read_text().startswith("# "), example.name)
