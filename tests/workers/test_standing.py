"""What listens where, when the sockets are handed out."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import AddressInUse
from fiberlb.relay.states import ListenerState
from fiberlb.workers.standing import standing

HERE, THERE, GONE = ("192.0.2.1", 80), ("192.0.2.2", 80), ("192.0.2.3", 80)


@attrs.define
class Slots:
    """The sockets of one address, and another one that cannot be had."""

    failed: Any = attrs.field(factory=lambda: {THERE: AddressInUse("web", *THERE, "in use")})

    def addresses(self) -> set[tuple[str, int]]:
        """Those with sockets."""
        return {HERE}

    def port(self, address: tuple[str, int]) -> int:
        """What the system gave."""
        return address[1] + 1


@attrs.define
class Snapshot:
    """One listener at two addresses."""

    def wanted(self) -> dict[tuple[str, int], str]:
        """Both."""
        return {HERE: "web", THERE: "web"}


@attrs.define
class Plan:
    """A listener that is gone."""

    addresses: tuple[tuple[str, int], ...] = (GONE,)


class StandingTests(SynchronousTestCase):
    """All states."""

    def test_states(self) -> None:
        """One that listens, one that cannot, one that finishes what runs."""
        given: Any = Snapshot(), Slots(), {"old": Plan()}
        self.assertEqual(
            list(standing(*given)),
            [
                ListenerState("web", "192.0.2.1", 81, "listening"),
                ListenerState("web", "192.0.2.2", 80, "error", "in use"),
                ListenerState("old", "192.0.2.3", 80, "closing"),
            ],
        )
        given = None, Slots(), {}
        self.assertEqual([state.state for state in standing(*given)], ["error"])
