"""
One node: every part of FiberLB, put together, with a beginning and an end.

The order matters. At the start whatever can be refused is refused before
anything listens; at the end the surfaces for changes close first, then the
traffic is let run out, and what was written is closed last.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from fiberlb.acme.issued import Issued
from fiberlb.acme.keeping import Keeping, keep
from fiberlb.admin_ports import AdminPorts
from fiberlb.announcement import announce, standing, tell_fixed, tell_refusal
from fiberlb.api.rest.site import AdminServer
from fiberlb.control.document import FileLayer
from fiberlb.control.publish import Surroundings
from fiberlb.control.service import ControlService
from fiberlb.control.state_directory import state_directory
from fiberlb.control.upkeep import Upkeep
from fiberlb.errors import AddressInUse, ConfigurationError
from fiberlb.figures_plane import FiguresPlane
from fiberlb.health.checks.table import open_checks
from fiberlb.health.monitor import HealthService
from fiberlb.health.remembered import FILE as EJECTED
from fiberlb.model.access_log import AccessLog as LogSettings
from fiberlb.model.access_log import AccessLogFormat
from fiberlb.model.bounds import Limits
from fiberlb.model.convert import overlaid
from fiberlb.model.settings import AUTO, Settings, too_long
from fiberlb.model.store import EtcdSettings
from fiberlb.names.opening import open_names
from fiberlb.observe.access_log import AccessLog
from fiberlb.observe.outlet import try_log
from fiberlb.ocsp.book import Staples
from fiberlb.ocsp.keeping import StapleKeeping, keep_stapled
from fiberlb.relay.binding import Binding
from fiberlb.relay.loop import loop_on
from fiberlb.relay.mapped import client_table
from fiberlb.starting import BROKEN_OFF, EXPECTED, CannotStart, break_off, sentence
from fiberlb.store.copied import standing_of
from fiberlb.store.interface import Store
from fiberlb.store.key_file import load_keyring
from fiberlb.store.lock import StateLock, hold
from fiberlb.store.sealed import Keyring
from fiberlb.store.table import open_for
from fiberlb.turns import Turns
from fiberlb.workers.attending import attended
from fiberlb.workers.logs import turn_in
from fiberlb.workers.plane import WorkersPlane
from fiberlb.workers.sole import SolePlane
from fiberlb.workers.system import processors
from fiberlb.world import World

_log = Logger()
#: Seconds that the start waits for the first round of checks before it says who is up.
FIRST_ROUND = 2.0


class Node(Service):
    """
    The service that C{twistd} runs.

    @param layer: what the command line named.
    @param read_again: reads the file anew, for a reload; C{None} without a file.
    @param failed: called when the start was refused, with the reason.
    @param began: called when it serves.
    """

    def __init__(
        self,
        layer: FileLayer,
        world: World,
        read_again: Callable[[], FileLayer] | None,
        failed: Callable[[str], None],
        began: Callable[[], None] = lambda: None,
    ) -> None:
        self._layer = layer
        self._world = world
        self._read_again = read_again
        self._failed = failed
        self._began = began
        self._reading = Turns()
        self._lock: StateLock | None = None
        self._store: Store | None = None
        self._admin = AdminPorts(world.reactor, world.held)
        self._starting: Deferred[None] | None = None
        self._deadline = layer.settings.shutdown.deadline
        self.loop = loop_on(world.reactor, lambda what: _log.failure("in {what}", what=what))
        self._grace: Deferred[None] | None = None
        count = layer.settings.workers
        self._wanted = processors() if count == AUTO else count
        log = Logger("fiberlb.access")
        # Workers write the log of what they serve themselves.
        off = LogSettings(format=AccessLogFormat.OFF)
        kind = off if self._wanted else layer.settings.access_log
        turn = turn_in("" if layer.ephemeral else self.directory)
        self.access_log = AccessLog(kind, world.reactor, log, random=world.random, turn=turn)
        self._binding = Binding(world.inherited, held=world.held)
        self.plane = self._make_plane()
        self.health = HealthService(
            world.reactor,
            open_checks(world.reactor, self.plane.contexts.of),
            world.random,
            self.plane.set_member_usable,
            Logger("fiberlb.health"),
            wall=world.wall,
        )
        kept, resolver = None if layer.ephemeral else self.directory, layer.settings.resolver
        self.names = open_names(world.reactor, world.wall, world.random_bytes, resolver, kept)
        self.control: ControlService | None = None
        self.certificates: Keeping | None = None
        self.staples: StapleKeeping | None = None

    def _make_plane(self) -> SolePlane | WorkersPlane:
        world, settings = self._world, self._layer.settings
        if self._wanted:
            return WorkersPlane(
                world.reactor, self._wanted, settings, self._binding, world.wall, world.environment
            )
        return SolePlane(
            world.reactor,
            self.loop,
            self.access_log,
            settings,
            self._binding,
            wall=world.wall,
            random=world.random,
            random_bytes=world.random_bytes,
            make_table=lambda: client_table(
                None if self._layer.ephemeral else self.directory, world.random_bytes
            ),
            suspect=lambda member, cause, told: self.health.suspect(member, cause, told),
        )

    # Beginning.

    def startService(self) -> None:
        """Begin; what comes of it is told by the log, or by C{failed}."""
        super().startService()
        self._starting = ensureDeferred(self._start())
        self._starting.addErrback(self._refused)

    async def _start(self) -> None:
        world, settings = self._world, self._layer.settings
        keyring = self._open_state()
        self._store = store = await open_for(settings.store, self.directory, keyring, world)
        self.access_log.start()
        log = settings.access_log
        if isinstance(self.plane, WorkersPlane) and log.format is not AccessLogFormat.OFF:
            try_log(log.path)
        # Where workers find the next process; with C{--from} there is none.
        await self.plane.begin("" if self._layer.ephemeral else self.directory)
        if isinstance(self.plane, WorkersPlane):
            self.plane.crew.suspect = self.health.suspect
        if not self._layer.ephemeral:
            self.health.remember(os.path.join(self.directory, EJECTED))
        issued = Issued()
        self.certificates = keep(world, settings, store, keyring, issued, self.plane.challenge)
        await self.certificates.load()
        staples = Staples()
        kept = None if self._layer.ephemeral else self.directory
        self.staples = keep_stapled(world, kept, staples)
        figures = FiguresPlane(self.plane, world.reactor, self._binding)
        self._admin.beside = figures.close
        self.control = figures.control = ControlService(
            store,
            figures,
            self.health,
            keyring,
            Surroundings(
                reactor=world.reactor,
                wall=world.wall,
                monotonic=world.monotonic,
                make_id=world.make_id,
                report=self._undecided,
                node=settings.node.name or world.host_name,
                aside=world.aside,
                names=self.names,
                standing=lambda: standing_of(store),
                shared=isinstance(settings.store, EtcdSettings),
            ),
            issued,
            staples,
        )
        admin = self._listen_admin(self.control)
        await self.control.start(self._layer)
        self._admin.start(None if self._layer.ephemeral else self.directory)
        control, plane = self.control, self.plane
        world.reporting.serving(
            lambda: control.in_slices(standing(control)),
            lambda: control.workers,
            lambda: attended(plane, world.reactor.seconds()),
        )
        await self._first_round()
        announce(self.control, self._layer, admin)
        self.certificates.begin(self.control)
        self.staples.begin(self.control)
        Upkeep(self.control, world.reactor).start()
        self._began()

    def _open_state(self) -> Keyring:
        """Take the state directory and the keys; with C{--from} nothing is on disk."""
        world = self._world
        if self._layer.ephemeral:
            return Keyring([world.random_bytes(32)], world.random_bytes)
        settings = self._layer.settings
        directory = self.directory
        if self._wanted and (told := too_long(directory)):
            raise CannotStart(f"state_directory: {directory} {told}")
        self._lock = hold(directory, world.pid())
        return load_keyring(settings.key_file, world.environment, directory, world.random_bytes)

    @property
    def directory(self) -> str:
        """The state directory, absolute: workers are elsewhere."""
        world, setting = self._world, self._layer.settings.state_directory
        return os.path.abspath(state_directory(setting, world.environment, world.root))

    def _listen_admin(self, control: ControlService) -> list[str]:
        """Open the admin API; where, as a person writes it."""
        site = AdminServer(control, self._world.reactor).site
        return self._admin.open(site, self._layer, self._world.aside)

    async def _first_round(self) -> None:
        """Wait until the members have been asked once, but not for long."""
        reactor = self._world.reactor
        await self.health.first_round().addTimeout(FIRST_ROUND, reactor, lambda result, _: None)

    def _refused(self, failure: Any) -> None:
        """The start failed: say why, in words where the reason is known."""
        if failure.check(BROKEN_OFF):
            return
        if not failure.check(*EXPECTED):
            _log.failure("the start failed", failure=failure)
        self._failed(sentence(failure.value))

    # Change.

    def reload(self) -> None:
        """Read the file again; a bad one changes nothing."""
        control, read = self.control, self._read_again
        if read is None or control is None:
            _log.warn("There is no file to read again")
            self._world.reporting.not_reloading("there is none")
            return
        self._reading.run(lambda: ensureDeferred(self._reload(control, read)))

    async def _reload(self, control: ControlService, read: Callable[[], FileLayer]) -> None:
        self._world.reporting.reloading()
        try:
            layer = await self._world.aside(read)
            tell_fixed(self._layer.settings, layer.settings)
            self._deadline = layer.settings.shutdown.deadline
            self._bound_by(layer.settings)
            use = self._admin.prepared(layer)
            await control.reload(layer)
            use()
        except Exception:
            control.reloads["failed"] += 1
            self._not_reloaded(Failure())
        else:
            control.reloads["ok"] += 1
            self._reloaded(layer)

    def _bound_by(self, settings: Settings) -> None:
        """Have the next activation go by these settings."""
        self.plane.trust(settings.trusted_proxies)
        self.plane.relieve(settings.overload)
        self.names.configure(settings.resolver)
        if self.certificates is not None:
            self.certificates.settings = settings.acme
        if isinstance(self.plane, WorkersPlane):
            self.plane.limit(overlaid(Limits(), settings.limits))

    def _reloaded(self, layer: FileLayer) -> None:
        old, self._layer = self._layer, layer
        if self.control is not None:
            self.control.scrap(old)
        self._resize(layer.settings.workers)
        _log.info("The configuration was read again and is in force")
        self._world.reporting.reloaded()

    def _resize(self, count: int) -> None:
        """Another number of workers; from none to some needs a restart."""
        wanted = processors() if count == AUTO else count
        if wanted == self._wanted:
            return
        if not wanted or not isinstance(self.plane, WorkersPlane):
            _log.warn("workers: between 0 and others in force after fiberlb upgrade, or a restart")
            return
        self._wanted = wanted
        done = self.plane.resize(wanted)
        done.addCallback(lambda _: _log.info("{count} workers", count=wanted))
        done.addErrback(lambda why: _log.failure("the workers are not {n}", why, n=wanted))

    def _not_reloaded(self, failure: Failure) -> None:
        self._bound_by(self._layer.settings)
        why: Any = failure.value
        if isinstance(why, (ConfigurationError, AddressInUse)):
            tell_refusal(why)
        else:
            _log.failure("the configuration could not be read again", failure=failure)
        self._world.reporting.reloaded(sentence(why))

    def reopen_logs(self) -> None:
        """The access log's file was moved away: begin a new one."""
        self.access_log.reopen()
        if isinstance(self.plane, WorkersPlane):
            self.plane.logs.reopen()

    def _undecided(self, rule_id: str, text: str) -> None:
        _log.warn("Rule {rule} was not decided: {text}", rule=rule_id, text=text)

    # End.

    def hurry(self) -> None:
        """What runs is not waited for at the end, also when it has begun."""
        self._deadline = 0.0
        if self._starting is not None:
            self._starting.cancel()
        if self._grace is not None and not self._grace.called:
            self._grace.callback(None)
        self.plane.hasten(0.0)

    def stopService(self) -> Deferred[None]:
        """Let the traffic run out, then close everything."""
        super().stopService()
        return ensureDeferred(self._stop())

    async def _stop(self) -> None:
        self._world.reporting.stopping(self._layer.settings.shutdown.grace + self._deadline)
        if self._starting is not None:
            directory = None if self._layer.ephemeral else self.directory
            await break_off(self._starting, self._world.reactor, directory)
        if self.control is not None:
            serves = self.control.started
            await self._stop_control()
            if serves:
                await self._let_know()
        await self._admin.stop()
        await self.health.stop()
        await self.plane.stop(self._deadline)
        await maybeDeferred(self.access_log.stop)
        if self._store is not None:
            await self._store.close()
        if self._lock is not None:
            self._lock.release()

    async def _stop_control(self) -> None:
        if self.certificates is not None:
            await self.certificates.stop()
        if self.staples is not None:
            await self.staples.stop()
        if self.control is not None:
            await self.control.stop()
        self.names.stop()

    async def _let_know(self) -> None:
        """Accept for a while although C{/readyz} says no: whoever asks it has to hear it first."""
        grace = self._layer.settings.shutdown.grace
        if grace and self._deadline:
            if self.control is not None:
                self.control.operating.states.leave()
            wait: Deferred[None] = Deferred()
            self._grace = wait
            wait.addTimeout(grace, self._world.reactor, lambda result, _: None)
            await wait

    async def prepare_upgrade(self) -> None:
        """
        Close what the next image of this process opens again; what serves goes on.

        @raise CannotStart: there is nothing that would go on, or should.
        """
        if self._layer.ephemeral:
            raise CannotStart("with --from an upgrade is a restart: nothing is kept on disk")
        if self.control is None or self._lock is None:
            raise CannotStart("nothing serves yet")
        if not self.running:
            raise CannotStart("this process is about to end")
        self._world.reporting.upgrading()
        await self._stop_control()
        await self._admin.stop()
        await self.health.stop()
        if self._store is not None:
            await self._store.close()
        if isinstance(self.plane, SolePlane):
            await self.plane.leave_behind(self._lock.leave)
