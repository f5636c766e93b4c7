"""
How long does a reload of a large file take, and how long does traffic wait meanwhile?

A file with many policies is changed in one of them, at last in all of them, and read again, while a
client asks small things on a connection that it keeps. Told are the seconds
until the change is in force everywhere, and the client's longest waits, beside
those of the same time without a reload. Run: C{python -m benchmarks.reload --help}.
"""

from __future__ import annotations

import argparse
import re
import socket
import subprocess
import sys
import time

from tests.support.balancer import Balancer
from tests.support.clients import request
from tests.support.members import Member
from tests.support.ports import free_port

_DONE = "read again and is in force"
_POLICY = """\
      - name: p{n}
        action: {action}
        rules:
          - {{rule_type: HOST_NAME, value: "host-{n}.{domain}"}}
          - {{rule_type: PATH, compare_type: STARTS_WITH, value: "/path-{n}"}}
"""


def configuration(
    member: str, port: int, policies: int, rejected: int, domain: str = "example"
) -> str:
    """A listener with so many policies; one of them rejects, the others choose a pool."""
    head = f"""
pools: [{{name: web, members: ["{member}"]}}]
listeners:
  - name: web
    address: 127.0.0.1
    port: {port}
    protocol: http
    default_pool_id: web
    l7_policies:
"""
    chosen = "redirect_to_pool\n        redirect_pool_id: web"
    return head + "".join(
        _POLICY.format(n=n, action="reject" if n == rejected else chosen, domain=domain)
        for n in range(policies)
    )


def ask(port: int, seconds: float) -> None:
    """Be the client for so long; print the waits in milliseconds, the longest first."""
    waits: list[float] = []
    with socket.create_connection(("127.0.0.1", port)) as sock:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while not sock.recv(65536).endswith(b"member a\n"):
                pass
            waits.append((time.monotonic() - began) * 1000)
            time.sleep(0.001)
    print(*[f"{wait:.1f}" for wait in sorted(waits, reverse=True)[:5]])


class Client:
    """L{ask}, in a process of its own, which shares nothing with who measures."""

    def __init__(self, port: int, seconds: float) -> None:
        command = [sys.executable, "-m", "benchmarks.reload", "--ask", str(port), str(seconds)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def waits(self) -> str:
        """The longest ones, when it has ended."""
        return self._process.communicate()[0].strip()


def spent(admin: int) -> float:
    """Seconds of processor time of all processes so far; steadier than those of a clock."""
    text = request(admin, "/metrics").text
    return sum(map(float, re.findall(r"^fiberlb_cpu_seconds_total\S* (\S+)$", text, re.MULTILINE)))


def measure(workers: int, policies: int, rounds: int, seconds: float) -> None:
    """Print a line for each round with one number of workers."""
    member = Member("a").start()
    port = free_port()
    balancer = Balancer(configuration(member.address, port, policies, -1), workers=workers)
    try:
        balancer.spawn("-c", str(balancer.path))
        program = balancer.program
        assert program is not None
        program.wait_for_line("members up", within=120)
        print(
            f"workers: {workers}, without a reload: {Client(port, seconds).waits()} ms", flush=True
        )
        for number in range(rounds + 1):
            domain = "example" if number < rounds else "test"
            balancer.write(configuration(member.address, port, policies, number, domain))
            client, said = Client(port, seconds), len(program.lines)
            time.sleep(0.5)
            began, before = time.monotonic(), spent(balancer.admin)
            balancer.reload()
            program.wait_for_line(_DONE, after=said, within=120)
            took, used = time.monotonic() - began, spent(balancer.admin) - before
            what = "one" if number < rounds else "all"
            told = f"workers: {workers}, {what} changed: in force after {took:.2f} s"
            told += f", {used:.2f} s of processors"
            print(f"{told}: {client.waits()} ms", flush=True)
    finally:
        balancer.stop()
        member.stop()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=int, default=20000, help="in the file (20000)")
    parser.add_argument("--rounds", type=int, default=3, help="reloads of each (3)")
    parser.add_argument("--seconds", type=float, default=15, help="that the client asks for (15)")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2], help="numbers (0 2)")
    parser.add_argument("--ask", nargs=2, metavar=("PORT", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        ask(int(options.ask[0]), float(options.ask[1]))
        return 0
    for workers in options.workers:
        measure(workers, options.policies, options.rounds, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
