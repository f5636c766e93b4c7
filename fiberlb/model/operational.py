"""What operators set of members while they run: never owned by anybody, never in a revision."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading, OneOf, Optional, Text, Whole, field
from fiberlb.model.pool import MemberAddress
from fiberlb.model.quantities import Duration

#: A deadline that never comes.
NEVER: Final = float("inf")
_DURATION = Duration(endless=True, positive=False)


class MemberMode(Enum):
    """
    What a member is there for.

    C{READY}: everything. C{DRAIN}: nothing new, except of clients that stay with it, by their
    pool's C{drain}. C{MAINTENANCE}: nothing at all, checks included.
    """

    READY = "ready"
    DRAIN = "drain"
    MAINTENANCE = "maintenance"


@attrs.frozen(kw_only=True)
class Operational:
    """
    The state of one member.

    @ivar until: when what is left is ended, seconds since the epoch; C{NEVER}: it is not.
    @ivar weight: in place of the configured one; C{None}: that one.
    @ivar reason: what whoever has set it says.
    @ivar since: when it was set, seconds since the epoch.
    """

    mode: MemberMode = MemberMode.READY
    until: float = NEVER
    weight: int | None = None
    reason: str = ""
    since: float = 0.0

    @property
    def plain(self) -> bool:
        """It is what a member has that nobody has said anything about."""
        return self.mode is MemberMode.READY and self.weight is None


@attrs.frozen(kw_only=True)
class Operations:
    """
    All that is in force beside the configuration, for every process that serves.

    @ivar members: by id; those that are missing are ready.
    @ivar cookie_keys: what persistence cookies are signed with; the first one signs.
    @ivar leaving: the end of the process has been announced (C{shutdown.grace}).
    """

    members: Mapping[str, Operational] = attrs.field(factory=dict)
    cookie_keys: tuple[bytes, ...] = attrs.field(default=(), repr=False)
    leaving: bool = False


@attrs.frozen
class Remaining:
    """
    How long: a duration, C{none} for ever; the model holds seconds, C{NEVER}, and C{None}
    where it is left to the pool.
    """

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if value is None:
            return None
        found = _DURATION.load(value, path, loading)
        return NEVER if found is None else found

    def dump(self, value: Any) -> Any:
        return None if value is None else _DURATION.dump(None if value == NEVER else value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [_DURATION.schema(), {"type": "null"}]}


@attrs.frozen(kw_only=True)
class StateChange:
    """
    What somebody wants of a member.

    @ivar deadline: seconds; C{None}: the pool's.
    @ivar weight: C{None}: the configured one.
    """

    state: MemberMode = field(OneOf(MemberMode))
    deadline: float | None = field(Remaining(), None)
    weight: int | None = field(Optional(Whole(0, 256)), None)
    reason: str = field(Text(1000), "")

    def check(self, path: Path, loading: Loading) -> None:
        """A member that is ready ends nothing."""
        if self.state is MemberMode.READY and self.deadline is not None:
            loading.refuse((*path, "deadline"), "goes with drain and maintenance only")


@attrs.frozen(kw_only=True)
class AddressChange(StateChange):
    """The same for every member on one machine, or at one port of it."""

    address: str = field(MemberAddress())
    port: int | None = field(Optional(Whole(1, 65535)), None)
