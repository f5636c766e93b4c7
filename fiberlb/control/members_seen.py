"""What is seen of members: of those by name, over all of their addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from fiberlb.control.member_names import Names, NameState, health_of, sum_of
from fiberlb.control.plane import HealthView, MemberHealth, Plane
from fiberlb.control.publish import Publisher
from fiberlb.model.configuration import Configuration
from fiberlb.model.host_names import asked_name
from fiberlb.model.pool import Member


@attrs.frozen
class Resolution:
    """
    What a member by name is now.

    @ivar parts: the member at each of its addresses.
    """

    name: str
    state: NameState
    parts: Sequence[Member]


class MembersSeen:
    """
    Health and figures by the ids of members.

    @param publisher: knows what is in force.
    @param configuration: in force.
    """

    def __init__(
        self,
        names: Names,
        health: HealthView,
        plane: Plane,
        publisher: Publisher,
        configuration: Callable[[], Configuration],
    ) -> None:
        self._names = names
        self._health = health
        self._plane = plane
        self._publisher = publisher
        self._configuration = configuration

    def parts(self, member_id: str) -> Sequence[Member] | None:
        """A member by name at each address that it has now; C{None} for any other one."""
        snapshot = self._publisher.snapshot
        return None if snapshot is None else snapshot.parts.get(member_id)

    def resolution(self, member_id: str) -> Resolution | None:
        """What a member by name is now; C{None} for others."""
        member = self._configuration().all(Member).get(member_id)
        name = "" if member is None else asked_name(member.address)
        if not name:
            return None
        return Resolution(name, self._names.state(name), self.parts(member_id) or ())

    def health(self, member_id: str) -> MemberHealth:
        """The health of one member."""
        parts = self.parts(member_id)
        if parts is None:
            return self._health.status(member_id)
        found = None if parts else self.resolution(member_id)
        return health_of(self._health, parts, found.state.error if found else "")

    def figures(self, member_id: str) -> Mapping[str, int]:
        """What runs on one member, and what it has counted."""
        parts = self.parts(member_id)
        if parts is None:
            return self._plane.member_figures(member_id)
        return sum_of([self._plane.member_figures(part.id) for part in parts])

    def seen(self, part_id: str) -> tuple[MemberHealth, Mapping[str, int]]:
        """Health and figures of one address."""
        return self._health.status(part_id), self._plane.member_figures(part_id)

    def names(self) -> Mapping[str, NameState]:
        """What is known of each name that members are given by."""
        return self._names.states()
