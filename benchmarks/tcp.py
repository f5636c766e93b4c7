"""
What does relaying bytes cost, when nobody looks at them?

Run: C{python -m benchmarks.tcp --help}.
"""

from __future__ import annotations

import sys

from benchmarks.load import CLOSE, Wrk
from benchmarks.proxies import Front
from benchmarks.rounds import Scenario, main, per_gigabyte

_ABLE = ("haproxy", "nginx", "fiberlb", "twisted")
_FILES = {"100m": 100 * 1024 * 1024}

SCENARIOS = (
    Scenario(
        "tcp", "TCP, 1 KiB answers on open connections", Wrk(), front=Front.TCP, proxies=_ABLE
    ),
    Scenario("tcp-new", "TCP, a new connection for 1 KiB", CLOSE, front=Front.TCP, proxies=_ABLE),
    Scenario(
        "tcp-download",
        "TCP, downloads of 100 MiB",
        Wrk(path="/files/100m", connections=8),
        unit=per_gigabyte,
        unit_name="GB",
        milli=True,
        files=_FILES,
        size=_FILES["100m"],
        front=Front.TCP,
        proxies=_ABLE,
    ),
)

if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))
