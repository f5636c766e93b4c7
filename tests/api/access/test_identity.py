"""Who asks, on a request."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.access.identity import (
    NOBODY,
    Denied,
    Identity,
    identify,
    identity_of,
    note_refusal,
    permit,
    refusal_of,
)
from fiberlb.model.access import Role


class _Request:
    """Has attributes."""


class IdentityTests(SynchronousTestCase):
    """What is noted, and what follows of it."""

    def test_noted(self) -> None:
        """Nobody, until it was found out."""
        request: Any = _Request()
        self.assertIs(identity_of(request), NOBODY)
        ci = Identity("ci", Role.WRITE)
        identify(request, ci)
        self.assertIs(identity_of(request), ci)
        self.assertEqual(refusal_of(request), "")
        note_refusal(request, "forbidden")
        self.assertEqual(refusal_of(request), "forbidden")

    def test_permit(self) -> None:
        """By role; nobody may do what is open alone."""
        permit(NOBODY, None)
        permit(Identity("ci", Role.WRITE), Role.OPERATE)
        for who in (NOBODY, Identity("ci", Role.OPERATE)):
            why = self.assertRaises(Denied, permit, who, Role.WRITE)
            self.assertEqual((why.status, why.code), (403, "forbidden"))
            self.assertIn("takes the role write", str(why))
