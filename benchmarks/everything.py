"""
All scenarios in one run, interleaved, in about the time that is given.

Prints tables, writes C{benchmarks/results/everything.json}, and with C{--rst}
puts the figures into the README and the page about speed. For figures worth
keeping, run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

import attrs

from benchmarks import downloads, idle, keepalive, new_connections, policies, tcp, tls, uploads
from benchmarks.machine import describe
from benchmarks.proxies import COMPARED, PROXIES
from benchmarks.report import (
    FIRST_PAGE,
    between,
    comparison,
    conditions,
    goals,
    show,
    show_goals,
    variants,
)
from benchmarks.rounds import Scenario, begin, compare, errors_in, files_of, teller
from benchmarks.stage import Stage

SCENARIOS: tuple[Scenario, ...] = (
    *keepalive.SCENARIOS,
    *new_connections.SCENARIOS,
    *downloads.SCENARIOS,
    *uploads.SCENARIOS,
    *policies.SCENARIOS,
    *tls.SCENARIOS,
    *tcp.SCENARIOS,
)

_NAMES = [s.name for s in SCENARIOS] + [name for name, _, _ in idle.QUESTIONS]
#: Seconds needed beside the samples themselves: to start a proxy and to check what it does; for
#: each sample; for the idle connections of a proxy, with its start.
_START, _SAMPLE, _IDLE = 0.8, 0.2, 3.0
#: Seconds of a sample, at most: longer ones tell nothing that more of them would not.
_LONGEST = 6
#: Idle connections to each proxy.
_CONNECTIONS = 1000
_ROOT = Path(__file__).parent.parent
_RESULTS = Path(__file__).with_name("results")


@attrs.frozen
class Plan:
    """
    How long it takes, about.

    @ivar seconds: of each sample, whole ones.
    @ivar rounds: that will fit, on a machine that does nothing else.
    @ivar idle: seconds for the measurements of memory, at the end.
    @ivar total: seconds for everything, which one round at least needs.
    """

    seconds: int
    rounds: int
    idle: float
    total: float


def plan(minutes: float, scenarios: Sequence[Scenario], wanted: Sequence[str], idle: bool) -> Plan:
    """
    What fits into so many minutes: one round at least; longer samples once there are five.

    @param idle: whether memory is measured too.
    """
    samples = sum(len([p for p in s.proxies if p in wanted]) for s in scenarios)
    proxies = {(p, *s.needs.shared) for s in scenarios for p in s.proxies if p in wanted}
    start = len(proxies) * _START
    last = len([name for name in wanted if name in COMPARED]) * 2 * _IDLE if idle else 0.0
    left = minutes * 60 - start - last
    seconds = 1
    while seconds < _LONGEST and left >= 5 * samples * (seconds + 1 + _SAMPLE):
        seconds += 1
    a_round = max(1, samples) * (seconds + _SAMPLE)
    rounds = max(1, int(left / a_round))
    return Plan(seconds, rounds, last, start + last + rounds * a_round)


def run(options: argparse.Namespace, wanted: Sequence[str]) -> dict[str, Any]:
    """Measure everything; the report of it all."""
    chosen = options.scenario.split(",") if options.scenario else _NAMES
    taken = [s for s in SCENARIOS if s.name in chosen]
    with_idle = any(name in chosen for name, _, _ in idle.QUESTIONS)
    found = plan(options.minutes, taken, wanted, with_idle)
    print(
        f"{len(taken)} scenarios, {found.rounds} rounds of {found.seconds} s for each proxy: "
        f"about {found.total / 60:.1f} minutes, fewer rounds on a busy machine",
        file=sys.stderr,
        flush=True,
    )
    _bound(found.total)
    began = monotonic()
    cores = begin()
    machine = describe()
    progress = teller(options)
    until = began + max(found.total, options.minutes * 60) - found.idle
    with Stage(cores, files_of(taken)) as stage:
        reports = compare(stage, taken, wanted, 1000, found.seconds, progress, until)
    failures = stage.failures
    if with_idle:
        compared = [name for name in wanted if name in COMPARED]
        more, failed = idle.compare(cores, compared, _CONNECTIONS, progress)
        reports += more
        failures += failed
    return {
        "machine": machine,
        "cores_shared": cores.shared,
        "rounds": max((report.get("rounds", 0) for report in reports), default=0),
        "seconds": found.seconds,
        "took": monotonic() - began,
        "failures": failures,
        "reports": [report for report in reports if report["table"]],
        "empty": [report["title"] for report in reports if not report["table"]],
    }


def write_rst(found: dict[str, Any]) -> None:
    """Put the figures into the README and the page about speed."""
    reports = found["reports"]
    parts = [
        conditions(found),
        "HAProxy's CPU time (or memory), and the others' as multiples of it:",
        comparison(reports),
        "FiberLB and its goals:",
        goals(reports),
    ]
    if other := variants(reports):
        parts += ["FiberLB in other ways, on open connections with the same head:", other]
    first = [report for report in reports if report["scenario"] in FIRST_PAGE]
    _replace(_ROOT / "docs" / "performance.rst", "measured", "\n\n".join(parts))
    _replace(_ROOT / "README.rst", "speed table", comparison(first))


def _replace(path: Path, name: str, text: str) -> None:
    path.write_text(between(path.read_text("utf-8"), name, text), "utf-8")


def _bound(total: float) -> None:
    """Whatever hangs, it ends; and SIGTERM ends it in the same orderly way as Ctrl-C."""

    def end(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGALRM, end)
    signal.alarm(int(total * 2) + 300)


def _tell(found: dict[str, Any]) -> int:
    """Print the tables; the exit status."""
    for report in found["reports"]:
        show(report)
    show_goals(found["reports"])
    for line in [*found["failures"], *(f"{title}: nothing measured" for title in found["empty"])]:
        print(f"FAILED: {line}")
    print(f"\nIt took {found['took'] / 60:.1f} minutes.")
    return int(bool(errors_in(found["reports"]) or found["failures"] or found["empty"]))


def main() -> int:
    """The command; 1 when anything went wrong, 130 when it was interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=8, help="time for all of it, about (8)")
    parser.add_argument("--only", help=f"proxies, with commas between: {','.join(PROXIES)}")
    parser.add_argument("--scenario", help=f"scenarios, with commas between: {','.join(_NAMES)}")
    parser.add_argument("--json", type=Path, default=_RESULTS / "everything.json")
    parser.add_argument("--again", action="store_true", help="no measurement: the figures of FILE")
    parser.add_argument("--rst", action="store_true", help="write README.rst, docs/performance.rst")
    parser.add_argument("--quiet", action="store_true", help="no line for each round")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else list(PROXIES)
    if unknown := set(wanted) - set(PROXIES):
        parser.error(f"unknown proxies: {', '.join(sorted(unknown))}")
    if options.again:
        found = json.loads(options.json.read_text())
    else:
        try:
            found = run(options, wanted)
        except KeyboardInterrupt as why:
            print(f"interrupted {why}".rstrip(), file=sys.stderr)
            return 130
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    status = _tell(found)
    if options.rst:
        write_rst(found)
    return status


if __name__ == "__main__":
    sys.exit(main())
