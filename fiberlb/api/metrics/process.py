"""Figures of the processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from fiberlb.control.service import ControlService

_PAGE = os.sysconf("SC_PAGE_SIZE")


def processes(control: ControlService) -> Iterator[Metric]:
    """How many workers there are, and what all processes use."""
    wanted, serving = control.workers
    told = control.processes()
    yield GaugeMetricFamily("fiberlb_workers_wanted", "Workers that there should be.", wanted)
    yield GaugeMetricFamily(
        "fiberlb_workers_serving", "Workers that serve the revision in force.", serving
    )
    yield GaugeMetricFamily(
        "fiberlb_workers_draining",
        "Workers that have been replaced and finish what runs on them.",
        len(told.pids.get("draining", ())),
    )
    yield CounterMetricFamily(
        "fiberlb_workers_died", "Workers that ended although they should serve.", told.deaths
    )
    yield CounterMetricFamily(
        "fiberlb_access_log_lost", "Lines of the access log that could not be written.", told.lost
    )
    yield from _load(control)
    spent = CounterMetricFamily(
        "fiberlb_cpu_seconds",
        "Processor time, also of workers that have ended.",
        labels=("process",),
    )
    spent.add_metric(("control",), time.process_time())
    if wanted:
        spent.add_metric(("worker",), told.spent)
    yield spent
    yield from _held({**told.pids, "control": [os.getpid()]})


def _load(control: ControlService) -> Iterator[Metric]:
    """How those with traffic keep up."""
    load = control.load
    overloaded = GaugeMetricFamily(
        "fiberlb_overloaded_processes",
        "Processes with traffic that are too slow, by what they do about it.",
        labels=("action",),
    )
    overloaded.add_metric(("stop_keep_alive",), load.closing)
    overloaded.add_metric(("refuse",), load.refusing)
    yield overloaded
    yield CounterMetricFamily(
        "fiberlb_overload_periods", "How often one of them has begun to do it.", load.periods
    )
    yield GaugeMetricFamily(
        "fiberlb_lag_seconds",
        "How long what is ready waits until it is looked at, in the slowest of them.",
        load.lag,
    )


def _held(pids: Mapping[str, Sequence[int]]) -> Iterator[Metric]:
    """Memory and descriptors, added up over the processes of a kind."""
    memory = GaugeMetricFamily(
        "fiberlb_resident_bytes", "Memory that the processes of a kind hold.", labels=("process",)
    )
    files = GaugeMetricFamily(
        "fiberlb_open_fds", "Descriptors that they have open.", labels=("process",)
    )
    for kind, several in pids.items():
        memory.add_metric((kind,), sum(map(_resident, several)))
        files.add_metric((kind,), sum(map(_open, several)))
    yield memory
    yield files


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0  # it has just ended


def _open(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0
