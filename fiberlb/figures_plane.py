"""
Listeners that show the figures of this node, beside a data plane.

They are no traffic: the process that has the figures answers, whoever carries the traffic.
Seen from control this is the plane, with their addresses among its own.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred

from fiberlb.admin_ports import KeptPort
from fiberlb.api.metrics.site import Figures, FiguresSite, figures
from fiberlb.control.plane import ListenerState, Plane
from fiberlb.control.plane import Prepared as PlanePrepared
from fiberlb.control.service import ControlService
from fiberlb.errors import AddressInUse
from fiberlb.model.addresses import UNIX, line
from fiberlb.relay.binding import Binding
from fiberlb.relay.missing import Missing
from fiberlb.relay.networks import member_of
from fiberlb.relay.states import ListenerState as State
from fiberlb.relay.unix_sockets import MODE
from fiberlb.snapshot import ListenerPlan, Snapshot

_Key = tuple[str, int]
#: Of whom, and where.
_Place = tuple[str, _Key]


class Prepared:
    """
    What serves with a snapshot, and does not yet.

    @ivar ports: new ones, which do not accept.
    @ivar failed: addresses that could not be had and are tolerated.
    """

    def __init__(self, plane: FiguresPlane, snapshot: Snapshot, beside: PlanePrepared) -> None:
        self._plane = plane
        self.snapshot = snapshot
        self._beside = beside
        self.ports: dict[_Place, Any] = {}
        self.failed: dict[_Key, AddressInUse] = {}

    async def activate(self) -> None:
        """Put it in force."""
        ends = self._plane.swap(self)
        await self._beside.activate()
        await gatherResults(ends)

    async def discard(self) -> None:
        """Give back what was taken."""
        ports, self.ports = self.ports, {}
        await gatherResults([self._plane.end(key, port) for (_, key), port in ports.items()])
        await self._beside.discard()


class FiguresPlane:
    """
    A data plane, and listeners of figures.

    @param plane: carries the traffic.
    @param reactor: has C{IReactorSocket} and C{IReactorTime}.
    @param binding: what the plane binds with.

    @ivar control: whose figures they are; set before the first snapshot.
    """

    def __init__(self, plane: Plane, reactor: Any, binding: Binding) -> None:
        self.control: ControlService | None = None
        self._plane = plane
        self._reactor = reactor
        self._binding = binding
        self._ports: dict[_Place, Any] = {}
        self._sites: dict[str, FiguresSite] = {}
        self._snapshot: Snapshot | None = None
        self._missing = Missing(reactor.callLater, self._bind_late)
        self.operate = plane.operate
        self.foresee = plane.foresee
        self.member_figures = plane.member_figures
        self.pool_figures = plane.pool_figures
        self.reasons = plane.reasons
        self.processes = plane.processes
        self.load = plane.load
        self.workers = plane.workers
        self.recall = plane.recall
        self.recent = plane.recent
        self.restart = plane.restart

    # Change.

    async def prepare(self, snapshot: Snapshot, tolerated: Container[str] = ()) -> Prepared:
        """
        As of the plane.

        @raise AddressInUse: an address of a listener that is not tolerated cannot be had.
        @raise fiberlb.errors.ConfigurationError: as of the plane.
        """
        prepared = Prepared(self, snapshot, await self._plane.prepare(snapshot, tolerated))
        try:
            for ident, plan in snapshot.figures.items():
                self._prepare(prepared, ident, plan, ident in tolerated)
        except BaseException:
            await prepared.discard()
            raise
        return prepared

    def _prepare(self, prepared: Prepared, ident: str, plan: ListenerPlan, tolerated: bool) -> None:
        for key in plan.addresses:
            if (ident, key) in self._ports:
                continue
            try:
                prepared.ports[ident, key] = self._bind(ident, key, plan)
            except AddressInUse as why:
                if not tolerated:
                    raise
                prepared.failed[key] = why

    def _bind(self, ident: str, key: _Key, plan: ListenerPlan) -> Any:
        """A port that accepts nothing yet."""
        ours = {line(one.host, one.port) for one in self.listeners() if one.state != "error"}
        sock = self._binding.bind(ident, *key, plan.freebind, probe=line(*key) not in ours)
        with sock:
            site = self._sites[ident] = self._sites.get(ident) or self._site()
            if key[0].startswith(UNIX):
                path = key[0].removeprefix(UNIX)
                port: Any = KeptPort.over(self._reactor, sock, site, path, MODE)
            else:
                port = self._reactor.adoptStreamPort(sock.fileno(), sock.family, site)
        port.stopReading()
        self._binding.known[line(*key)] += 1
        return port

    def _site(self) -> FiguresSite:
        control = self.control
        assert control is not None
        resource = Figures(lambda: figures(control), lambda: control.revision)
        return FiguresSite(resource, self._reactor)

    def swap(self, prepared: Prepared) -> list[Deferred[None]]:
        """
        Serve what was prepared.

        @return: the ends of the ports that are not wanted any more.
        """
        self._snapshot = snapshot = prepared.snapshot
        wanted = {(i, key) for i, plan in snapshot.figures.items() for key in plan.addresses}
        gone = {place: self._ports.pop(place) for place in [*self._ports] if place not in wanted}
        for ident, plan in snapshot.figures.items():
            if ident in self._sites:
                self._configure(self._sites[ident], plan)
        for place, port in prepared.ports.items():
            self._ports[place] = port
            port.startReading()
        for ident in [*self._sites]:
            if ident not in snapshot.figures:
                self._sites.pop(ident).connections.close()
        self._missing.use(prepared.failed)
        return [self.end(key, port) for (_, key), port in gone.items()]

    def _configure(self, site: FiguresSite, plan: ListenerPlan) -> None:
        site.use(plan.listener, member_of(plan.listener.allowed_cidrs))

    def _bind_late(self, key: _Key, ident: str) -> bool:
        plan = self._snapshot.figures.get(ident) if self._snapshot else None
        if plan is not None:
            self._ports[ident, key] = port = self._bind(ident, key, plan)
            self._configure(self._sites[ident], plan)
            port.startReading()
        return plan is not None

    def end(self, key: _Key, port: Any) -> Deferred[None]:
        """Listen there no more."""
        done: Deferred[None] = maybeDeferred(port.stopListening)
        self._binding.known[line(*key)] -= 1
        if all(known != key for _, known in self._ports):
            self._binding.release(key[0])
        return done

    async def close(self) -> None:
        """The end of it; what is asked at this moment is answered."""
        self._missing.stop()
        ports, self._ports = self._ports, {}
        await gatherResults([self.end(key, port) for (_, key), port in ports.items()])
        for site in self._sites.values():
            site.connections.close()

    # What there is.

    def listeners(self) -> Sequence[ListenerState]:
        """What listens where."""
        return [
            *self._plane.listeners(),
            *(
                State(ident, key[0], getattr(port.getHost(), "port", 0), "listening")
                for (ident, key), port in self._ports.items()
            ),
            *(
                State(why.listener_id, *key, "error", why.message)
                for key, why in self._missing.all().items()
            ),
        ]

    def listener_figures(self, listener_id: str) -> Mapping[str, int]:
        """What a listener has counted."""
        site = self._sites.get(listener_id)
        return self._plane.listener_figures(listener_id) if site is None else site.counted
