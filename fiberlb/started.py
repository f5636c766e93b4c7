"""
The process around a node: who it is, who started it, its signals and its log.

It is made before twistd goes into the background, and gives up its rights in between.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import signal
import sys
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger, globalLogPublisher

from fiberlb import privileges, succession
from fiberlb.background import Starter
from fiberlb.belongings import User
from fiberlb.control.document import FileLayer
from fiberlb.invocation import Invocation, NotKnown
from fiberlb.model.settings import AccessLogFormat
from fiberlb.node import Node
from fiberlb.observe.process_log import direct
from fiberlb.process import starter
from fiberlb.process.notify import notify, watchdog
from fiberlb.process.orphans import Orphans
from fiberlb.process.reporting import Reporting
from fiberlb.relay.held import Held
from fiberlb.starting import sentence
from fiberlb.threads import quieten
from fiberlb.workers.system import processors
from fiberlb.workers.upgrade import ENDING, Refused, upgrade

#: Exit code of a start that was refused.
REFUSED = 1
_log = Logger()


class Process:
    """
    What belongs to the process and not to the node.

    @param twistd: its options.
    @param options: FiberLB's own.

    @ivar told: what the environment says to this process alone.
    @ivar reporting: tells the service manager.
    @ivar waiting: whoever started it, and waits for it to go into the background.
    @ivar held: sockets that were made while there were rights to.
    @ivar log: the file that twistd is about to make for its log, C{None} if it is there.
    """

    def __init__(self, twistd: Any, options: Any, reactor: Any) -> None:
        self.reactor = reactor
        self.told = starter.told(starter.first_environment(), os.getpid())
        # From here on no child of this process can get them.
        starter.forget(os.environ)
        hearing = notify(self.told)
        send = None if hearing is None else hearing.send
        self.reporting = Reporting(reactor, send, watchdog(self.told))
        self.waiting = Starter(twistd)
        self.held = Held()
        self._twistd = twistd
        before = succession.told(os.environ, os.getpid())
        if before:
            # It was ignored meanwhile, and twistd minds it only where nobody has said anything.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
            signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        self.held.receive(before.get("held", {}))
        self._pid_file: str = before.get("pid_file", "")
        self._invocation: Invocation | None = None
        try:
            self._invocation = Invocation.read(
                sys.orig_argv, sys.argv, twistd, options, os.getcwd()
            )
        except (NotKnown, AttributeError):
            # Not by twistd: an upgrade will not know how.
            pass
        log = self._invocation.log if self._invocation is not None else None
        self.log = None if log is None or os.path.lexists(log) else log

    def settle(self) -> None:
        """Twistd has done what it does with its options: have it remove the file of the pid."""
        if self._pid_file:
            self._twistd["pidfile"] = self._pid_file
        self._pid_file = self._twistd.get("pidfile") or ""

    def give_made(self, user: User) -> None:
        """Files that twistd has made become the user's."""
        privileges.give_made(self.log, user)
        privileges.give_made(self._pid_file, user)

    def give_up(self, why: str) -> None:
        """The start was refused: say so where a person looks, and leave with an exit code."""
        self.reporting.refused(why)
        _log.critical("The start is refused: {why}", why=why)
        self.waiting.tell(why)
        atexit.register(self._leave)
        reactor = self.reactor
        reactor.callWhenRunning(lambda: reactor.running and reactor.stop())

    def _leave(self) -> None:
        """Twistd itself knows no exit code but that of a signal."""
        self.waiting.leave()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(REFUSED)

    async def upgrade(self, node: Node) -> None:
        """
        Have the installed code take this image's place.

        @raise Refused: nothing has changed.
        """
        invocation = self._invocation
        if invocation is None:
            raise Refused("this process was started in a way that is not known")
        again = invocation.again(sys.executable)
        await upgrade(
            self.reactor,
            node,
            again,
            invocation.configuration,
            invocation.log,
            lambda program, words: self._become(node, program, words),
        )

    def _become(self, node: Node, program: str, words: list[str]) -> None:
        pid = os.getpid()
        held = self.held.for_the_next()
        environment = {
            **os.environ,
            **starter.again(self.told, pid),
            **succession.tell(pid, held=held, pid_file=self._pid_file),
            # It was found with the rights, and the home, of whoever started this.
            "STATE_DIRECTORY": node.directory,
        }
        os.execve(program, words, environment)


class Started(Service):
    """The node, with what belongs to the process and not to it: rights, signals and the log."""

    def __init__(self, node: Node, layer: FileLayer, process: Process, user: User | None) -> None:
        self._node = node
        self._layer = layer
        self._process = process
        self._reactor = process.reactor
        self._user = user
        self._early: list[signal.Signals] = []
        self._orphans = Orphans(process.reactor, self._workers)

    def privilegedStartService(self) -> None:
        """After twistd went into the background, if it did, and before it changes the user."""
        super().privilegedStartService()
        self._process.settle()
        user, layer, held = self._user, self._layer, self._process.held
        if user is None:
            return
        free = privileges.first_port()
        wanted = privileges.Wanted.of(layer.settings.workers, processors())
        privileges.hold_listeners(layer, user, held, wanted, free)
        privileges.hold_admin(layer.settings, user, held, free)
        directory = None if layer.ephemeral else self._node.directory
        privileges.make_files(layer.settings, directory, user)
        self._process.give_made(user)

    def startService(self) -> None:
        """The process is its final one, and nobody else any more."""
        super().startService()
        self._process.waiting.keep_waiting()
        try:
            self._log_file = direct(globalLogPublisher, self._layer.settings.log)
        except OSError as why:
            self._process.give_up(sentence(why))
            return
        self._warn()
        # A watchdog ends what hangs with SIGABRT; where it hung is then told.
        faulthandler.enable(sys.__stderr__ or 2)
        self._process.reporting.begin()
        self._orphans.start()
        quieten(self._reactor.getThreadPool())
        self._on(signal.SIGHUP, self._node.reload)
        # Twistd reopens its own log on this one.
        self._on(signal.SIGUSR1, self._reopen_logs)
        self._on(signal.SIGINT, self._interrupt)
        self._on(signal.SIGUSR2, self._upgrade)
        signal.signal(signal.SIGTERM, lambda *_: self._early.append(signal.SIGTERM))
        # An upgrade has held them back; the template must not inherit that.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*ENDING, signal.SIGUSR1})
        # After the reactor has installed its own.
        self._reactor.callWhenRunning(self._mind_second_signal)
        self._node.startService()

    def _warn(self) -> None:
        """What a person would want to know of who this process is, and where it writes."""
        if os.geteuid() == 0:
            _log.warn(
                "FiberLB runs as root, and so does what serves clients:"
                " use twistd --uid, or a user with CAP_NET_BIND_SERVICE (docs/privileges.rst)"
            )
        for path in privileges.unreadable(self._layer):
            _log.warn("{path} cannot be read: a reload will be refused", path=path)
        log = self._layer.settings.access_log
        nowhere = self._process.waiting.waits and log.path == "stdout"
        if nowhere and log.format is not AccessLogFormat.OFF:
            _log.warn("The access log goes nowhere in the background: give access_log a path")

    def stopService(self) -> Any:
        """The node's end."""
        super().stopService()
        return self._node.stopService().addBoth(self._ended)

    def _ended(self, result: Any) -> Any:
        self._orphans.stop()
        self._process.reporting.end()
        return result

    def _workers(self) -> frozenset[int]:
        """Pids of children whose end the node looks for itself."""
        control = self._node.control
        kinds = control.processes().pids.values() if control is not None else ()
        return frozenset(pid for pids in kinds for pid in pids)

    def _on(self, number: signal.Signals, action: Any) -> None:
        """Have the reactor do C{action} on a signal, after what was done on it before."""
        call = self._reactor.callFromThread
        before = signal.getsignal(number)

        def both(received: int, frame: Any) -> None:
            if callable(before) and before is not signal.default_int_handler:
                before(received, frame)
            call(action)

        signal.signal(number, both)

    def _reopen_logs(self) -> None:
        """They were moved away: begin new ones, our own first, for the rest may be told in it."""
        try:
            if self._log_file is not None:
                self._log_file.reopen()
        except OSError as why:
            _log.error("The log cannot be opened again: {why}", why=sentence(why))
        self._node.reopen_logs()

    def _interrupt(self) -> None:
        """Ctrl-C: at once."""
        self._node.hurry()
        if self._reactor.running:
            self._reactor.stop()

    def _mind_second_signal(self) -> None:
        """SIGTERM begins the end in order, another one ends it at once."""
        begin = signal.getsignal(signal.SIGTERM)
        begun: list[int] = []

        def terminate(number: int, frame: Any) -> None:
            if begun:
                self._reactor.callFromThread(self._node.hurry)
            elif callable(begin):
                begun.append(number)
                begin(number, frame)

        signal.signal(signal.SIGTERM, terminate)
        if self._early:
            os.kill(os.getpid(), signal.SIGTERM)

    def _upgrade(self) -> None:
        done = Deferred.fromCoroutine(self._process.upgrade(self._node))
        done.addErrback(lambda why: _log.error("No upgrade: {why}", why=why.getErrorMessage()))
