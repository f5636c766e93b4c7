"""
The C{twistd fiberlb} command: options, and the one place that takes things from the world.
"""

from __future__ import annotations

import os
import random
import re
import socket
import sys
import time
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, NoReturn

from twisted.application.service import Service
from twisted.python import usage

from fiberlb import privileges
from fiberlb.build import VERSION
from fiberlb.control.arguments import from_arguments
from fiberlb.control.aside import Threads
from fiberlb.control.document import FileLayer, load_file
from fiberlb.control.tree_memo import TreeMemo
from fiberlb.errors import ConfigurationError
from fiberlb.model.resource import FreshIds
from fiberlb.node import Node
from fiberlb.relay.inherited import inherited
from fiberlb.started import REFUSED, Process, Started
from fiberlb.starting import CannotStart
from fiberlb.world import World


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
    twistd: Any = getattr(options, "parent", None) or {}
    memo = TreeMemo()
    try:
        user = privileges.asked_for(twistd, os.geteuid())
        layer = _read(options, memo)
    except (ConfigurationError, CannotStart) as why:
        print(why, file=sys.stderr)
        raise SystemExit(REFUSED) from None
    from twisted.internet import reactor  # noqa: TID251

    process = Process(twistd, options, reactor)
    world = _world(reactor, process)
    again = None if options["config"] is None else (lambda: _read(options, memo, True))
    node = Node(layer, world, again, process.give_up, process.waiting.tell)
    return Started(node, layer, process, user)


def _read(options: Options, memo: TreeMemo, again: bool = False) -> FileLayer:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if options["config"] is not None:
        return load_file(options["config"], os.environ, now, memo, again)
    return from_arguments(options["from"], options["to"], now)


def _world(reactor: Any, process: Process) -> World:
    return World(
        reactor=reactor,
        wall=time.time,  # noqa: TID251
        monotonic=time.monotonic,
        random=random.random,  # noqa: TID251
        random_bytes=os.urandom,
        make_id=FreshIds(os.urandom),
        environment=os.environ,
        host_name=socket.gethostname(),
        pid=os.getpid,
        root=os.geteuid() == 0,
        aside=Threads(reactor),
        inherited=inherited(process.told, os.getpid()),
        held=process.held,
        reporting=process.reporting,
    )
