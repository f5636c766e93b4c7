"""Tests of fiberlb.model.operational."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import Loading
from fiberlb.model.operational import (
    NEVER,
    AddressChange,
    MemberMode,
    Operational,
    Operations,
    StateChange,
)


class ChangeTests(SynchronousTestCase):
    """What can be asked for."""

    def test_deadline(self) -> None:
        """A duration; C{none}: never; nothing: the pool's."""
        for given, seconds in (("5m", 300.0), ("0s", 0.0), ("none", NEVER), (None, None)):
            made = structure(StateChange, {"state": "drain", "deadline": given}, (), Loading())
            assert made is not None
            self.assertEqual(made.deadline, seconds)
            self.assertEqual(unstructure(made)["deadline"], given)

    def test_refused(self) -> None:
        """Every wrong field is told."""
        loading = Loading()
        document = {"state": "up", "deadline": 5, "weight": 257, "reason": 3, "adress": ""}
        structure(AddressChange, document, (), loading)
        found = sorted(problem.pointer for problem in loading.problems)
        self.assertEqual(found, ["/address", "/adress", "/deadline", "/state", "/weight"])
        loading = Loading()
        structure(StateChange, {"state": "ready", "deadline": "5s"}, (), loading)
        self.assertEqual([problem.pointer for problem in loading.problems], ["/deadline"])

    def test_plain(self) -> None:
        """Ready with the configured weight is what everybody is."""
        self.assertTrue(Operational(reason="x").plain)
        self.assertFalse(Operational(weight=0).plain)
        self.assertFalse(Operational(mode=MemberMode.DRAIN).plain)

    def test_secret(self) -> None:
        """Keys are not shown."""
        self.assertNotIn("sesame", repr(Operations(cookie_keys=(b"sesame",))))
