"""A node as far as ordering certificates needs one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from fiberlb.acme.issued import Issued
from fiberlb.acme.keeping import Keeping
from fiberlb.acme.orders import Surroundings
from fiberlb.model.acme import Acme, AcmeSettings, ChallengeKind
from fiberlb.model.certificate import Certificate
from fiberlb.model.challenges import Challenges
from fiberlb.model.configuration import Configuration
from fiberlb.model.resource import Meta, Owner
from tests.acme.authority import DIRECTORY
from tests.control.stage import keyring

SETTINGS = AcmeSettings(directory=DIRECTORY, challenge=ChallengeKind.HTTP_01)
#: Seconds since the epoch when a node begins.
NOW = 1800000000.0


def ordered(ident: str, *domains: str, **more: Any) -> Certificate:
    """A certificate that orders itself."""
    return Certificate(id=ident, name=ident, acme=Acme(domains=domains), **more)


class StageControl:
    """
    The control service's part.

    @ivar refreshed: how often material was put in force.
    """

    def __init__(self) -> None:
        self.configuration = Configuration()
        self.refreshed = 0
        self._observers: list[Callable[[], None]] = []

    def observe(self, changed: Callable[[], None]) -> None:
        """Remember who wants to know."""
        self._observers.append(changed)

    def refresh_material(self) -> Deferred[None]:
        """Count it."""
        self.refreshed += 1
        return succeed(None)

    def configure(self, *certificates: Certificate, owner: Owner = Owner.FILE) -> None:
        """Have another configuration."""
        meta = {made.id: Meta(owner, "", "", 0) for made in certificates}
        objects = {"certificates": {made.id: made for made in certificates}}
        self.configuration = Configuration(objects=objects, meta=meta)
        for changed in self._observers:
            changed()


class StageNode:
    """
    One node with C{Keeping}, whose orders go to an authority in memory.

    @ivar up: the challenges put up.
    """

    def __init__(self, store: Any, clock: Clock, name: str = "n1") -> None:
        self.clock = clock
        self.control = StageControl()
        self.issued = Issued()
        self.up = Challenges()
        around = Surroundings(
            reactor=clock,
            wall=lambda: NOW + clock.seconds(),
            random=lambda: 0.5,
            node=name,
        )

        async def put_up(challenges: Challenges) -> None:
            self.up = challenges

        self.keeping = Keeping(around, store, keyring(), self.issued, SETTINGS, put_up)
