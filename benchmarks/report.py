"""Reports for people: tables on the terminal, and tables of reStructuredText between markers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.goals import GOALS, figure, verdict
from benchmarks.proxies import COMPARED

#: How a proxy is called in tables.
NAMES: Mapping[str, str] = {
    "haproxy": "HAProxy",
    "nginx": "nginx",
    "caddy": "Caddy",
    "fiberlb": "FiberLB",
    "aiohttp": "aiohttp",
    "twisted": "twisted.web",
    "fiberlb-epoll": "FiberLB on the stock reactor",
    "fiberlb-log": "FiberLB with an access log",
    "fiberlb-compiled": "FiberLB, compiled",
    "fiberlb-1": "FiberLB with one worker",
    "fiberlb-2": "FiberLB with two workers",
}

#: The rows of the README's table.
FIRST_PAGE = (
    "keepalive",
    "keepalive-varied",
    "new-connections",
    "download",
    "tls-keepalive",
    "tls13-full",
    "policies-200",
    "idle-plain",
)

#: What was not measured; a hyphen would be a list.
_NONE = "\N{EN DASH}"
_Report = Mapping[str, Any]
_Rows = list[list[str]]


def show(report: _Report, out: Callable[[str], object] = print) -> None:
    """Print the table of a report."""
    out(f"\n{report['title']}: {report['unit']}")
    head = ("", "median", "min", "ratio (med)", "ratio (min)", "busy", "rate/s", "p99 ms", "errors")
    rows = [head]
    for name, row in report["table"].items():
        cells = [_number(row["median"]), _number(row["min"])]
        cells += [_ratio(row["ratio_median"]), _ratio(row["ratio_min"])]
        cells += [_ratio(row.get("busy"))]
        cells += [_number(row.get("requests_per_second")), _number(row.get("p99_ms"))]
        rows.append((name, *cells, str(row["errors"])))
    for cells_ in rows:
        out(f"{cells_[0]:<14}" + "".join(f"{cell:>12}" for cell in cells_[1:]))


def show_goals(reports: Sequence[_Report], out: Callable[[str], object] = print) -> None:
    """Print how FiberLB stands to its goals."""
    out("\nGoals")
    for row in _goal_rows(reports):
        out(f"{row[0]:<50}" + "".join(f"{cell:>14}" for cell in row[1:]))


def comparison(reports: Sequence[_Report]) -> str:
    """HAProxy's median of each scenario with its unit, and the others' as multiples of it."""
    names = [name for name in COMPARED if any(name in report["table"] for report in reports)]
    others = [name for name in names if name != "haproxy"]
    rows = [["Scenario", "HAProxy", *(NAMES[name] for name in others)]]
    for report in reports:
        table = report["table"]
        first = _absolute(table.get("haproxy"), report["unit"])
        rows.append([_plain(report["title"]), first, *(_beside(table, n, report) for n in others)])
    return _table(rows)


def goals(reports: Sequence[_Report]) -> str:
    """FiberLB's figures beside its goals."""
    return _table(_goal_rows(reports))


def variants(reports: Sequence[_Report]) -> str:
    """FiberLB in its variants, where one was measured."""
    rows = [["Variant", "CPU", "beside FiberLB as it is"]]
    for report in reports:
        base = report["table"].get("fiberlb")
        for name in [name for name in report["table"] if name not in COMPARED]:
            row = report["table"][name]
            ratio = _ratio(row["median"] / base["median"]) if base else _NONE
            variant = f"{NAMES[name]}: {_plain(report['title'])}"
            rows.append([variant, _absolute(row, report["unit"]), ratio])
    return _table(rows) if len(rows) > 1 else ""


def conditions(run: Mapping[str, Any]) -> str:
    """What a run was: machine, versions, rounds."""
    machine = run["machine"]
    shared = " The proxy shared its core with the load." if run["cores_shared"] else ""
    return (
        f"{machine['cpu']}, {machine['cpus']} CPUs, Linux {_version(machine['kernel'])}, load "
        f"{machine['load_before']:.2f} before the run; {run['rounds']} rounds of "
        f"{run['seconds']:g} s for each proxy and scenario.{shared} FiberLB {machine['fiberlb']}, "
        f"Python {machine['python']}, Twisted {machine['twisted']}, pyOpenSSL "
        f"{machine['pyopenssl']}, aiohttp {machine['aiohttp']} on uvloop {machine['uvloop']}; "
        f"HAProxy {_version(machine['haproxy'])}, nginx {_version(machine['nginx'])}, Caddy "
        f"{_version(machine['caddy'])}."
    )


def between(text: str, name: str, new: str) -> str:
    """
    C{text} with other lines between its comments C{.. NAME} and C{.. end of NAME}.

    @raise ValueError: the comments are not there.
    """
    start, end = f".. {name}\n", f".. end of {name}\n"
    before, found, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"no lines between {start.strip()!r} and {end.strip()!r}")
    return f"{before}{start}\n{new.strip()}\n\n{end}{after}"


def _version(said: str) -> str:
    """The number in what a program says of itself, without what a distribution adds."""
    found = re.search(r"\d+(\.\d+)+", said)
    return found[0] if found else said


def _goal_rows(reports: Sequence[_Report]) -> _Rows:
    by_name = {report["scenario"]: report for report in reports}
    rows = [["Scenario", "FiberLB", "must", "aim", "goal"]]
    for name, goal in GOALS.items():
        if name in by_name:
            found = figure(name, by_name)
            title = _plain(by_name[name]["title"])
            if goal.beside is not None:
                title += f" (beside {goal.beside.rpartition('-')[2]})"
            unit = " KiB" if goal.absolute else ""
            cells = [_ratio(found) + unit, f"{goal.must:g}{unit}", f"{goal.aim:g}{unit}"]
            rows.append([title, *cells, verdict(goal, found)])
    return rows


def _beside(table: Mapping[str, Any], name: str, report: _Report) -> str:
    row = table.get(name)
    if row is None:
        return _NONE
    wrong = " (errors)" if row["errors"] else ""
    if row["ratio_median"] is None:
        return _absolute(row, report["unit"]) + wrong
    return _ratio(row["ratio_median"]) + wrong


def _absolute(row: Mapping[str, Any] | None, unit: str) -> str:
    """A median with its unit: 21.3 us, 1100 ms/GB, 1.2 KiB."""
    if row is None:
        return _NONE
    short = unit.removeprefix("CPU ").partition(" per ")[0]
    return f"{_number(row['median'])} {short}{'/GB' if unit.endswith('GB') else ''}"


def _number(value: float | None) -> str:
    if value is None:
        return _NONE
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}"


def _ratio(value: float | None) -> str:
    if value is None:
        return _NONE
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _plain(text: str) -> str:
    return text.replace("*", r"\*")


def _table(rows: _Rows) -> str:
    """A simple table; no cell may be empty."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join((rule, lines[0], rule, *lines[1:], rule))
