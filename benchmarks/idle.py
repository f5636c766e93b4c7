"""
How much memory does a connection hold that nobody uses at the moment?

Opens connections, sends one request on each, and divides what the proxy's
memory has grown by. Run: C{python -m benchmarks.idle --help}.
"""

from __future__ import annotations

import argparse
import json
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.machine import Cores, describe, resident
from benchmarks.proxies import COMPARED, Front, Proxy
from benchmarks.report import show
from benchmarks.rounds import begin, teller
from benchmarks.setting import Setting
from benchmarks.stage import Needs, Stage

#: What is asked of every proxy: name, title and what clients speak.
QUESTIONS = (
    ("idle-plain", "Memory of an idle connection", Front.HTTP),
    ("idle-tls", "Memory of an idle TLS connection", Front.HTTPS),
)
_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def open_connection(proxy: Proxy, tls: ssl.SSLContext | None) -> socket.socket:
    """A connection on which one request was answered."""
    sock = socket.create_connection(("127.0.0.1", proxy.port), timeout=20)
    try:
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname="localhost")
        sock.sendall(_REQUEST)
        answer = b""
        # Chunks, where a proxy makes them, end with an empty one.
        while not answer.endswith((b"x" * 1024, b"\r\n0\r\n\r\n")):
            piece = sock.recv(65536)
            if not piece:
                raise ConnectionError(f"{proxy.name} closed a connection: {answer!r}")
            answer += piece
    except BaseException:
        sock.close()
        raise
    return sock


def growth(proxy: Proxy, setting: Setting, count: int) -> float:
    """KiB for each of C{count} connections; some are opened before, so that pools are filled."""
    tls = ssl.create_default_context(cafile=setting.pem) if setting.secure else None
    with ExitStack() as stack:

        def add(number: int) -> None:
            for _ in range(number):
                stack.callback(open_connection(proxy, tls).close)

        add(count // 10)
        before = resident(proxy.program.pid)
        add(count)
        return (resident(proxy.program.pid) - before) / count / 1024


def compare(
    cores: Cores, wanted: Sequence[str], count: int, progress: Callable[[str], object]
) -> tuple[list[dict[str, Any]], list[str]]:
    """
    All questions, asked of proxies that were just started: those in use have memory to spare.

    @return: a report for each question, and lines about what failed.
    """
    reports = []
    with Stage(cores, {}) as stage:
        for name, title, front in QUESTIONS:
            found = {}
            for proxy_name in filter(wanted.__contains__, COMPARED):
                needs = Needs(front)
                proxy = stage.proxy(proxy_name, needs)
                if proxy is None:
                    continue
                try:
                    found[proxy_name] = growth(proxy, stage.setting(needs), count)
                except OSError as why:
                    stage.failures.append(f"{name}, {proxy_name}: {why}")
                    progress(stage.failures[-1])
                    continue
                progress(f"{name:<20}{proxy_name:<12}{found[proxy_name]:8.1f} KiB")
            reports.append(_report(name, title, found, count))
        return reports, stage.failures


def _report(name: str, title: str, found: dict[str, float], count: int) -> dict[str, Any]:
    reference = found.get("haproxy")
    table = {
        proxy: {
            "min": size,
            "median": size,
            "ratio_min": size / reference if reference else None,
            "ratio_median": size / reference if reference else None,
            "errors": 0,
        }
        for proxy, size in found.items()
    }
    unit = "KiB per connection"
    return {"scenario": name, "title": title, "unit": unit, "connections": count, "table": table}


def main() -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=2000, help="how many (2000)")
    parser.add_argument("--only", default=",".join(COMPARED), help="with commas between")
    parser.add_argument("--quiet", action="store_true", help="no line for each proxy")
    options = parser.parse_args()
    wanted = options.only.split(",")
    reports, failures = compare(begin(), wanted, options.connections, teller(options))
    folder = Path(__file__).with_name("results")
    folder.mkdir(parents=True, exist_ok=True)
    for report in reports:
        show(report)
        text = json.dumps({"machine": describe(), **report}, indent=1) + "\n"
        (folder / f"{report['scenario']}.json").write_text(text)
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
