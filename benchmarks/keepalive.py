"""
What does a request cost on a connection that stays open?

64 connections, a browser's head of seven fields, a body of 1 KiB; once with
the same head each time and once with a thousand different ones, since a proxy
may remember the last. FiberLB also on Twisted's own reactor, with an access
log, and compiled. Run: C{python -m benchmarks.keepalive --help}.
"""

from __future__ import annotations

import sys

from benchmarks.load import VARIED, Wrk
from benchmarks.proxies import COMPARED, PROXIES
from benchmarks.rounds import Scenario, main

SCENARIOS = (
    Scenario("keepalive", "Keep-alive, 1 KiB, the same head", Wrk(), proxies=tuple(PROXIES)),
    Scenario(
        "keepalive-varied",
        "Keep-alive, 1 KiB, varied heads",
        Wrk(VARIED),
        proxies=(*COMPARED, "fiberlb-compiled"),
    ),
)

if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))
