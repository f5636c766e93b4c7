"""
What does a gigabyte cost, in few large answers or in many of 64 KiB?

Run: C{python -m benchmarks.downloads --help}.
"""

from __future__ import annotations

import sys

from benchmarks.load import Wrk
from benchmarks.rounds import Scenario, main, per_gigabyte

_FILES = {"100m": 100 * 1024 * 1024, "64k": 64 * 1024}

SCENARIOS = (
    Scenario(
        "download",
        "Downloads of 100 MiB",
        Wrk(path="/files/100m", connections=8),
        unit=per_gigabyte,
        unit_name="GB",
        milli=True,
        files=_FILES,
    ),
    Scenario("answers-64k", "Answers of 64 KiB", Wrk(path="/files/64k"), files=_FILES),
)

if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))
