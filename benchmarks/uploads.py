"""
What does a gigabyte cost on its way from clients to members?

Run: C{python -m benchmarks.uploads --help}.
"""

from __future__ import annotations

import sys

from benchmarks.load import Uploads
from benchmarks.proxies import COMPARED
from benchmarks.rounds import Scenario, main, per_gigabyte

_MIB = 1024 * 1024


def _upload(name: str, title: str, load: Uploads, proxies: tuple[str, ...]) -> Scenario:
    return Scenario(
        name,
        title,
        load,
        per_gigabyte,
        "GB",
        milli=True,
        size=load.size,
        uploads=True,
        proxies=proxies,
    )


SCENARIOS = (
    _upload("upload-1m", "Uploads of 1 MiB", Uploads(_MIB, 16), tuple(COMPARED)),
    # Twisted's own proxy holds a whole body in memory, once for each client.
    _upload(
        "upload",
        "Uploads of 100 MiB",
        Uploads(100 * _MIB, 4),
        tuple(name for name in COMPARED if name != "twisted"),
    ),
)

if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))
