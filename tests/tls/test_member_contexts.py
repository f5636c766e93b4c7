"""Tests of fiberlb.tls.member_contexts."""

from __future__ import annotations

from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.listener import TlsVersion
from fiberlb.tls.member_contexts import MemberContexts
from fiberlb.tls.trust import SystemTrust
from tests.support.certificates import judge, leaf
from tests.support.programs import temporary_directory
from tests.tls.members import OTHER, ROOT, MemberPair, plan, pool, server

CLIENT = leaf("client", issuer=OTHER, purpose="client").model()


class ContextsTests(SynchronousTestCase):
    """What is made anew, and what is used again."""

    def setUp(self) -> None:
        """A system that trusts C{ROOT}."""
        self.file = Path(temporary_directory(), "trusted.pem")
        self.file.write_text(ROOT.pem)
        self.stamp = 1
        self.contexts = MemberContexts(lambda: SystemTrust(str(self.file), None, (self.stamp,)))

    def apply(self, **plans: object) -> dict[str, object]:
        """Use these plans; what came of them."""
        made = self.contexts.prepare({i: pool(i, p) for i, p in plans.items()})  # type: ignore[arg-type]
        self.contexts.use(made)
        return dict(made)

    def test_unchanged(self) -> None:
        """The same plan is the same object, also when it was read anew."""
        before = self.apply(a=plan(client=CLIENT))
        after = self.apply(a=plan(client=attrs.evolve(CLIENT)))
        self.assertIs(before["a"], after["a"])
        self.assertIs(self.contexts.of("a"), after["a"])

    def test_shared(self) -> None:
        """Pools that differ in the name alone share a context, and nothing else."""
        made = self.apply(a=plan("a.test"), b=plan("b.test"))
        self.assertIsNot(made["a"], made["b"])
        self.assertIs(made["a"].context, made["b"].context)  # type: ignore[attr-defined]

    def test_changed(self) -> None:
        """Whatever changes makes another one."""
        base = plan()
        for other in (
            plan("other.test"),
            plan(authorities=judge(OTHER)),
            plan(client=CLIENT),
            plan(least=TlsVersion.TLS13),
            plan(insecure=True),
            attrs.evolve(base, authorities=None),
        ):
            before = self.apply(a=base)
            after = self.apply(a=other)
            self.assertIsNot(before["a"], after["a"])
            strict = other == plan("other.test")
            same = before["a"].context is after["a"].context  # type: ignore[attr-defined]
            self.assertIs(same, strict)

    def test_system(self) -> None:
        """The system's authorities count where none are named, and are read again when changed."""
        system = attrs.evolve(plan(), authorities=None)
        before = self.apply(a=system)["a"]
        good, bad = leaf("api.test", issuer=ROOT), leaf("api.test", issuer=OTHER)
        self.assertEqual(MemberPair(before, server(good)).handshake(), "")  # type: ignore[arg-type]
        self.assertIn("unknown", MemberPair(before, server(bad)).handshake())  # type: ignore[arg-type]
        self.assertIs(self.apply(a=system)["a"], before)
        self.file.write_text(OTHER.pem)
        self.stamp = 2
        after = self.apply(a=system)["a"]
        self.assertEqual(MemberPair(after, server(bad)).handshake(), "")  # type: ignore[arg-type]

    def test_none(self) -> None:
        """Pools without TLS have none."""
        self.assertEqual(self.apply(a=None), {})
        self.assertIsNone(self.contexts.of("a"))


class RefusalTests(SynchronousTestCase):
    """What cannot be used is refused at its field."""

    def refused(self, given: object, trust: SystemTrust | None = None) -> list[str]:
        """The problems of a plan."""
        contexts = MemberContexts(lambda: trust)
        why = self.assertRaises(ConfigurationError, contexts.prepare, {"p": pool("p", given)})  # type: ignore[arg-type]
        return [str(problem) for problem in why.problems]

    def test_no_system(self) -> None:
        """A machine without authorities of its own, and one whose file is unreadable."""
        system = attrs.evolve(plan(), authorities=None)
        (found,) = self.refused(system)
        self.assertIn("pools.p.tls_config.ca_certificate_id: system: this machine has no", found)
        (found,) = self.refused(system, SystemTrust("/nowhere.pem", None))
        self.assertIn("/nowhere.pem cannot be read", found)
        self.assertEqual(MemberContexts(lambda: None).prepare({"p": pool("p", None)}), {})

    def test_material(self) -> None:
        """Certificates that cannot be read."""
        for made, field in (
            (plan(authorities=attrs.evolve(judge(ROOT), certificate="x")), "certificate"),
            (plan(client=attrs.evolve(CLIENT, private_key="x")), "private_key"),
        ):
            (found,) = self.refused(made)
            self.assertTrue(found.startswith("certificates."), found)
            self.assertIn(f".{field}: ", found)
