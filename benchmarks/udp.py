"""
What does relaying a datagram cost, beside nginx?

Clients ask an echoing member all the time; the figure is the CPU time of the proxy for a
question and its answer, and the ratio to nginx's of the same round. Run:
C{python -m benchmarks.udp --help}.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from benchmarks.machine import cpu_of
from benchmarks.rounds import begin
from tests.support.datagrams import Client, Origin, Stream, free_udp_port
from tests.support.ports import free_port
from tests.support.programs import Program, need, venv_program

_NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 16384; }}
stream {{ server {{ listen 127.0.0.1:{port} udp; proxy_timeout 30s; proxy_pass {origin}; }} }}
"""
_FIBERLB = """
version: 1
state_directory: {folder}/state
store: "memory:"
admin: {{listen: "127.0.0.1:{admin}"}}
pools: [{{name: origin, protocol: udp, members: ["{origin}"]}}]
listeners:
  - {{name: in, address: 127.0.0.1, port: {port}, protocol: udp, default_pool_id: origin}}
"""
_NAMES = ("nginx", "fiberlb")


def start(name: str, folder: Path, origin: str, pin: Callable[[list[str]], list[str]]) -> Any:
    """A proxy before the member: its program and port, when it answers."""
    port = free_udp_port()
    text = _NGINX if name == "nginx" else _FIBERLB
    path = folder / f"{name}.conf"
    path.write_text(text.format(folder=folder, port=port, origin=origin, admin=free_port()))
    if name == "nginx":
        command = [need("nginx"), "-p", str(folder), "-c", str(path), "-e", "stderr"]
    else:
        command = [venv_program("fiberlb"), "run", "-c", str(path)]
    program = Program(pin(command), cwd=str(folder))
    client = Client(port)

    def answers() -> bool:
        client.send(b"x")
        return not client.silent(0.2)

    try:
        program.wait_until(answers)
    except BaseException:
        program.stop()
        raise
    finally:
        client.close()
    return program, port


def measure(program: Program, port: int, seconds: float) -> tuple[float, float, int]:
    """One round: microseconds of CPU for each answer, answers a second, and those that failed."""
    before, began = cpu_of(program.pid), monotonic()
    stream = Stream(port, clients=64, window=4, size=64)
    program.wait_until(lambda: monotonic() - began >= seconds, within=seconds + 60)
    lost = stream.stop()
    used = cpu_of(program.pid) - before
    count = max(stream.answered, 1)
    return used.total * 1e6 / count, count / seconds, lost + len(stream.wrong)


def main() -> int:
    """The command; 1 when FiberLB has lost a datagram."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each proxy (5)")
    parser.add_argument("--seconds", type=float, default=4, help="length of a round (4)")
    options = parser.parse_args()
    cores = begin()
    origin = Origin("origin")
    programs: dict[str, Any] = {}
    costs: dict[str, list[float]] = {name: [] for name in _NAMES}
    lost = dict.fromkeys(_NAMES, 0)
    with TemporaryDirectory() as folder:
        try:
            for name in _NAMES:
                programs[name] = start(name, Path(folder), origin.address, cores.pin_proxy)
            for number in range(options.rounds):
                for name in _NAMES:
                    program, port = programs[name]
                    cost, rate, missing = measure(program, port, options.seconds)
                    costs[name].append(cost)
                    lost[name] += missing
                    line = f"{number + 1} {name:<10}{cost:8.1f} us{rate:10.0f}/s {missing} lost"
                    print(line, flush=True)
        finally:
            for program, _ in programs.values():
                program.stop()
            origin.stop()
    ratios = [own / other for own, other in zip(costs["fiberlb"], costs["nginx"], strict=True)]
    for name in _NAMES:
        print(f"{name:<12}{statistics.median(costs[name]):8.1f} us  {lost[name]} lost")
    print(f"fiberlb is {statistics.median(ratios):.2f} of nginx")
    return int(lost["fiberlb"] > 0)


if __name__ == "__main__":
    sys.exit(main())
