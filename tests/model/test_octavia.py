"""What takes the place of a network service."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import Loading
from fiberlb.model.octavia import OctaviaSettings


def loaded(document: Any) -> tuple[OctaviaSettings | None, list[str]]:
    """The settings of a document, and what is wrong with it."""
    loading = Loading()
    made = structure(OctaviaSettings, document, (), loading)
    return made, [problem.message for problem in loading.problems]


class BindingTests(SynchronousTestCase):
    """What is bound for a VIP."""

    def test_bound(self) -> None:
        """As it is, everywhere, or what stands for its network."""
        for word, vip, bound in (
            ("freebind", "10.0.0.1", ("10.0.0.1", True)),
            ("any", "10.0.0.1", ("0.0.0.0", False)),
            ("any", "fd00::1", ("::", False)),
            ({"map": {"10.0.0.0/8": "192.0.2.1"}}, "10.0.0.1", ("192.0.2.1", False)),
            ({"map": {"10.0.0.0/8": "192.0.2.1"}}, "172.16.0.1", ("172.16.0.1", True)),
        ):
            made, problems = loaded({"vip_bind": word})
            assert made is not None, problems
            self.assertEqual(made.bound(vip), bound)
            self.assertEqual(unstructure(made)["vip_bind"], word)

    def test_refused(self) -> None:
        """What is neither word nor map."""
        word: Any
        for word in ("x", {"map": {"x": "192.0.2.1"}}, {"map": 1}, {"a": {}}, None):
            made, problems = loaded({"vip_bind": word})
            self.assertIsNone(made)
            self.assertTrue(problems)

    def test_subnets(self) -> None:
        """A subnet has an id and a network."""
        ident = "1" * 32
        made, problems = loaded({"subnets": [{"id": ident, "network_id": ident}]})
        assert made is not None, problems
        self.assertIsNone(made.subnets[0].cidr)
        self.assertIsNone(loaded({"subnets": [{"id": "x"}]})[0])
