"""What can be said of a configuration without a network."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import FileLayer
from fiberlb.control.validate import examined, validated, with_default
from fiberlb.errors import ConfigurationError
from fiberlb.model.bounds import Limits
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import DEFAULT_LOAD_BALANCER, Configuration
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.resource import Meta, Owner
from fiberlb.snapshot import Snapshot
from tests.control.loading import load
from tests.support.certificates import leaf

SECURE = """\
certificates: [{name: main, certificate: "${CERT}", private_key: "${KEY}"}]
pools: [{name: app, members: [10.0.0.1:80]}]
listeners:
- name: web
  port: 443
  protocol: https
  default_pool_id: app
  tls_config: {certificate_id: main, cipher_suites: [ECDHE-ECDSA-AES128-GCM-SHA256]}
"""


def compiled(layer: FileLayer, previous: Snapshot | None = None) -> Snapshot:
    """The snapshot of a layer alone."""
    return validated(
        layer.configuration,
        previous,
        limits=Limits(),
        clock=lambda: 0.0,
        report=lambda *_: None,
    )


def told(layer: FileLayer, run: Any = compiled) -> list[str]:
    """Why it is refused, without the file's directory."""
    try:
        run(layer)
    except ConfigurationError as why:
        return [str(p).rpartition("/")[2] for p in layer.located(why.problems)]
    raise AssertionError("was accepted")


def certificate(name: str = "a.example") -> dict[str, str]:
    """Variables with a certificate and its key."""
    made = leaf(name)
    return {"CERT": made.chain, "KEY": made.key_pem()}


class DefaultTests(SynchronousTestCase):
    """The load balancer that is there without being said."""

    def test_added(self) -> None:
        """It is there when there is none of its name, owned by the file layer."""
        layer = load(self, "load_balancers: [{name: public, vip_address: 192.0.2.1}]")
        made = with_default(layer.configuration)
        names = [m.name for m in made.all(LoadBalancer).values()]
        self.assertEqual(names, ["public", "default"])
        self.assertIs(made.owner(DEFAULT_LOAD_BALANCER.id), Owner.FILE)

    def test_there(self) -> None:
        """One of that name, or of that id, stands in its place."""
        for keys in ("name: default", f"name: x, id: {DEFAULT_LOAD_BALANCER.id}"):
            layer = load(self, f"load_balancers: [{{{keys}, vip_address: 192.0.2.1}}]")
            self.assertIs(with_default(layer.configuration), layer.configuration)

    def test_used(self) -> None:
        """A listener without a load balancer listens on all addresses."""
        snapshot = compiled(load(self, "listeners: [{name: a, port: 80, protocol: http}]"))
        (plan,) = snapshot.listeners.values()
        self.assertEqual(plan.addresses, (("::", 80),))


class ExaminedTests(SynchronousTestCase):
    """References, relations, certificates."""

    def test_resolved(self) -> None:
        """References are ids."""
        layer = load(self, SECURE, **certificate())
        made = examined(layer.configuration)
        (listener,) = made.all(Listener).values()
        self.assertEqual([listener.default_pool_id], list(made.objects["pools"]))
        assert listener.tls_config is not None
        self.assertEqual(list(listener.tls_config.certificate_id), list(made.all(Certificate)))

    def test_problems(self) -> None:
        """What is wrong between objects is told with places in the file, all of it."""
        text = (
            "pools:\n"
            "- {name: app}\n"
            "- {name: database, protocol: tcp}\n"
            "listeners:\n"
            "- {name: a, port: 80, protocol: http, default_pool_id: ap}\n"
            "- {name: b, port: 80, protocol: http, default_pool_id: database}\n"
            "l7_policies:\n"
            "- {listener_ids: [a, c], redirect_pool_id: app, rules: [{path: /x}]}\n"
        )
        layer = load(self, text)
        self.assertEqual(
            told(layer, lambda layer: examined(layer.configuration)),
            [
                "f.yaml:5:39: listeners[0].default_pool_id: there is no pool 'ap'"
                " (did you mean 'app'?)",
                "f.yaml:6:13: listeners[1].port: port 80 of :: is taken by listener 'a'",
                "f.yaml:6:39: listeners[1].default_pool_id: pool 'database' is tcp,"
                " http listeners need http or https",
                "f.yaml:8:22: l7_policies[0].listener_ids[1]: there is no listener 'c'",
            ],
        )

    def test_certificates(self) -> None:
        """A key that is not the certificate's is refused, in words that quote neither."""
        mixed = {**certificate(), "KEY": leaf("other.example").key_pem()}
        self.assertEqual(
            told(load(self, SECURE, **mixed)),
            ["f.yaml:1:53: certificates[0].private_key: does not match the certificate"],
        )
        (found,) = told(load(self, SECURE, CERT="nonsense", KEY="nonsense"))
        self.assertIn("certificates[0].certificate: holds no PEM certificate", found)
        self.assertNotIn("nonsense", found)

    def test_certificates_once(self) -> None:
        """A certificate that was in force is not read again, a changed one is."""
        layer = load(self, SECURE, **certificate())
        broken = load(self, SECURE, **certificate())
        (made,) = broken.configuration.all(Certificate).values()
        worse = attrs.evolve(made, certificate="nonsense")
        objects = {**broken.configuration.objects, "certificates": {made.id: worse}}
        configuration = attrs.evolve(broken.configuration, objects=objects)
        examined(configuration, configuration)
        with self.assertRaises(ConfigurationError):
            examined(configuration, layer.configuration)

    def test_suites(self) -> None:
        """A cipher suite that does not exist is told at its place."""
        text = SECURE.replace("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA25")
        (found,) = told(load(self, text, **certificate()))
        self.assertIn("f.yaml:8:54: listeners[0].tls_config.cipher_suites[0]: ", found)
        self.assertIn("did you mean 'ECDHE-ECDSA-AES128-GCM-SHA256'?", found)

    def test_store_objects(self) -> None:
        """References go to the file's own objects first, to the store's if there are none."""
        layer = load(
            self,
            "pools: [{name: a}]\nlisteners:\n"
            "- {name: x, port: 1, protocol: http, default_pool_id: a}\n"
            "- {name: y, port: 2, protocol: http, default_pool_id: b}\n",
        )
        own = layer.configuration
        other = load(
            self,
            "pools: [{name: b, id: 0a0a0a0a-0000-4000-8000-000000000001},"
            " {name: a, id: 0a0a0a0a-0000-4000-8000-000000000002}]",
        ).configuration
        stored = {i: Meta(Owner.API, "", "", 1) for i in other.objects["pools"]}
        both = Configuration(
            1,
            {**own.objects, "pools": {**other.objects["pools"], **own.objects["pools"]}},
            {**own.meta, **stored},
        )
        found = [m.default_pool_id for m in examined(both).all(Listener).values()]
        self.assertEqual(
            found, [next(iter(own.objects["pools"])), "0a0a0a0a-0000-4000-8000-000000000001"]
        )


class ValidatedTests(SynchronousTestCase):
    """Compiled, too."""

    def test_compiled(self) -> None:
        """A configuration in order becomes a snapshot."""
        snapshot = compiled(load(self, SECURE, **certificate()))
        (plan,) = snapshot.listeners.values()
        assert plan.tls is not None
        self.assertEqual(len(plan.tls.default), 1)

    def test_previous(self) -> None:
        """What did not change is taken over."""
        environ = certificate()
        first = compiled(load(self, SECURE, **environ))
        second = compiled(load(self, SECURE, **environ), first)
        self.assertEqual(list(first.listeners), list(second.listeners))
        for ident, plan in first.listeners.items():
            self.assertIs(second.listeners[ident], plan)

    def test_limits(self) -> None:
        """The process's limits are below a listener's own."""
        layer = load(self, "listeners: [{name: a, port: 1, protocol: http, limits: {head: 1KiB}}]")
        snapshot = validated(
            layer.configuration,
            limits=Limits(uri=100, head=200),
            clock=lambda: 0.0,
            report=lambda *_: None,
        )
        (plan,) = snapshot.listeners.values()
        self.assertEqual((plan.limits.uri, plan.limits.head), (100, 1024))

    def test_patterns(self) -> None:
        """A pattern that does not compile is told at its place."""
        text = (
            "listeners: [{name: a, port: 1, protocol: http}]\nl7_policies:\n- listener_id: a\n"
            "  action: reject\n  rules:\n  - {rule_type: path, compare_type: regex, value: '('}\n"
        )
        (found,) = told(load(self, text))
        self.assertTrue(found.startswith("f.yaml:6:44: l7_policies[0].rules[0].value: "), found)

    def test_all_at_once(self) -> None:
        """A pattern that does not compile is told beside a pool that does not exist."""
        text = (
            "listeners: [{name: a, port: 1, protocol: http, default_pool_id: nope}]\n"
            "l7_policies:\n- listener_id: a\n  redirect_url: 'ftp://x'\n"
            "  rules:\n  - {path: '(', compare_type: regex}\n"
        )
        found = told(load(self, text))
        self.assertEqual(
            [line.split(": ")[1] for line in found],
            [
                "listeners[0].default_pool_id",
                "l7_policies[0].redirect_url",
                "l7_policies[0].rules[0].value",
            ],
        )
