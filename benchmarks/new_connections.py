"""
What does a client cost that comes for one request and goes?

64 clients at a time, each with a new connection for every request. Run:
C{python -m benchmarks.new_connections --help}.
"""

from __future__ import annotations

import sys

from benchmarks.load import CLOSE
from benchmarks.proxies import COMPARED
from benchmarks.rounds import Scenario, main

SCENARIOS = (
    Scenario(
        "new-connections",
        "A new connection for 1 KiB",
        CLOSE,
        proxies=(*COMPARED, "fiberlb-compiled", "fiberlb-1", "fiberlb-2"),
    ),
)

if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))
