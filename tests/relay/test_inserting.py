"""Tests of fiberlb.relay.inserting."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.listener import CLIENT_FIELDS, INSERTABLE, Listener, ListenerProtocol
from fiberlb.relay.inserting import inserted, told_of_client


def listener(*pairs: tuple[str, bool]) -> Listener:
    """A listener that says this of its fields."""
    return Listener(
        name="web", port=80, protocol=ListenerProtocol.HTTP, insert_headers=tuple(pairs)
    )


class InsertingTests(SynchronousTestCase):
    """What a listener says, in a fixed order."""

    def test_forwarded(self) -> None:
        """Each unless it is switched off."""
        self.assertEqual(inserted(listener()), tuple(INSERTABLE))
        first, *others = INSERTABLE
        self.assertEqual(inserted(listener((first, False))), tuple(others))

    def test_client(self) -> None:
        """None unless it is switched on."""
        self.assertEqual(told_of_client(listener()), ())
        self.assertEqual(told_of_client(listener((CLIENT_FIELDS[1], True))), CLIENT_FIELDS[1:2])
