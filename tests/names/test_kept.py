"""Tests of L{fiberlb.names.kept}."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.names.found import Family, Found
from fiberlb.names.kept import Kept
from fiberlb.names.name import NameState


class KeptTests(SynchronousTestCase):
    """Answers that outlive a process."""

    def setUp(self) -> None:
        """A file that is not there yet, and an answer."""
        self.path = self.mktemp()
        learned = {
            Family.IPV4: Found(("10.0.0.1", "10.0.0.2"), 60.0),
            Family.IPV6: Found(("::1",), 60.0),
        }
        self.good = NameState(chosen="10.0.0.2").after(learned, 100.0)

    def test_kept(self) -> None:
        """All of a state comes back."""
        self.assertEqual(Kept(self.path).state("a"), NameState())
        Kept(self.path).keep("a", self.good)
        self.assertEqual(Kept(self.path).state("a"), self.good)
        self.assertEqual(self.good.chosen, "10.0.0.2")

    def test_forgotten(self) -> None:
        """What is not needed, and what the hosts file says."""
        kept = Kept(self.path)
        for name in "abc":
            kept.keep(name, self.good)
        kept.only({"a", "b"})
        kept.keep("b", self.good.at({Family.IPV4: ("10.0.0.9",)}, None, 200.0))
        again = Kept(self.path)
        known = [bool(again.state(name).addresses) for name in "abc"]
        self.assertEqual(known, [True, False, False])

    def test_rubbish(self) -> None:
        """A file that makes no sense is no file."""
        for text in (
            "",
            "[]",
            "{",
            '{"a": 5}',
            '{"a": {"addresses": ["x"], "chosen": "x", "ttl": 1, "answered": 1}}',
            '{"a": {"addresses": [], "chosen": "", "ttl": 1, "answered": 1}}',
            '{"a": {"addresses": ["10.0.0.1"]}}',
        ):
            Path(self.path).write_text(text)
            self.assertEqual(Kept(self.path).state("a"), NameState(), text)

    def test_nowhere(self) -> None:
        """Without a path nothing is written; where it cannot be, life goes on."""
        kept = Kept(None)
        kept.keep("a", self.good)
        self.assertEqual(kept.state("a"), self.good)
        kept = Kept(f"{self.path}/no/such/directory")
        kept.keep("a", self.good)
        self.assertEqual(kept.state("a"), self.good)
