"""
The template: a process that holds all a worker needs, and forks workers on order.

It runs no reactor and no thread, so that what it forks can start its own. The
TLS base contexts are made here, before any fork: the keys of session tickets
are drawn with a context, and so every worker can resume every other's sessions.

The channel, descriptor 3, is a SOCK_SEQPACKET pair. Control sends an L{Order}
with two descriptors, the worker's end of its connection and its page; the
answer is the order's number and the pid, with a descriptor of the process.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from OpenSSL import SSL

from fiberlb.tls.contexts import bare_context
from fiberlb.workers.order import Order
from fiberlb.workers.system import drop_capabilities, name_process

#: The descriptor that control is reached by.
CHANNEL = 3
#: The descriptor of the board, where it is in memory.
BOARD = 4
#: The descriptor of the table of clients, likewise.
CLIENTS = 5
#: The descriptor of the table of who has come how often, likewise.
RATES = 6
#: The descriptor of who has how many connections open, likewise.
CROWD = 7
#: All of these.
FILES = (BOARD, CLIENTS, RATES, CROWD)
#: Base contexts; a listener takes one for each change of its cipher suites.
BASES = 64
#: Bytes of an order at most.
LONGEST = 65536
#: Exit code of a worker that failed before or after its reactor ran.
FAILED = 70
#: What must not be imported: each installs a reactor, or starts threads.
UNWANTED = ("twisted.internet.reactor", "klein", "txtorcon", "grpc")

#: Runs a worker in the process that has just been forked; the exit code.
Work = Callable[[int, int, Order, Sequence[SSL.Context]], int]


def unfit() -> list[str]:
    """Why no worker could be forked from this process; empty when one can."""
    found = [f"{name} is imported" for name in UNWANTED if name in sys.modules]
    if threading.active_count() > 1:
        found.append("threads run: their locks would outlive them in a worker")
    return found


def main(work: Work) -> None:
    """Serve orders until control hangs up."""
    name_process("fiberlb-templ")
    # Control binds; whoever serves clients has no right that they could be led to use.
    drop_capabilities()
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        # They are for control, which tells us and the workers what to do.
        signal.signal(ignored, signal.SIG_IGN)
    faulthandler.enable()
    bases = [bare_context() for _ in range(BASES)]
    problems = unfit()
    if problems:
        raise SystemExit(f"the template cannot fork workers: {', '.join(problems)}")
    channel = socket.socket(fileno=CHANNEL)
    channel.set_inheritable(False)
    gc.collect()
    # The collector would write into pages that are shared with the workers.
    gc.freeze()
    channel.send(json.dumps({"ready": os.getpid()}).encode())
    while True:
        data, fds, _, _ = socket.recv_fds(channel, LONGEST, 2)
        if not data:
            return
        _serve(channel, Order.decode(data), fds, bases, work)
        for fd in fds:
            os.close(fd)


def _serve(
    channel: socket.socket,
    order: Order,
    fds: Sequence[int],
    bases: Sequence[SSL.Context],
    work: Work,
) -> None:
    """
    Fork twice: the worker is an orphan at once and falls to control, the
    nearest subreaper, which so can wait for it.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return
    pid = os.fork()
    if not pid:
        _become(channel, order, fds, bases, work)
    answer = json.dumps({"forked": order.number, "pid": pid}).encode()
    # We have not ended, so the worker is ours and its pid cannot belong to another.
    socket.send_fds(channel, [answer], [os.pidfd_open(pid)])
    os._exit(0)


def _become(channel: socket.socket, order: Order, fds: Sequence[int], bases: Any, work: Any) -> Any:
    """Be the worker; never returns into the template's loop."""
    status = FAILED
    try:
        channel.close()
        status = work(fds[0], fds[1], order, bases)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)
