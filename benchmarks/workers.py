"""
What do worker processes cost beside one process that does everything?

CPU per request of all processes together, with one worker and with two, on
connections that stay open and on new ones. More than a tenth more is too much,
and the exit status says so. Run: C{python -m benchmarks.workers --help}.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from benchmarks import keepalive, new_connections
from benchmarks.report import show
from benchmarks.rounds import begin, compare, errors_in, files_of, teller
from benchmarks.stage import Stage

PROXIES = ("fiberlb", "fiberlb-1", "fiberlb-2")
SCENARIOS = tuple(
    attrs.evolve(scenario, name=f"workers-{scenario.name}", proxies=PROXIES)
    for scenario in (keepalive.SCENARIOS[0], new_connections.SCENARIOS[0])
)
#: What workers may cost, as a multiple of what one process does.
MOST = 1.1


def ratios(reports: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The median of each variant beside that of C{workers: 0}, by scenario and variant."""
    found = {}
    for report in reports:
        table = report["table"]
        for name in PROXIES[1:]:
            if name in table and PROXIES[0] in table:
                ratio = table[name]["median"] / table[PROXIES[0]]["median"]
                found[f"{report['scenario']} {name}"] = ratio
    return found


def main() -> int:
    """The command; 1 when something went wrong, or costs too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each (7)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a round (3)")
    parser.add_argument("--quiet", action="store_true", help="no line for each round")
    options = parser.parse_args()
    with Stage(begin(), files_of(SCENARIOS)) as stage:
        reports = compare(
            stage, SCENARIOS, PROXIES, options.rounds, options.seconds, teller(options)
        )
    for report in reports:
        show(report)
    found = ratios(reports)
    for name, ratio in found.items():
        print(f"{name:<40}{ratio:6.2f} of workers: 0")
    wrong = errors_in(reports) or stage.failures or len(found) < 4
    return int(bool(wrong) or max(found.values()) > MOST)


if __name__ == "__main__":
    sys.exit(main())
