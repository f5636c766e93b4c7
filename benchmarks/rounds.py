"""
Interleaved rounds: each proxy in turn, again and again, so that a busy minute hits all alike.

The figure is the proxy's CPU time per unit of work: it is far steadier than
the rate, which depends on everything else on the machine. Minima are the
figures to compare; differences under 15 % mean nothing.
"""

from __future__ import annotations

import argparse
import json
import ssl
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import SkipTest

import attrs

from benchmarks.load import Load, Result
from benchmarks.machine import Cores, cpu_of, describe, resident
from benchmarks.proxies import PROXIES, Front, Proxy, Setting, start_origin
from tests.support.ports import free_port

#: What the others are compared with.
REFERENCE = "haproxy"


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

    @ivar name: of the report's file.
    @ivar unit: how many units of work a result holds.
    @ivar unit_name: what C{unit} counts, for the table.
    @ivar milli: the figures are milliseconds rather than microseconds.
    @ivar extras: further lines of the proxies' configurations (see L{Setting}).
    @ivar files: name -> size, served by the origin below C{/files/}.
    @ivar proxies: who can do this at all.
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
    proxies: tuple[str, ...] = tuple(PROXIES)


@attrs.frozen
class Sample:
    """
    One round of one proxy.

    @ivar cost: CPU time per unit of work, in micro- or milliseconds as the scenario says.
    @ivar user: the share of it outside the kernel.
    """

    proxy: str
    cost: float
    user: float
    result: Result


def measure(scenario: Scenario, proxy: Proxy, seconds: float, setting: Setting) -> Sample:
    """One round against one proxy."""
    before = cpu_of(proxy.program.pid)
    url = _url(proxy, setting)
    result = scenario.load.run(url, seconds, setting.cores, setting.directory)
    used = cpu_of(proxy.program.pid) - before
    units = scenario.unit(result) or float("nan")
    scale = (1e3 if scenario.milli else 1e6) / units
    return Sample(proxy.name, used.total * scale, used.user * scale, result)


def compare(
    scenario: Scenario, wanted: Sequence[str], rounds: int, seconds: float, progress: bool
) -> dict[str, Any]:
    """
    Run a scenario against the wanted proxies.

    @return: the report: machine, versions, table and every sample.
    """
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        # nginx's workers run as an ordinary user and read what the origin serves.
        directory.chmod(0o755)
        setting = Setting(directory, free_port(), Cores.split(), scenario.front, scenario.extras)
        machine = describe()
        stack.callback(start_origin(setting, scenario.files).program.stop)
        proxies = []
        for name in filter(scenario.proxies.__contains__, wanted):
            proxy = _start(name, setting)
            if proxy is not None:
                stack.callback(proxy.program.stop)
                proxies.append(proxy)
        samples = []
        for number in range(rounds):
            # Whoever goes first in a round finds the caches of whoever went last before.
            shift = number % max(1, len(proxies))
            for proxy in proxies[shift:] + proxies[:shift]:
                samples.append(measure(scenario, proxy, seconds, setting))
                if progress:
                    print(_line(samples[-1], number, rounds), file=sys.stderr, flush=True)
        memory = {proxy.name: resident(proxy.program.pid) for proxy in proxies}
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "unit": f"CPU {'ms' if scenario.milli else 'us'} per {scenario.unit_name}",
        "rounds": rounds,
        "seconds": seconds,
        "connections": scenario.load.connections,
        "cores_shared": setting.cores.shared,
        "machine": machine,
        "resident_bytes": memory,
        "table": summarise(samples),
        "samples": [attrs.asdict(sample) for sample in samples],
    }


def _start(name: str, setting: Setting) -> Proxy | None:
    try:
        proxy = PROXIES[name](setting)
    except SkipTest as why:
        print(f"{name} is left out: {why}", file=sys.stderr)
        return None
    # Whoever answers wrongly is fast for the wrong reason.
    trust = ssl.create_default_context(cafile=setting.pem) if _secure(setting) else None
    with urllib.request.urlopen(_url(proxy, setting), timeout=10, context=trust) as answer:
        if answer.status != 200 or len(answer.read()) != 1024:
            raise RuntimeError(f"{name} does not answer with the origin's body")
    return proxy


def _secure(setting: Setting) -> bool:
    return setting.front is Front.HTTPS


def _url(proxy: Proxy, setting: Setting) -> str:
    return f"{'https' if _secure(setting) else 'http'}://127.0.0.1:{proxy.port}"


def _line(sample: Sample, number: int, rounds: int) -> str:
    errors = f"  {sample.result.errors} ERRORS" if sample.result.errors else ""
    rate = sample.result.requests / sample.result.seconds
    name = f"{number + 1}/{rounds} {sample.proxy}"
    return f"{name:<16}{sample.cost:10.1f}{rate:10.0f} requests/s{errors}"


def summarise(samples: Sequence[Sample]) -> dict[str, dict[str, float | int | None]]:
    """By proxy: minimum and median, their ratios to the reference's, rate, latency, errors."""
    names = list(dict.fromkeys(sample.proxy for sample in samples))
    by_name = {name: [s for s in samples if s.proxy == name] for name in names}
    reference = [s.cost for s in by_name.get(REFERENCE, [])]
    table: dict[str, dict[str, float | int | None]] = {}
    for name in sorted(names, key=list(PROXIES).index):
        found = by_name[name]
        costs = [s.cost for s in found]
        best = min(found, key=lambda s: s.cost)
        table[name] = {
            "min": min(costs),
            "median": statistics.median(costs),
            "min_user": best.user,
            "ratio_min": min(costs) / min(reference) if reference else None,
            "ratio_median": statistics.median(costs) / statistics.median(reference)
            if reference
            else None,
            "requests_per_second": max(s.result.requests / s.result.seconds for s in found),
            "p99_ms": best.result.p99_ms,
            "errors": sum(s.result.errors for s in found),
        }
    return table


def show(report: Mapping[str, Any], out: Callable[[str], object] = print) -> None:
    """Print the table of a report."""
    table = report["table"]
    out(f"{report['title']}: {report['unit']}, {report['rounds']} rounds of {report['seconds']} s")
    head = ("", "min", "median", "ratio", "ratio (med)", "requests/s", "p99 ms", "errors")
    rows = [head]
    for name, row in table.items():
        ratios = ["-" if row[key] is None else f"{row[key]:.2f}" for key in _RATIOS]
        figures = [f"{row['min']:.1f}", f"{row['median']:.1f}", *ratios]
        latency = "-" if row["p99_ms"] is None else f"{row['p99_ms']:.1f}"
        figures += [f"{row['requests_per_second']:.0f}", latency, str(row["errors"])]
        rows.append((name, *figures))
    for cells in rows:
        out(f"{cells[0]:<10}" + "".join(f"{cell:>13}" for cell in cells[1:]))


def show_rst(reports: Sequence[Mapping[str, Any]], out: Callable[[str], object] = print) -> None:
    """Print reports as one table of reStructuredText: minima, and ratios to the reference."""
    names = [name for name in PROXIES if any(name in report["table"] for report in reports)]
    rows = [["CPU of the proxy (ratio to HAProxy)", *names]]
    for report in reports:
        row = [f"{report['title']}, {report['unit'].removeprefix('CPU ')}"]
        for name in names:
            cell = report["table"].get(name)
            ratio = cell and cell["ratio_min"]
            text = f"{cell['min']:.1f}" if cell else "-"
            row.append(f"{text} ({ratio:.2f})" if ratio is not None else text)
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    for line in (rule, lines[0], rule, *lines[1:], rule):
        out(line)


_RATIOS = ("ratio_min", "ratio_median")


def main(scenarios: Sequence[Scenario], description: str | None) -> int:
    """The command of a benchmark file; the exit status, 1 when anything went wrong."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each proxy (5)")
    parser.add_argument("--seconds", type=float, default=6, help="length of a round (6)")
    parser.add_argument("--only", help=f"proxies, with commas between: {','.join(PROXIES)}")
    names = ",".join(scenario.name for scenario in scenarios)
    parser.add_argument("--scenario", help=f"scenarios, with commas between: {names}")
    parser.add_argument("--json", type=Path, help="folder of the reports (benchmarks/results)")
    parser.add_argument("--rst", action="store_true", help="at the end a table for the README")
    parser.add_argument("--quiet", action="store_true", help="no line for each round")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else list(PROXIES)
    if unknown := set(wanted) - set(PROXIES):
        parser.error(f"unknown proxies: {', '.join(sorted(unknown))}")
    folder = options.json or Path(__file__).with_name("results")
    folder.mkdir(parents=True, exist_ok=True)
    chosen = options.scenario.split(",") if options.scenario else names.split(",")
    errors = 0
    reports = []
    for scenario in scenarios:
        if scenario.name in chosen:
            report = compare(scenario, wanted, options.rounds, options.seconds, not options.quiet)
            show(report)
            reports.append(report)
            (folder / f"{scenario.name}.json").write_text(json.dumps(report, indent=1) + "\n")
            table = report["table"]
            errors += sum(row["errors"] for row in table.values()) + (not table)
    if options.rst:
        show_rst(reports)
    return int(errors > 0)
