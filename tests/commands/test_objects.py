"""Tests of fiberlb.commands.objects."""

from __future__ import annotations

import json
from typing import Any

from fiberlb.commands.exits import REFUSED, STALE
from tests.commands.answering import Answering


class ObjectTests(Answering):
    """C{fiberlb ls}, C{show}, C{create}, C{update}, C{delete}."""

    def sent(self) -> tuple[bytes, Any]:
        """The first line of the last request, and its body."""
        head, _, body = self.requests[-1].partition(b"\r\n\r\n")
        return head.split(b" HTTP")[0], json.loads(body) if body else None

    def done(self, *words: str, answer: Any = None, status: int = 200) -> str:
        """What a command says that is answered so."""
        self.answers.clear()
        self.serve({} if answer is None else answer, status)
        found = self.run_command(*words)
        self.assertEqual(found.exit_code, 0, found.output)
        return found.output

    def test_ls(self) -> None:
        """A table of a kind; filters are the API's."""
        items = [{"name": "web", "members": [{}, {}]}]
        output = self.done(
            *("ls", "pools", "--columns", "name,members", "--filter", "protocol=http"),
            answer={"items": items, "next": None},
        )
        self.assertEqual(output, "NAME  MEMBERS\nweb   2\n")
        self.assertEqual(self.targets[-1], "/v1/pools?limit=1000&protocol=http")

    def test_ls_within(self) -> None:
        """Within a parent, which is a part of the address or a filter."""
        empty: Any = {"items": [], "next": None}
        self.done("ls", "members", "web", answer=empty)
        self.assertEqual(self.targets[-1], "/v1/pools/web/members?limit=1000")
        self.done("ls", "policies", "front", answer=empty)
        self.assertEqual(self.targets[-1], "/v1/l7_policies?limit=1000&listener_id=front")
        self.assertEqual(self.run_command("ls", "pools", "x").exit_code, REFUSED)

    def test_ls_monitors(self) -> None:
        """Health monitors are those of the pools that have one."""
        pools = [{"name": "a", "health_monitor": None}, {"name": "b", "health_monitor": {"x": 1}}]
        output = self.done("ls", "monitors", "-o", "json", answer={"items": pools, "next": None})
        self.assertEqual(json.loads(output), [{"x": 1, "name": "b"}])

    def test_show(self) -> None:
        """One object, by name."""
        output = self.done("show", "pool", "web", answer={"name": "web", "members": []})
        self.assertEqual(output.splitlines(), ["name  web", "", "members: none"])
        self.assertEqual(self.targets[-1], "/v1/pools/web")

    def test_create(self) -> None:
        """What is set is sent to where it belongs; what came of it is said."""
        for words, line, body in (
            ("pool web --set members=10.0.0.1:80", b"POST /v1/pools", None),
            ("member web/10.0.0.3:80 --set weight=2", b"POST /v1/pools/web/members", None),
            ("rule api --set type=path", b"POST /v1/l7_policies/api/rules", {"type": "path"}),
            ("monitor web --set type=http", b"PUT /v1/pools/web/health_monitor", {"type": "http"}),
        ):
            output = self.done("create", *words.split(), answer={"name": "n", "revision": 3})
            sent = self.sent()
            self.assertEqual(sent[0], line)
            if body is not None:
                self.assertEqual(sent[1], body)
            self.assertRegex(output, r"^Created \w+ n \(revision 3\)\n$")

    def test_create_member(self) -> None:
        """A member that is named by its address needs nothing else."""
        self.done("create", "member", "web/10.0.0.3:80", "--set", "weight=2")
        body = self.sent()[1]
        self.assertEqual(
            {**body, "port": int(body["port"])},
            {"name": "10.0.0.3:80", "address": "10.0.0.3", "port": 80, "weight": 2},
        )

    def test_create_file(self) -> None:
        """All objects of a file are made, as they stand there."""
        path = self.directory / "o.yaml"
        path.write_text("[{name: a}, {name: b}]")
        self.serve({"name": "a"}, 201)
        self.serve({"name": "b"}, 201)
        found = self.run_command("create", "pool", "-f", str(path))
        self.assertEqual(found.output, "Created pool a\nCreated pool b\n")
        found = self.run_command("create", "pool", "c", "-f", str(path))
        self.assertEqual(found.exit_code, REFUSED)

    def test_update(self) -> None:
        """Fields are patched, a file replaces; a revision may be meant."""
        words = ("update", "pool", "web", "--set", "slow_start=1s", "--unset", "description")
        self.done(*words, "--if-match", "7", answer={"name": "web", "revision": 8})
        self.assertEqual(
            self.sent(), (b"PATCH /v1/pools/web", {"slow_start": "1s", "description": None})
        )
        self.assertIn(b'If-Match: "7"', self.requests[-1])
        path = self.directory / "o.yaml"
        path.write_text("{name: web, tags: [a]}")
        self.done("update", "pool", "web", "-f", str(path))
        self.assertEqual(self.sent(), (b"PUT /v1/pools/web", {"name": "web", "tags": ["a"]}))
        self.assertEqual(self.run_command("update", "pool", "web").exit_code, REFUSED)

    def test_stale(self) -> None:
        """Somebody else was faster: a code of its own."""
        self.serve({"detail": "its tag is '8'", "code": "stale"}, 412)
        found = self.run_command("update", "pool", "web", "--set", "tags=a", "--if-match", "7")
        self.assertEqual(found.exit_code, STALE)

    def test_delete(self) -> None:
        """It is gone, or in use."""
        self.answers.clear()
        self.serve_raw(b"HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n")
        found = self.run_command("delete", "pool", "web", "--reason", "old")
        self.assertEqual((found.exit_code, found.output), (0, "Deleted pool web\n"))
        self.assertIn(b"FiberLB-Reason: old\r\n", self.requests[-1])
        self.answers.clear()
        users = [{"collection": "listeners", "name": "front"}]
        self.serve({"detail": "it is in use", "used_by": users}, 409)
        found = self.run_command("delete", "pool", "web")
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("used by front of listeners", found.output)

    def test_dry_run(self) -> None:
        """What would happen is told, object by object."""
        changes = [{"op": "create", "name": "web", "id": "1", "collection": "pools"}]
        answer = {"dry_run": True, "changes": changes, "result": {}, "revision": 7}
        output = self.done("create", "pool", "web", "--dry-run", answer=answer)
        self.assertEqual(output.splitlines()[1:], ["  create web of pools"])
        self.assertEqual(self.targets[-1], "/v1/pools?dry_run=true")
