"""
How long does a large configuration take that is sent, and how long does traffic wait meanwhile?

A document with many policies is sent to C{PUT /v1/config}, then the same with one of them changed,
then as C{POST /v1/transactions}, and with C{fiberlb apply}; a client asks small things on a
connection that it keeps. Told are the seconds from the request to the answer, when all of it is in
force in every worker, and the client's longest waits.
Run: C{python -m benchmarks.apply --help}.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.reload import Client, spent
from tests.support.balancer import Balancer
from tests.support.clients import request
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import venv_program

Policy = dict[str, Any]
#: Of the configuration; each of them has two members.
POOLS = 50
#: Seconds for which an answer is waited for.
PATIENCE = 300


def policies(number: int, changed: int = -1, rules_each: int = 2) -> list[Policy]:
    """So many policies of a listener: a host, or a host and a path each; one of them rejects."""
    made = []
    for n in range(number):
        rules = [
            {"rule_type": "HOST_NAME", "value": f"host-{n}.example"},
            {"rule_type": "PATH", "compare_type": "STARTS_WITH", "value": f"/path-{n}"},
        ]
        action = {"action": "redirect_to_pool", "redirect_pool_id": f"pool-{n % POOLS}"}
        chosen = {"action": "reject"} if n == changed else action
        made.append({"name": f"policy-{n}", **chosen, "rules": rules[:rules_each]})
    return made


def document(
    member: str, port: int, number: int, changed: int = -1, rules_each: int = 2
) -> dict[str, Any]:
    """A listener with so many policies, and its pools."""
    host, _, at = member.rpartition(":")
    members = [{"address": host, "port": int(at), "name": "a"}]
    pools = [{"name": f"pool-{n}", "members": members} for n in range(POOLS)]
    listener = {
        "name": "web",
        "address": "127.0.0.1",
        "port": port,
        "protocol": "http",
        "default_pool_id": "pool-0",
        "l7_policies": policies(number, changed, rules_each),
    }
    return {"pools": pools, "listeners": [listener]}


def yaml_text(made: dict[str, Any]) -> str:
    """The document as people write it."""
    lines = ["pools:"]
    for pool in made["pools"]:
        one = pool["members"][0]
        lines.append(f"  - name: {pool['name']}")
        lines.append(f'    members: ["{one["address"]}:{one["port"]}"]')
    lines.append("listeners:")
    for listener in made["listeners"]:
        plain = {name: value for name, value in listener.items() if name != "l7_policies"}
        dash = "  - "
        for name, value in plain.items():
            lines.append(f"{dash}{name}: {value}")
            dash = "    "
        lines.append("    l7_policies:")
        for policy in listener["l7_policies"]:
            lines.append(f"      - name: {policy['name']}")
            lines += [f"        {k}: {policy[k]}" for k in policy if k not in ("name", "rules")]
            lines.append("        rules:")
            lines += [f"          - {json.dumps(rule)}" for rule in policy["rules"]]
    return "\n".join(lines) + "\n"


class Served:
    """
    FiberLB as it runs, and what is sent to it.

    @ivar port: of the listener.
    """

    def __init__(self, workers: int, number: int, seconds: float, rules_each: int) -> None:
        self._number, self._seconds, self._rules = number, seconds, rules_each
        self._member = Member("a").start()
        self.port = free_port()
        self.balancer = Balancer(workers=workers).start()
        small = self.document(10)
        self.sent("PUT", "/v1/config", small)

    def document(self, number: int, changed: int = -1) -> dict[str, Any]:
        """What is to be served."""
        return document(self._member.address, self.port, number, changed, self._rules)

    def sent(self, method: str, path: str, body: Any) -> None:
        """Send it; return when it is in force."""
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        answer = request(
            self.balancer.admin,
            path,
            method=method,
            headers=headers,
            body=content,
            within=PATIENCE,
        )
        assert answer.status in (200, 201), (answer.status, answer.text[:1000])

    def applied(self, path: Path) -> None:
        """C{fiberlb apply}."""
        command = [venv_program("fiberlb"), "apply", "--yes", "-c", str(path)]
        command += ["--url", f"http://127.0.0.1:{self.balancer.admin}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, (done.stdout[-1000:], done.stderr[-1000:])

    def measured(self, what: str, work: Callable[[], None]) -> None:
        """Print how long a change takes."""
        client = Client(self.port, self._seconds)
        time.sleep(0.5)
        began, before = time.monotonic(), spent(self.balancer.admin)
        work()
        took, used = time.monotonic() - began, spent(self.balancer.admin) - before
        print(f"{what}: {took:.2f} s, {used:.2f} s of processors; {client.waits()} ms", flush=True)

    def all(self, only: str) -> None:
        """Measure every way."""
        number = self._number
        if only in ("", "put"):
            for words, one in (("put", 0), ("put again, one changed", 1)):
                made = self.document(number, one)
                self.measured(words, lambda made=made: self.sent("PUT", "/v1/config", made))  # type: ignore[misc]
            self.sent("PUT", "/v1/config", self.document(10))
        if only in ("", "transaction"):
            (listener,) = self.document(number)["listeners"]
            several = [
                {"op": "create", "path": "/l7_policies", "body": {**one, "listener_id": "web"}}
                for one in listener["l7_policies"][10:]
            ]
            self.measured(
                "transaction",
                lambda: self.sent("POST", "/v1/transactions", {"operations": several}),
            )
            self.sent("PUT", "/v1/config", self.document(10))
        if only in ("", "apply"):
            for words, one in (("apply", 0), ("apply again, one changed", 1)):
                path = self.balancer.path.with_name("site.yaml")
                path.write_text(yaml_text(self.document(number, one)))
                self.measured(words, lambda path=path: self.applied(path))  # type: ignore[misc]

    def stop(self) -> None:
        """End what was started."""
        self.balancer.stop()
        self._member.stop()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=int, default=20000, help="of the listener (20000)")
    parser.add_argument("--seconds", type=float, default=15, help="that the client asks for (15)")
    parser.add_argument("--workers", type=int, default=2, help="processes for traffic (2)")
    parser.add_argument("--only", default="", help="put, transaction or apply")
    parser.add_argument("--rules", type=int, default=2, choices=(1, 2), help="of each policy (2)")
    options = parser.parse_args()
    served = Served(options.workers, options.policies, options.seconds, options.rules)
    try:
        served.all(options.only)
    finally:
        served.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
