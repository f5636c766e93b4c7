"""The documentation against the code: what is written there exists, and the other way round."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import attrs
import docutils.core
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.problem import CONFLICTS
from fiberlb.cli import main
from fiberlb.commands.exits import OK, PENDING, REFUSED, STALE, UNREACHABLE
from fiberlb.control import refusals
from fiberlb.control.document import load_file
from fiberlb.errors import REASONS
from fiberlb.model import (
    access,
    acme,
    admin,
    basic_auth,
    bounds,
    compression,
    configuration,
    cors,
    expectation,
    forward_auth,
    header_edits,
    health_monitor,
    hsts,
    jwt,
    listener,
    mirror,
    octavia,
    overload,
    passive_health,
    persistence,
    pool,
    pool_tls,
    queue,
    rate_limit,
    resolver,
    resource,
    response,
    rewrite,
    settings,
    split,
    store,
    treated,
)
from fiberlb.model.convert import kind_of, kinds
from fiberlb.model.fields import OneOf, Several
from fiberlb.model.settings import AccessLogFormat
from fiberlb.observe.formats import FORMATS
from tests.observe.rows import entry
from tests.support.commands import commands
from tests.support.sources import ROOT

#: Title of a table in docs/configuration.rst -> the class whose fields it lists.
TABLES: dict[str, type] = {
    "Top level": settings.Settings,
    "node": settings.Node,
    "admin": settings.Admin,
    "TLS of the admin API": admin.AdminTls,
    "tokens": access.TokenSetting,
    "access_log": settings.AccessLog,
    "log": settings.Log,
    "shutdown": settings.Shutdown,
    "acme": acme.AcmeSettings,
    "overload": overload.Overload,
    "tests": expectation.RequestTest,
    "resolver": resolver.ResolverSettings,
    "octavia": octavia.OctaviaSettings,
    "Subnets of ``octavia``": octavia.Subnet,
    "store": store.EtcdSettings,
    "Keys that each object takes": resource.Resource,
    "Listeners, pools and policies alike": treated.Treated,
    "jwt": jwt.Jwt,
    "forward_auth": forward_auth.ForwardAuth,
    "basic_auth": basic_auth.BasicAuth,
    "cors": cors.Cors,
    "compression": compression.Compression,
    "rewrite": rewrite.Rewrite,
    "mirror": mirror.MirrorSettings,
    "Edits of header fields": header_edits.HeaderEdits,
    "rate_limit": rate_limit.RateLimit,
    "session_persistence": persistence.SessionPersistence,
    "drain": persistence.Drain,
    "retries": pool.Retries,
    "queue": queue.PoolQueue,
    "passive_health": passive_health.PassiveHealth,
    "health_monitor": health_monitor.HealthMonitor,
    "tls_config": listener.TlsConfig,
    "hsts": hsts.Hsts,
    "TLS to the members": pool_tls.PoolTlsConfig,
    "timeouts": bounds.Timeouts,
    "limits": bounds.Limits,
    **{name: cls for name, cls in configuration.COLLECTIONS.items() if name != "l7_rules"},
    "rules": configuration.COLLECTIONS["l7_rules"],
    "Weighted pools": split.WeightedPool,
    "split_persistence": split.SplitPersistence,
    "response": response.FixedResponse,
}


def read(name: str) -> str:
    """A file of the checkout."""
    return (ROOT / name).read_text("utf-8")


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [*sorted(ROOT.glob("*.rst")), *sorted((ROOT / "docs").rglob("*.rst"))]


def tables(text: str) -> dict[str, list[list[str]]]:
    """The C{list-table}s of a page: the first word of each title -> its rows, the head left out."""
    found = {}
    for block in re.split(r"^\.\. list-table:: ", text, flags=re.MULTILINE)[1:]:
        title, _, rest = block.partition("\n")
        body = re.match(r"(?:[ ]{3}.*\n|\n)*", rest)
        assert body is not None
        rows = re.split(r"^   \* - ", body[0], flags=re.MULTILINE)[2:]
        name = re.match(r"``(\w+)``", title)
        found[name[1] if name else title] = [
            [re.sub(r"\s+", " ", cell).strip() for cell in re.split(r"\n     - ", row)]
            for row in rows
        ]
    return found


def default_text(cls: type, name: str) -> str:
    """How the page writes the default of a field."""
    default = attrs.fields_dict(cls)[name].default
    if default is attrs.NOTHING:
        return "needed"
    dumped = kinds(cls)[name].dump(default)
    if attrs.has(type(default)) and not isinstance(dumped, str):
        return "below"
    return f"``{_plain(dumped)}``"


def _plain(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return '""' if value == "" else str(value)


def words(cls: type, name: str) -> set[str]:
    """The words that a field can have, empty when it is not a choice."""
    kind = kind_of(kinds(cls)[name])
    kind = kind.kind if isinstance(kind, Several) else kind
    return {member.value for member in kind.words} if isinstance(kind, OneOf) else set()


class ConfigurationTests(SynchronousTestCase):
    """C{docs/configuration.rst} is complete and right about defaults."""

    def setUp(self) -> None:
        self.tables = tables(read("docs/configuration.rst"))

    def fields(self, cls: type) -> list[str]:
        """Fields a table has to list: those of every object have a table of their own."""
        shared = set() if cls is resource.Resource else set(kinds(resource.Resource))
        if cls is not treated.Treated and issubclass(cls, treated.Treated):
            shared |= set(kinds(treated.Treated))
        return [
            name
            for name in kinds(cls)
            if name not in shared or not issubclass(cls, resource.Resource)
        ]

    def test_fields(self) -> None:
        """Each table lists the fields of its class, all of them, with their defaults."""
        for title, cls in TABLES.items():
            rows = {row[0].strip("`"): row[1] for row in self.tables[title]}
            expected = {name: default_text(cls, name) for name in self.fields(cls)}
            self.assertEqual(rows, expected, title)

    def test_choices(self) -> None:
        """Where a field is one of several words, the page names each of them."""
        for title, cls in TABLES.items():
            for row in self.tables[title]:
                missing = {w for w in words(cls, row[0].strip("`")) if f"``{w}``" not in row[2]}
                self.assertEqual(missing, set(), f"{title}: {row[0]}")

    def later(self, cls: type) -> set[str]:
        """The keys that a class knows and refuses, those left out that several have."""
        inherited = cls is not treated.Treated and issubclass(cls, treated.Treated)
        return set(getattr(cls, "LATER", ())) - (treated.Treated.LATER if inherited else set())

    def test_later(self) -> None:
        """The keys that are known and refused are those of the classes."""
        listed = {
            row[0].strip("`"): set(re.findall(r"``(\w+)``", row[1]))
            for row in self.tables["Keys of later versions"]
        }
        expected = {
            "the top level" if title == "Top level" else title: self.later(cls)
            for title, cls in TABLES.items()
        }
        self.assertEqual(listed, {title: keys for title, keys in expected.items() if keys})


class ReasonTests(SynchronousTestCase):
    """C{docs/reasons.rst} has an entry for each reason code."""

    def test_entries(self) -> None:
        """Each code has a heading with its status, in the order of the table, and no other."""
        text = read("docs/reasons.rst")
        found = re.findall(r"^``(\w+)`` (\d+|no answer)\n~~~+$", text, re.MULTILINE)
        expected = [(code, str(status or "no answer")) for code, status in REASONS.items()]
        self.assertEqual(sorted(found), sorted(expected))

    def test_parts(self) -> None:
        """Each entry says what happened and what to do."""
        entries = re.split(r"^``(\w+)`` .*\n~~~+$", read("docs/reasons.rst"), flags=re.MULTILINE)
        for code, text in zip(entries[1::2], entries[2::2], strict=True):
            self.assertIn("\n*What to do.*", text, code)


class AccessLogTests(SynchronousTestCase):
    """C{docs/access_log.rst} lists what a line has."""

    def test_keys(self) -> None:
        """The keys of a JSON line, in their order."""
        listed = [row[0].strip("`") for row in tables(read("docs/access_log.rst"))["Keys"]]
        self.assertEqual(listed, list(json.loads(FORMATS[AccessLogFormat.JSON](entry()))))


class ApiTests(SynchronousTestCase):
    """C{docs/api.rst} lists the codes of refusals."""

    def test_codes(self) -> None:
        """Every kind of refusal, and every address's trouble, has its code in the table."""
        rows = tables(read("docs/api.rst"))["Codes"]
        listed = {code for row in rows for code in re.findall(r"``(\w+)``", row[1])}
        kinds_ = {cls.code for cls in refusals.Refusal.__subclasses__()}
        self.assertEqual((kinds_ | CONFLICTS) - listed, set())


class CommandTests(SynchronousTestCase):
    """docs/cli.rst against the commands."""

    def test_named(self) -> None:
        """Every command stands there; exit codes do."""
        page = read("docs/cli.rst")
        for called, _ in commands(main):
            self.assertRegex(page, rf"``{' '.join(called)}\b")
        for code in (OK, REFUSED, PENDING, UNREACHABLE, STALE):
            self.assertRegex(page, rf"(?m)^{code}     \S")


class ExampleTests(SynchronousTestCase):
    """What readers copy works."""

    def test_yaml(self) -> None:
        """Each YAML example of the documentation that is a whole file loads."""
        count = 0
        for page in pages():
            blocks = re.findall(
                r"^\.\. code-block:: yaml\n\n((?:   .*\n|\n)+)", page.read_text("utf-8"), re.M
            )
            for block in blocks:
                text = re.sub(r"^   ", "", block, flags=re.MULTILINE)
                if text.startswith("version:"):
                    # Certificates are read when the file is; any text stands for one here.
                    text = re.sub(r"file:[\w./-]+", "stand-in", text)
                    path = self.mktemp()
                    Path(path).write_text(text)
                    load_file(path, {})
                    count += 1
        self.assertGreaterEqual(count, 3)

    def test_files(self) -> None:
        """Source files that the documentation names exist, below the checkout or the package."""
        for page in pages():
            for name in re.findall(r"``([a-z0-9_./-]+\.py)``", page.read_text("utf-8")):
                found = (ROOT / name).exists() or (ROOT / "fiberlb" / name).exists()
                self.assertTrue(found, f"{page.name}: {name}")

    def test_markup(self) -> None:
        """Each page is valid reStructuredText, so that it shows as it was meant."""
        quiet = {"report_level": 2, "halt_level": 2, "syntax_highlight": "none"}
        for page in pages():
            text = page.read_text("utf-8")
            docutils.core.publish_doctree(text, str(page), settings_overrides=quiet)

    def test_links(self) -> None:
        """Links to other files of the checkout lead somewhere."""
        for page in pages():
            for target in re.findall(r"`[^`<]*<([^`>:]+)>`_", page.read_text("utf-8")):
                path = page.parent / unquote(target).partition("#")[0]
                self.assertTrue(path.exists(), f"{page.name}: {target}")
