"""
What the control service asks of the data plane and of the health checks.

Only shapes: the relay and the health service have them without importing this
module, and the tests of the control service bring plain classes that have them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from fiberlb.errors import AddressInUse

if TYPE_CHECKING:
    from fiberlb.model.configuration import Configuration
    from fiberlb.model.operational import Operations
    from fiberlb.observe.kept import Sought
    from fiberlb.snapshot import Snapshot

__all__ = [
    "AddressInUse",
    "HealthView",
    "ListenerState",
    "Load",
    "MemberHealth",
    "Plane",
    "Prepared",
    "Processes",
]


class ListenerState(Protocol):
    """What became of one address of a listener."""

    @property
    def listener_id(self) -> str:
        """Which listener it belongs to."""

    @property
    def host(self) -> str:
        """The address without brackets."""

    @property
    def port(self) -> int:
        """The port really bound."""

    @property
    def state(self) -> str:
        """
        C{listening}; C{error}: could not be bound, tried again by the plane;
        C{closing}: removed, finishes what runs.
        """

    @property
    def reason(self) -> str:
        """Why, in state C{error}; else empty."""


class Processes(Protocol):
    """The processes of this node beside the one that asks."""

    @property
    def pids(self) -> Mapping[str, Sequence[int]]:
        """C{worker}, C{draining}, C{template} -> those that live."""

    @property
    def spent(self) -> float:
        """Seconds of processor time of all workers, also of those that have ended."""

    @property
    def lost(self) -> int:
        """Lines of the access log that could not be written."""

    @property
    def deaths(self) -> int:
        """Workers that have ended although they should serve."""


class Load(Protocol):
    """How the processes with traffic keep up."""

    @property
    def closing(self) -> int:
        """How many of them end connections because they are too slow."""

    @property
    def refusing(self) -> int:
        """How many of them turn something away."""

    @property
    def periods(self) -> int:
        """How often one of them has begun to."""

    @property
    def lag(self) -> float:
        """Seconds that what is ready waits, in the slowest of them."""


class Prepared(Protocol):
    """
    A snapshot that is ready to serve and does not serve yet.

    Exactly one of the two methods is called, once. Until then the sockets it has
    bound accept nothing and the previous snapshot serves undisturbed.
    """

    async def activate(self) -> None:
        """
        Put it in force; cannot fail.

        The swap happens before the first C{await}: the control service starts
        this, tells the health checks in the same turn of the reactor, then
        waits for the end.
        """

    async def discard(self) -> None:
        """Undo the preparation: close what was bound, forget what was built; cannot fail."""


class Plane(Protocol):
    """The data plane, seen from above."""

    async def operate(self, operations: Operations) -> None:
        """Have this in force beside the configuration; returns when every process has."""

    async def foresee(self, configuration: Configuration | None) -> None:
        """
        Be told what will probably be in force next, while it is still compiled and stored.

        Only for speed: where others have to work on it too, they may begin.

        @param configuration: C{None}: what was foreseen will not be in force.
        """

    async def prepare(self, snapshot: Snapshot, tolerated: Container[str] = ()) -> Prepared:
        """
        Do everything that can fail: bind new addresses, build TLS contexts.

        Calls never overlap: the next one comes after C{activate} or C{discard}.

        @param tolerated: ids of listeners whose addresses may fail to be bound:
            they end in state C{error} and are tried again, the rest is served.
            Every other listener must get all of its addresses.

        @raise AddressInUse: of L{fiberlb.errors}: an address of a listener that is not tolerated.
        @raise fiberlb.errors.ConfigurationError: TLS material or settings that
            cannot be used; paths are (collection, id, field, ...).
        """

    def listeners(self) -> Sequence[ListenerState]:
        """What listens where, in no particular order."""

    def member_figures(self, member_id: str) -> Mapping[str, int]:
        """C{sessions} (open connections) and C{in_flight} (requests) of a member, 0 if unknown."""

    def pool_figures(self, pool_id: str) -> Mapping[str, int]:
        """C{queued}: how many wait for room at a pool's members, 0 if unknown."""

    def listener_figures(self, listener_id: str) -> Mapping[str, int]:
        """
        C{connections} open, C{accepted} and C{requests} so far, and further totals.

        Empty, or all 0, if unknown.
        """

    def reasons(self) -> Mapping[str, int]:
        """How often each reason code was given by this node."""

    def processes(self) -> Processes:
        """The processes beside this one."""

    def load(self) -> Load:
        """How the processes with traffic keep up."""

    def workers(self) -> tuple[int, int]:
        """
        How many worker processes there should be, and how many serve what is in force.

        C{(0, 0)} where traffic has no process of its own.
        """

    def recall(self, ident: str) -> Awaitable[dict[str, Any] | None]:
        """What is known of an answer that was made here, by the id that it bears."""

    def recent(self, sought: Sought, most: int) -> Awaitable[list[dict[str, Any]]]:
        """The last answers that were made here, the last one first."""

    def restart(self) -> Awaitable[None]:
        """Replace every worker; ends when the new ones serve."""


class MemberHealth(Protocol):
    """What is known of a member's health."""

    @property
    def health(self) -> str:
        """C{up}, C{down}, C{probing}, C{ejected} or C{unmonitored}."""

    @property
    def reason(self) -> str:
        """Why, such as the last check's failure; empty when there is nothing to say."""

    @property
    def since(self) -> float | None:
        """When it became so, wall-clock seconds."""

    @property
    def last_check(self) -> float | None:
        """When the last check ended, wall-clock seconds."""

    @property
    def transitions(self) -> int:
        """How often it went up or down."""


class PhaseView(Protocol):
    """One step of a check that was asked for."""

    @property
    def name(self) -> str:
        """C{connect}, C{tls}, or the type of the check."""

    @property
    def passed(self) -> bool:
        """Whether the member did what was expected."""

    @property
    def reason(self) -> str:
        """Why not; empty when it did."""

    @property
    def seconds(self) -> float:
        """How long it took."""


class ProbeView(Protocol):
    """A check that was asked for."""

    @property
    def address(self) -> str:
        """Where the member was asked."""

    @property
    def port(self) -> int:
        """The port; 0 with a Unix socket."""

    @property
    def type(self) -> str:
        """The type of the check."""

    @property
    def phases(self) -> Sequence[PhaseView]:
        """Its steps, up to the first one that failed."""

    @property
    def passed(self) -> bool:
        """Whether it would count for the member."""


class HealthView(Protocol):
    """The health checks, seen from above."""

    def apply(self, snapshot: Snapshot) -> None:
        """Check the members of this snapshot from now on; called right after the swap."""

    def hold(self, members: frozenset[str], restrained: frozenset[str] = frozenset()) -> None:
        """
        Check these members not, and all others.

        One that is checked again serves after its first success, as one that was added.

        @param restrained: members that take nothing new, by order.
        """

    def ejections(self) -> Mapping[str, int]:
        """How often each member was ejected for what requests met; only those that were."""

    def panicking(self) -> Sequence[str]:
        """Ids of the pools all members of which are used, whatever their health."""

    def status(self, member_id: str) -> MemberHealth:
        """One member's health; C{unmonitored} for one that is not checked or not known."""

    async def probe(self, member_id: str) -> ProbeView | None:
        """Check a member now, which counts for nothing; C{None}: it is not in force."""
