"""What the live tests of persistence and of draining share."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.clients import curl, request
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import Program

_LOGIN = """
location = /login {{
    add_header Set-Cookie "JSESSIONID=$request_id; Path=/; HttpOnly";
    return 200 "member {name}\\n";
}}
location = /late3 {{ echo_sleep 3; echo "member {name}"; }}
"""


class StickyCase(SynchronousTestCase):
    """
    Members, and a FiberLB before them.

    @ivar port: of its listener.
    """

    #: Members there are.
    COUNT = 3

    def setUp(self) -> None:
        """The members run."""
        self.members = {
            name: Member(name, extra=_LOGIN.format(name=name)).start()
            for name in "abcdefgh"[: self.COUNT]
        }
        for member in self.members.values():
            self.addCleanup(member.stop)
        self.port = free_port()

    def text(self, pool: str, *names: str, further: str = "") -> str:
        """A configuration whose one pool has these fields, and all members or those named."""
        members = json.dumps(
            [
                {"name": name, "address": "127.0.0.1", "port": self.members[name].port}
                for name in names or self.members
            ]
        )
        return (
            f"pools:\n  - {{name: web, members: {members}, {pool}}}\n"
            f"listeners:\n  - {{name: front, address: 127.0.0.1, port: {self.port},"
            f" protocol: http, default_pool_id: web}}\n{further}"
        )

    def begin(self, text: str, workers: int) -> Balancer:
        """A FiberLB with this configuration."""
        self.balancer = balancer = Balancer(text, workers=workers).start(self.port)
        self.addCleanup(balancer.stop)
        self.addCleanup(lambda: self.assertNotIn("Traceback", balancer.output))
        program = self.program()
        program.wait_until(lambda: self.ask("/v1/status")["workers"]["serving"] == workers)
        return balancer

    def program(self) -> Program:
        """The controlling process."""
        assert self.balancer.program is not None
        return self.balancer.program

    def reload(self, text: str) -> None:
        """Another configuration, in force."""
        before = self.balancer.output.count("is in force")
        self.balancer.write(text)
        self.balancer.reload()
        self.program().wait_until(lambda: self.balancer.output.count("is in force") > before)

    def ask(self, target: str, method: str = "GET", body: Any = None) -> Any:
        """The admin API's answer, which must be a good one."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if method == "GET" else {"Content-Type": "application/json"}
        answer = request(self.balancer.admin, target, method=method, headers=headers, body=data)
        self.assertLess(answer.status, 300, answer.text)
        return json.loads(answer.body) if answer.body else None

    def state(self, member: str, state: str, **fields: Any) -> None:
        """Set a member's state."""
        body = {"state": state, **fields}
        self.ask(f"/v1/pools/web/members/{member}/state", "PUT", body)

    def shown(self, member: str) -> Any:
        """A member as the API shows it."""
        return self.ask(f"/v1/pools/web/members/{member}")

    def wait_drained(self, member: str) -> None:
        """Until nothing runs on it."""
        self.program().wait_until(lambda: self.shown(member)["operational"]["drained"], within=60)

    def wait_up(self, member: str) -> None:
        """Until its checks have found it up."""
        self.program().wait_until(lambda: self.shown(member)["status"]["health"] == "up", within=60)

    def served(self, target: str = "/", jar: str | None = None, *options: str) -> str:
        """The name of the member that answers, on a new connection, with the cookies of a jar."""
        kept = () if jar is None else ("-b", jar, "-c", jar)
        found = curl(*kept, *options, f"http://127.0.0.1:{self.port}{target}")
        text = found.stdout.decode().strip()
        self.assertTrue(text.startswith("member "), text)
        return text.removeprefix("member ")

    def jar(self) -> str:
        """A cookie jar, empty."""
        return self.mktemp()
