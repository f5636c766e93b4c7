"""Several operations in one revision."""

from __future__ import annotations

from typing import Any

from fiberlb.model.operational import MemberMode
from fiberlb.model.pool import Member, Pool
from tests.api.rest.asking import Answer, Asking

LISTENER = {"name": "l", "port": 80, "protocol": "http", "default_pool_id": "a"}


def op(kind: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    """An operation."""
    return {"op": kind, "path": path, **({} if body is None else {"body": body}), **more}


class TransactionCase(Asking):
    """A node."""

    def do(self, *operations: Any, query: str = "", **more: Any) -> Answer:
        """One transaction."""
        document = {"operations": list(operations), **more}
        return self.ask("POST", f"/v1/transactions{query}", document)

    def done(self, *operations: Any, **more: Any) -> Any:
        """One that must succeed."""
        found = self.do(*operations, **more)
        self.assertEqual(found.status, 200, found.body)
        return found.document


class DoneTests(TransactionCase):
    """All of them."""

    def test_one_revision(self) -> None:
        """Later operations see earlier ones by name; it is one revision, with its reason."""
        found = self.done(
            op("create", "/pools", {"name": "a"}),
            op("create", "/pools/a/members", {"address": "127.0.0.1", "port": 1, "name": "one"}),
            op("create", "/listeners", LISTENER),
            op("patch", "/pools/a", {"description": "x"}),
            reason="all at once",
        )
        self.assertEqual(found["revision"], 1)
        self.assertEqual([one["created"] for one in found["results"]], [True, True, True, False])
        self.assertEqual(found["results"][0]["etag"], '"1"')
        self.assertEqual([c["name"] for c in found["changes"]], ["a", "one", "l"])
        pool = self.get("/v1/pools/a").document
        self.assertEqual((pool["description"], pool["revision"]), ("x", 1))
        (entry,) = self.get("/v1/revisions").document["items"]
        self.assertEqual(entry["reason"], "all at once")

    def test_every_path(self) -> None:
        """Lists, health monitors, other spellings, names with a slash."""
        self.done(
            op("create", "/v1/pools", {"name": "a/b"}),
            op("replace", "/pools/a%2Fb/members", ["127.0.0.1:1", "127.0.0.1:2"]),
            op("replace", "/pools/a%2Fb/health_monitor", {"type": "tcp"}),
            op("create", "/loadbalancers", {"name": "lb"}),
            op("create", "/listeners", {**LISTENER, "default_pool_id": "a/b"}),
            op("create", "/l7policies", {"name": "p", "listener_id": "l", "action": "reject"}),
            op("replace", "/l7_policies/p/rules", [{"path": "/x"}]),
            op("delete", "/members/127.0.0.1:2"),
            op("patch", "/pools/a%2Fb/health_monitor", {"interval": "9s"}),
        )
        pool = self.get("/v1/pools/a%2Fb").document
        self.assertEqual([m["port"] for m in pool["members"]], [1])
        self.assertEqual(pool["health_monitor"]["interval"], "9s")

    def test_swap(self) -> None:
        """What would not go one after the other: two listeners change ports."""
        self.done(
            op("create", "/pools", {"name": "a"}),
            op("create", "/listeners", LISTENER),
            op("create", "/listeners", {**LISTENER, "name": "m", "port": 81}),
        )
        self.done(
            op("patch", "/listeners/l", {"port": 81}), op("patch", "/listeners/m", {"port": 80})
        )
        self.assertEqual(self.stage.find("listeners", "l").port, 81)

    def test_dry(self) -> None:
        """What would happen."""
        found = self.done(op("create", "/pools", {"name": "a"}), query="?dry_run=true")
        self.assertEqual((found["dry_run"], found["revision"]), (True, 0))
        self.assertIsNone(found["results"][0]["etag"])
        self.assertEqual(self.stage.control.revision, 0)

    def test_states(self) -> None:
        """States of members, of new ones too, before they serve; no revision counts them."""
        member = {"address": "127.0.0.1", "port": 1, "name": "one"}
        drain = {"state": "drain", "reason": "why"}
        self.done(
            op("create", "/pools", {"name": "a", "members": [member]}),
            op("set_state", "/pools/a/members/one", drain),
        )
        (one,) = self.stage.control.configuration.all(Member)
        state = self.stage.control.operating.states.of(one)
        self.assertEqual((state.mode, state.reason), (MemberMode.DRAIN, "why"))
        self.assertEqual(self.stage.plane.operations.members[one], state)
        found = self.done(op("set_state", "/members/one/state", {"state": "ready"}))
        self.assertEqual((found["revision"], found["changes"]), (1, []))
        self.assertIs(self.stage.control.operating.states.of(one).mode, MemberMode.READY)
        self.done(op("set_state", "/members/one", drain), query="?dry_run=true")
        self.assertIs(self.stage.control.operating.states.of(one).mode, MemberMode.READY)

    def test_conditions(self) -> None:
        """Each operation may have one, about what was there before."""
        self.done(op("create", "/pools", {"name": "a"}))
        self.done(op("patch", "/pools/a", {"description": "x"}, if_match='"1"'))
        found = self.do(
            op("create", "/pools", {"name": "b"}),
            op("patch", "/pools/a", {"description": "y"}, if_match="1"),
        )
        problem = self.refusal(found, 412, "stale")
        self.assertEqual(problem["errors"][0]["path"], "/operations/1")
        self.done(op("delete", "/pools/a", if_match="*"))


class RefusedTests(TransactionCase):
    """None of them."""

    def test_nothing_left(self) -> None:
        """What is wrong with one leaves the others undone; fields have their pointers."""
        found = self.do(
            op("create", "/pools", {"name": "a"}),
            op("create", "/listeners", {**LISTENER, "port": 0}),
            op("create", "/pools", {"name": "b", "algoritm": "x"}),
        )
        self.refusal(found, 400, "invalid")
        self.assertEqual(
            [pointer for pointer, _ in found.errors],
            ["/operations/1/body/port", "/operations/2/body/algoritm"],
        )
        self.assertEqual(self.stage.control.configuration.all(Pool), {})

    def test_between_objects(self) -> None:
        """What does not go together is told where it was sent, too."""
        found = self.do(op("create", "/listeners", LISTENER))
        self.assertEqual([p for p, _ in found.errors], ["/operations/0/body/default_pool_id"])
        self.stage.plane.busy.add(80)
        found = self.do(op("create", "/pools", {"name": "a"}), op("create", "/listeners", LISTENER))
        self.assertEqual([p for p, _ in found.errors], ["/operations/1/body/port"])

    def test_missing(self) -> None:
        """The operation that cannot be done, unless one before it is to blame."""
        found = self.do(op("create", "/pools", {"name": "a"}), op("delete", "/pools/b"))
        problem = self.refusal(found, 404, "not_found")
        self.assertEqual([e["path"] for e in problem["errors"]], ["/operations/1"])
        found = self.do(
            op("create", "/pools", {"name": "b", "protocol": "x"}), op("delete", "/pools/b")
        )
        self.assertEqual([p for p, _ in found.errors], ["/operations/0/body/protocol"])

    def test_form(self) -> None:
        """Everything that is wrong with the form of it."""
        found = self.do(
            7,
            op("creat", "/pools", {}),
            op("create", "/pools/x", {}),
            op("replace", "/pools", []),
            op("patch", "/nothing", {}, more=1),
            op("delete", "/pools/a/members", {}),
            op("set_state", "/pools/a", {}),
            op("patch", "/members/a/state", {}),
            {"op": "delete", "path": 7, "if_match": 3},
            op("delete", "/pools/a/b/c/d"),
            reason="two\nlines",
        )
        self.assertEqual(
            [pointer for pointer, _ in found.errors],
            [
                "/reason",
                "/operations/0",
                "/operations/1/op",
                "/operations/2/path",
                "/operations/3/path",
                "/operations/4/more",
                "/operations/4/path",
                "/operations/5/body",
                "/operations/5/path",
                "/operations/6/path",
                "/operations/7/path",
                "/operations/8/if_match",
                "/operations/8/path",
                "/operations/9/path",
            ],
        )
        suggestions = [error["suggestion"] for error in found.document["errors"]]
        self.assertEqual(suggestions[2], "create")
        documents: tuple[Any, ...] = ([], {}, {"operations": []}, {"operations": {}, "x": 1})
        for document in documents:
            self.refusal(self.ask("POST", "/v1/transactions", document), 400, "invalid")

    def test_state(self) -> None:
        """A state that is none."""
        self.done(op("create", "/pools", {"name": "a", "members": ["127.0.0.1:1"]}))
        found = self.do(op("set_state", "/members/127.0.0.1:1", {"state": "gone"}))
        self.assertEqual([p for p, _ in found.errors], ["/operations/0/body/state"])
