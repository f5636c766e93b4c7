"""
What does a gigabyte cost, in few large answers or in many smaller ones?

Run: C{python -m benchmarks.downloads --help}.
"""

from __future__ import annotations

import sys

from benchmarks.load import Wrk
from benchmarks.rounds import Scenario, main, per_gigabyte

_SIZES = {"64k": 64 * 1024, "1m": 1024 * 1024, "100m": 100 * 1024 * 1024}


def _download(name: str, title: str, file: str, connections: int, gigabytes: bool) -> Scenario:
    load = Wrk(path=f"/files/{file}", connections=connections)
    size = _SIZES[file]
    if not gigabytes:
        return Scenario(name, title, load, files={file: size}, size=size)
    return Scenario(
        name, title, load, per_gigabyte, "GB", milli=True, files={file: size}, size=size
    )


SCENARIOS = (
    _download("answers-64k", "Answers of 64 KiB", "64k", 64, gigabytes=False),
    _download("answers-1m", "Answers of 1 MiB", "1m", 16, gigabytes=True),
    _download("download", "Downloads of 100 MiB", "100m", 8, gigabytes=True),
)

if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))
