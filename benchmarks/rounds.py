"""
Interleaved rounds: each proxy in turn, again and again, so that a busy minute hits all alike.

The figure is the proxy's CPU time per unit of work: it is far steadier than
the rate, which depends on everything else on the machine. A ratio is taken
within a round, against HAProxy a few seconds before or after, and the median
of these is the figure to compare; differences under 15 % mean nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any
from unittest import SkipTest

import attrs

from benchmarks.load import Load, Result
from benchmarks.machine import Cores, cpu_of, describe, raise_limits, resident
from benchmarks.proxies import COMPARED, PROXIES, Front, Proxy, Setting
from benchmarks.report import show
from benchmarks.stage import Needs, Stage

#: What the others are compared with.
REFERENCE = "haproxy"
#: Bytes of head, TLS records and the like that may come with an answer.
_HEAD = 2048


def per_request(result: Result) -> float:
    """The unit of most scenarios: one answered request."""
    return float(result.requests)


def per_gigabyte(result: Result) -> float:
    """The unit of transfers: a thousand million bytes, heads included."""
    return result.bytes / 1e9


@attrs.frozen
class Scenario:
    """
    One question, asked of every proxy.

    @ivar name: of the report's file, and of its goal.
    @ivar unit: how many units of work a result holds.
    @ivar unit_name: what C{unit} counts, for the table.
    @ivar milli: the figures are milliseconds rather than microseconds.
    @ivar extras: further lines of the proxies' configurations (see L{Setting}).
    @ivar files: name -> size, served by the origin below C{/files/}.
    @ivar proxies: who can do this at all.
    @ivar size: bytes of a body, either way.
    @ivar uploads: bodies go to the origin that takes them.
    @ivar verified: the origin speaks TLS, and the proxies verify it.
    """

    name: str
    title: str
    load: Load
    unit: Callable[[Result], float] = per_request
    unit_name: str = "request"
    milli: bool = False
    extras: Mapping[str, str] = attrs.field(factory=dict)
    files: Mapping[str, int] = attrs.field(factory=dict)
    front: Front = Front.HTTP
    proxies: tuple[str, ...] = tuple(COMPARED)
    size: int = 1024
    uploads: bool = False
    verified: bool = False

    @property
    def needs(self) -> Needs:
        """How the proxies have to be configured."""
        return Needs(self.front, self.extras, self.files, self.uploads, self.verified)


@attrs.frozen
class Sample:
    """
    One round of one proxy.

    @ivar cost: CPU time per unit of work, in micro- or milliseconds as the scenario says.
    @ivar user: the share of it outside the kernel.
    @ivar busy: the share of the time that the proxy used its core; below 1 the load was the limit.
    @ivar errors: of the load's count, and 1 when the bytes are not those of the answers.
    """

    proxy: str
    round: int
    cost: float
    user: float
    busy: float
    errors: int
    result: Result


def measure(
    scenario: Scenario, proxy: Proxy, seconds: float, setting: Setting, number: int = 0
) -> Sample:
    """One round against one proxy."""
    before = cpu_of(proxy.program.pid)
    url = f"{'https' if setting.secure else 'http'}://127.0.0.1:{proxy.port}"
    result = scenario.load.run(url, seconds, setting.cores, setting.directory)
    used = cpu_of(proxy.program.pid) - before
    units = scenario.unit(result) or float("nan")
    scale = (1e3 if scenario.milli else 1e6) / units
    errors = result.errors + (not plausible(result, scenario.size, scenario.load.connections))
    busy = used.total / result.seconds
    return Sample(proxy.name, number, used.total * scale, used.user * scale, busy, errors, result)


def plausible(result: Result, size: int, connections: int) -> bool:
    """
    Whether the bytes are those of that many answers; the last on each connection may be cut.

    @param size: bytes of the body of each.
    """
    most = (result.requests + connections) * (size + _HEAD)
    # A short round on a busy machine may see no end of a large body.
    return result.bytes > 0 and result.requests * size <= result.bytes <= most


def compare(
    stage: Stage,
    scenarios: Sequence[Scenario],
    wanted: Sequence[str],
    rounds: int,
    seconds: float,
    progress: Callable[[str], object],
    until: float = inf,
) -> list[dict[str, Any]]:
    """
    Run scenarios against the wanted proxies: all of them once in each round.

    @param rounds: no more than these.
    @param until: a time of the monotonic clock; no round begins that would not end by then, but
        for the first.

    @return: a report for each: table and every sample.
    """
    samples: dict[str, list[Sample]] = {scenario.name: [] for scenario in scenarios}
    longest = 0.0
    for number in range(rounds):
        began = monotonic()
        if number and began + longest > until:
            break
        for scenario in scenarios:
            proxies = _proxies(stage, scenario, wanted)
            # Whoever goes first in a round finds the caches of whoever went last before.
            shift = number % max(1, len(proxies))
            for proxy in proxies[shift:] + proxies[:shift]:
                try:
                    sample = measure(
                        scenario, proxy, seconds, stage.setting(scenario.needs), number
                    )
                except SkipTest as why:
                    progress(f"{scenario.name} is left out: {why}")
                    break
                except (OSError, RuntimeError) as why:
                    stage.failures.append(f"{scenario.name}, {proxy.name}: {why}")
                    progress(stage.failures[-1])
                    continue
                samples[scenario.name].append(sample)
                progress(_line(scenario, sample))
        # The first one has started the proxies.
        longest = max(longest, monotonic() - began) if number > 1 else monotonic() - began
    return [_report(s, samples[s.name], stage, wanted, seconds) for s in scenarios]


def _proxies(stage: Stage, scenario: Scenario, wanted: Sequence[str]) -> list[Proxy]:
    names = [name for name in scenario.proxies if name in wanted]
    found = (stage.proxy(name, scenario.needs) for name in names)
    return [proxy for proxy in found if proxy is not None]


def _report(
    scenario: Scenario,
    samples: Sequence[Sample],
    stage: Stage,
    wanted: Sequence[str],
    seconds: float,
) -> dict[str, Any]:
    running = [p for p in _proxies(stage, scenario, wanted) if p.program.running]
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "unit": f"CPU {'ms' if scenario.milli else 'us'} per {scenario.unit_name}",
        "rounds": len({sample.round for sample in samples}),
        "seconds": seconds,
        "connections": scenario.load.connections,
        "resident_bytes": {proxy.name: resident(proxy.program.pid) for proxy in running},
        "table": summarise(samples),
        "samples": [attrs.asdict(sample) for sample in samples],
    }


def _line(scenario: Scenario, sample: Sample) -> str:
    errors = f"  {sample.errors} ERRORS {sample.result.trouble}" if sample.errors else ""
    rate = sample.result.requests / sample.result.seconds
    name = f"{sample.round + 1} {scenario.name} {sample.proxy}"
    return f"{name:<40}{sample.cost:10.1f}{rate:10.0f} requests/s{errors}"


def summarise(samples: Sequence[Sample]) -> dict[str, dict[str, float | int | None]]:
    """
    By proxy: minimum and median, their ratios to the reference's, rate, latency, errors.

    The ratio of the minimum is that of both minima; the ratio of the median
    is the median of the ratios within each round.
    """
    names = {sample.proxy for sample in samples}
    by_name = {name: [s for s in samples if s.proxy == name] for name in PROXIES if name in names}
    reference = {s.round: s.cost for s in by_name.get(REFERENCE, [])}
    table: dict[str, dict[str, float | int | None]] = {}
    for name, found in by_name.items():
        costs = [s.cost for s in found]
        best = min(found, key=lambda s: s.cost)
        ratios = [s.cost / reference[s.round] for s in found if reference.get(s.round)]
        table[name] = {
            "min": min(costs),
            "median": statistics.median(costs),
            "min_user": best.user,
            "busy": statistics.median(s.busy for s in found),
            "ratio_min": min(costs) / min(reference.values()) if reference else None,
            "ratio_median": statistics.median(ratios) if ratios else None,
            "requests_per_second": max(s.result.requests / s.result.seconds for s in found),
            "p99_ms": best.result.p99_ms,
            "errors": sum(s.errors for s in found),
        }
    return table


def errors_in(reports: Sequence[Mapping[str, Any]]) -> int:
    """Errors of all samples, and one for each report without any."""
    tables = [report["table"] for report in reports]
    return sum(sum(row["errors"] for row in table.values()) + (not table) for table in tables)


def main(scenarios: Sequence[Scenario], description: str | None) -> int:
    """The command of a benchmark file; the exit status, 1 when anything went wrong."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each proxy (5)")
    parser.add_argument("--seconds", type=float, default=6, help="length of a round (6)")
    parser.add_argument("--only", help=f"proxies, with commas between: {','.join(PROXIES)}")
    names = ",".join(scenario.name for scenario in scenarios)
    parser.add_argument("--scenario", help=f"scenarios, with commas between: {names}")
    parser.add_argument("--json", type=Path, help="folder of the reports (benchmarks/results)")
    parser.add_argument("--quiet", action="store_true", help="no line for each round")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else list(PROXIES)
    if unknown := set(wanted) - set(PROXIES):
        parser.error(f"unknown proxies: {', '.join(sorted(unknown))}")
    folder = options.json or Path(__file__).with_name("results")
    folder.mkdir(parents=True, exist_ok=True)
    chosen = options.scenario.split(",") if options.scenario else names.split(",")
    taken = [scenario for scenario in scenarios if scenario.name in chosen]
    with Stage(begin(), files_of(taken)) as stage:
        machine = describe()
        reports = compare(stage, taken, wanted, options.rounds, options.seconds, teller(options))
    for report in reports:
        show(report)
        text = json.dumps({"machine": machine, **report}, indent=1) + "\n"
        (folder / f"{report['scenario']}.json").write_text(text)
    return int(errors_in(reports) > 0 or bool(stage.failures))


def teller(options: argparse.Namespace) -> Callable[[str], object]:
    """Where lines about each round go: to the standard error, or nowhere with C{--quiet}."""
    if options.quiet:
        return lambda line: None
    return lambda line: print(line, file=sys.stderr, flush=True)


def files_of(scenarios: Sequence[Scenario]) -> dict[str, int]:
    """What the origin has to serve for these."""
    return {name: size for scenario in scenarios for name, size in scenario.files.items()}


def begin() -> Cores:
    """Before anything is started: limits raised, and the proxy's CPU left to the proxy."""
    cores = Cores.split()
    cores.keep_off()
    raise_limits()
    return cores
