"""
The C{twistd fiberlb} command: options, and the one place that takes things from the world.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import random
import re
import signal
import socket
import sys
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, NoReturn

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger, globalLogPublisher
from twisted.python import usage

from fiberlb.build import VERSION
from fiberlb.control.arguments import from_arguments
from fiberlb.control.aside import Threads
from fiberlb.control.document import FileLayer, load_file
from fiberlb.control.tree_memo import TreeMemo
from fiberlb.errors import ConfigurationError
from fiberlb.node import Node
from fiberlb.observe.process_log import LogFile, direct
from fiberlb.process import starter
from fiberlb.process.notify import notify, watchdog
from fiberlb.process.orphans import Orphans
from fiberlb.process.reporting import Reporting
from fiberlb.relay.inherited import inherited
from fiberlb.workers.upgrade import ENDING, upgrade
from fiberlb.world import World

#: Exit code of a start that was refused.
REFUSED = 1
_log = Logger()


class Options(usage.Options):
    """The options of C{twistd fiberlb}."""

    synopsis = "[-c FILE | --from ADDRESS --to MEMBER [--to MEMBER ...]]"
    longdesc = (
        "An L4/L7 load balancer. Give it a configuration file with -c, or say in one line"
        " where clients come in (--from :8080) and where they go (--to 127.0.0.1:9000)."
    )
    optParameters = [
        ["config", "c", None, "The configuration file, or a directory of *.yaml files."],
        ["from", None, None, "Without a file: PORT or HOST:PORT to listen on, for HTTP."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["to"] = []

    def opt_to(self, member: str) -> None:
        """Without a file: a member, HOST:PORT [weight=N]; may be given several times."""
        self["to"].append(member)

    def opt_version(self) -> NoReturn:
        """Say which version this is."""
        print(f"FiberLB {VERSION}")
        raise SystemExit(0)

    def postOptions(self) -> None:
        """Either a file or both of the others; paths are made absolute before twistd moves."""
        if self["config"] is not None:
            if self["from"] is not None or self["to"]:
                raise usage.UsageError(
                    "--config goes without --from and --to: with a file, listeners and members"
                    " stand in the file"
                )
            self["config"] = os.path.abspath(self["config"])
        elif self["from"] is None and not self["to"]:
            raise usage.UsageError("give -c FILE, or --from ADDRESS with at least one --to MEMBER")
        elif self["from"] is None:
            raise usage.UsageError("--to needs --from ADDRESS, such as --from :8080")
        elif not self["to"]:
            raise usage.UsageError("--from needs a member, such as --to 127.0.0.1:9000")

    def parseOptions(self, options: Any = None) -> None:
        """
        As of any C{Options}.

        @raise usage.UsageError: with the option that was meant, where it can be guessed.
        """
        try:
            super().parseOptions(options)
        except usage.UsageError as why:
            wrong = re.fullmatch(r"option --(\S+) not recognized", str(why))
            near = get_close_matches(wrong[1], self.longOpt, 1) if wrong else []
            if not near:
                raise
            option = "--" + near[0].rstrip("=")
            raise usage.UsageError(f"{why} (did you mean {option!r}?)") from None


def makeService(options: Options) -> Service:
    """
    The service that twistd runs.

    A configuration that cannot be read ends the process here, before twistd
    goes into the background, with every problem on the standard error.
    """
    memo = TreeMemo()
    try:
        layer = _read(options, memo)
    except ConfigurationError as why:
        print(why, file=sys.stderr)
        raise SystemExit(REFUSED) from None
    from twisted.internet import reactor  # noqa: TID251

    told = starter.told(starter.first_environment(), os.getpid())
    # From here on no child of this process can get them.
    starter.forget(os.environ)
    world = _world(reactor, told)
    again = None if options["config"] is None else (lambda: _read(options, memo))
    node = Node(layer, world, again, lambda why: _give_up(world, why))
    return _Started(node, layer, world, told)


def _read(options: Options, memo: TreeMemo | None = None) -> FileLayer:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if options["config"] is not None:
        return load_file(options["config"], os.environ, now, memo)
    return from_arguments(options["from"], options["to"], now)


def _world(reactor: Any, told: Mapping[str, str]) -> World:
    hearing = notify(told)
    send = None if hearing is None else hearing.send
    return World(
        reactor=reactor,
        wall=time.time,  # noqa: TID251
        monotonic=time.monotonic,
        random=random.random,  # noqa: TID251
        random_bytes=os.urandom,
        make_id=lambda: str(uuid.uuid4()),
        environment=os.environ,
        host_name=socket.gethostname(),
        pid=os.getpid,
        root=os.geteuid() == 0,
        aside=Threads(reactor),
        inherited=inherited(told, os.getpid()),
        reporting=Reporting(reactor, send, watchdog(told)),
    )


class _Started(Service):
    """The node, with what belongs to the process and not to it: signals and the log."""

    def __init__(self, node: Node, layer: FileLayer, world: World, told: Mapping[str, str]) -> None:
        self._node = node
        self._layer = layer
        self._reactor = world.reactor
        self._reporting = world.reporting
        self._told = told
        self._early: list[signal.Signals] = []
        self._orphans = Orphans(world.reactor, self._workers)

    def startService(self) -> None:
        """After twistd went into the background, if it did: the process is its final one."""
        super().startService()
        own = direct(globalLogPublisher, self._layer.settings.log)
        # A watchdog ends what hangs with SIGABRT; where it hung is then told.
        faulthandler.enable(sys.__stderr__ or 2)
        self._reporting.begin()
        self._orphans.start()
        if own is not None:
            # Before the others, whose work may be told in it.
            self._on(signal.SIGUSR1, lambda: _reopen(own))
        self._on(signal.SIGHUP, self._node.reload)
        # Twistd reopens its own log on this one.
        self._on(signal.SIGUSR1, self._node.reopen_logs)
        self._on(signal.SIGINT, self._interrupt)
        self._on(signal.SIGUSR2, self._upgrade)
        signal.signal(signal.SIGTERM, lambda *_: self._early.append(signal.SIGTERM))
        # An upgrade has held them back; the template must not inherit that.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        # After the reactor has installed its own.
        self._reactor.callWhenRunning(self._mind_second_signal)
        self._node.startService()

    def stopService(self) -> Any:
        """The node's end."""
        super().stopService()
        return self._node.stopService().addBoth(self._ended)

    def _ended(self, result: Any) -> Any:
        self._orphans.stop()
        self._reporting.end()
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
        environment = {**os.environ, **starter.again(self._told, os.getpid())}
        done = Deferred.fromCoroutine(
            upgrade(
                self._reactor,
                self._node,
                sys.orig_argv,
                lambda path, words: os.execve(path, words, environment),
            )
        )
        done.addErrback(lambda why: _log.error("No upgrade: {why}", why=why.getErrorMessage()))


def _reopen(log: LogFile) -> None:
    """The file of the process's log was moved away."""
    try:
        log.reopen()
    except OSError as why:
        _log.error("The log cannot be opened again: {why}", why=why)


def _give_up(world: World, why: str) -> None:
    """The start was refused: say so where a person looks, and leave with an exit code."""
    world.reporting.refused(why)
    _log.critical("The start is refused: {why}", why=why)
    # sys.stderr is twistd's log by now.
    print(f"fiberlb: {why}", file=sys.__stderr__, flush=True)
    atexit.register(_leave)
    reactor = world.reactor
    reactor.callWhenRunning(lambda: reactor.running and reactor.stop())


def _leave() -> None:
    """Twistd itself knows no exit code but that of a signal."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(REFUSED)
