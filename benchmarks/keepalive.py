"""
What does a request cost on a connection that stays open?

64 connections, a browser's head of seven fields, a body of 1 KiB; once with
the same head each time and once with a thousand different ones, since a proxy
may remember the last. Run: C{python -m benchmarks.keepalive --help}.
"""

from __future__ import annotations

import sys

from benchmarks.load import VARIED, Wrk
from benchmarks.rounds import Scenario, main

SCENARIOS = (
    Scenario("keepalive", "HTTP/1.1 keep-alive, 1 KiB", Wrk()),
    Scenario("keepalive-varied", "The same with varied heads", Wrk(VARIED)),
)

if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))
