"""Operational states of members in the API."""

from __future__ import annotations

from fiberlb.model.operational import MemberMode
from fiberlb.store.interface import Unavailable
from tests.api.rest.asking import Asking
from tests.control.stage import NOW


class StateTests(Asking):
    """C{.../state} of members, those of a file too."""

    FILE = """
pools:
  - name: web
    members:
      - {name: a, address: 127.0.0.1, port: 9001}
      - {name: b, address: 127.0.0.2, port: 9001}
  - {name: api, drain: {deadline: 30m}, members: [{name: a, address: 127.0.0.1, port: 9009}]}
"""

    def tearDown(self) -> None:
        """Nobody looks any more."""
        self.stage.control.operating.emptying.stop()

    def test_put(self) -> None:
        """Set, shown, and in force; the revision is the same."""
        path = "/v1/pools/web/members/a/state"
        before = self.get("/v1/config").tag
        body = {"state": "drain", "deadline": "10m", "weight": 3, "reason": "patch"}
        found = self.ask("PUT", path, body)
        self.assertEqual(found.status, 200, found.body)
        document = found.document
        self.assertEqual(
            {key: document[key] for key in (*body, "since", "drained", "name", "in_flight")},
            {
                **body,
                "deadline": "2027-01-15T08:10:00Z",
                "since": "2027-01-15T08:00:00Z",
                "drained": False,
                "name": "a",
                "in_flight": 1,
            },
        )
        self.assertEqual(self.get(path).document, document)
        member = self.get("/v1/pools/web/members/a").document
        self.assertEqual(member["operational"]["state"], "drain")
        self.assertEqual(member["weight"], 1)
        self.assertEqual(self.get(f"/v1/members/{member['id']}/state").document, document)
        (state,) = self.stage.plane.operations.members.values()
        self.assertEqual((state.mode, state.until, state.weight), (MemberMode.DRAIN, NOW + 600, 3))
        self.assertEqual(self.get("/v1/config").tag, before)
        self.assertEqual(self.get("/v1/status").document["members"]["draining"], 1)

    def test_deadlines(self) -> None:
        """The pool's, unless another one is given; C{none} is none."""
        for pool, given, end in (
            ("web", None, "2027-01-15T08:05:00Z"),
            ("api", None, "2027-01-15T08:30:00Z"),
            ("api", "0s", "2027-01-15T08:00:00Z"),
            ("api", "none", None),
        ):
            body = {"state": "maintenance", "deadline": given}
            found = self.ask("PUT", f"/v1/pools/{pool}/members/a/state", body)
            self.assertEqual(found.document["deadline"], end)
        ready = self.ask("PUT", "/v1/pools/api/members/a/state", {"state": "ready"})
        self.assertEqual(ready.document["deadline"], None)

    def test_machine(self) -> None:
        """Every member on it, in whichever pool."""
        body = {"address": "127.0.0.1", "state": "drain"}
        items = self.ask("POST", "/v1/members/state", body).document["items"]
        self.assertEqual([(one["name"], one["port"]) for one in items], [("a", 9001), ("a", 9009)])
        self.assertEqual(len(self.stage.plane.operations.members), 2)
        body = {"address": "127.0.0.9", "state": "drain"}
        self.refusal(self.ask("POST", "/v1/members/state", body), 404, "not_found")

    def test_port(self) -> None:
        """Only those at one port of it."""
        body = {"address": "127.0.0.1", "port": 9009, "state": "drain"}
        items = self.ask("POST", "/v1/members/state", body).document["items"]
        self.assertEqual([(one["name"], one["port"]) for one in items], [("a", 9009)])
        found = self.ask("POST", "/v1/members/state", {**body, "port": 9010})
        self.refusal(found, 404, "not_found")

    def test_refused(self) -> None:
        """Wrong fields all at once; unknown and ambiguous members; another site's forms."""
        path = "/v1/pools/web/members/a/state"
        found = self.ask("PUT", path, {"state": "down", "deadline": 5, "weight": -1, "wait": 1})
        self.refusal(found, 400, "invalid")
        pointers = sorted(pointer for pointer, _ in found.errors)
        self.assertEqual(pointers, ["/deadline", "/state", "/wait", "/weight"])
        self.refusal(self.ask("PUT", path, {}), 400, "invalid")
        self.refusal(self.ask("PUT", path, [1]), 400, "invalid")
        self.refusal(self.ask("POST", "/v1/members/state", {"state": "drain"}), 400, "invalid")
        nobody = "/v1/pools/web/members/x/state"
        self.refusal(self.ask("PUT", nobody, {"state": "drain"}), 404, "not_found")
        self.refusal(self.ask("PUT", "/v1/members/a/state", {"state": "drain"}), 409, "ambiguous")
        form = self.ask("PUT", path, raw=b"{}", media="text/plain")
        self.refusal(form, 415, "media_type")
        self.refusal(self.ask("DELETE", path), 405, "method_not_allowed")
        self.assertEqual(self.stage.plane.operations.members, {})

    def test_sent_back(self) -> None:
        """A member that was read can be written as it is."""
        self.post("/v1/pools", {"name": "mine", "members": ["127.0.0.1:1"]})
        (member,) = self.get("/v1/pools/mine/members").document["items"]
        found = self.ask("PUT", f"/v1/members/{member['id']}", member)
        self.assertEqual(found.status, 200, found.body)

    def test_cookie_keys(self) -> None:
        """A new key signs; a dry run says how many would be believed."""
        found = self.ask("POST", "/v1/cookie_keys/rotate?dry_run=true", raw=b"")
        self.assertEqual((found.status, found.document["result"]), (200, {"keys": 1}))
        self.assertEqual(self.stage.control.operating.cookie_keys.keys, ())
        found = self.ask("POST", "/v1/cookie_keys/rotate", raw=b"")
        self.assertEqual((found.status, found.document), (200, {"keys": 1}))
        self.assertEqual(len(self.stage.plane.operations.cookie_keys), 1)

    def test_store_away(self) -> None:
        """503, and nothing has changed."""

        async def away(*_: object) -> int:
            raise Unavailable("gone")

        self.stage.store.commit = away
        for method, path, body in (
            ("PUT", "/v1/pools/web/members/a/state", {"state": "drain"}),
            ("POST", "/v1/members/state", {"state": "drain", "address": "127.0.0.1"}),
        ):
            self.refusal(self.ask(method, path, body), 503, "store_unavailable")
        self.assertEqual(self.stage.plane.operations.members, {})


class NameTests(Asking):
    """Members by name."""

    FILE = """
pools:
  - {name: web, members: ["db.test:80 name=a", "dns:web.test:80 name=b", "10.0.0.1:80 name=c"]}
"""

    def tearDown(self) -> None:
        """Nobody looks any more."""
        self.stage.control.operating.stop()

    def test_machine(self) -> None:
        """One that is at an address now is on that machine; one that is several is on none."""
        self.stage.move(db=("10.0.0.1",), web=("10.0.0.1", "10.0.0.2"))
        body = {"address": "10.0.0.1", "state": "drain"}
        items = self.ask("POST", "/v1/members/state", body).document["items"]
        self.assertEqual([item["name"] for item in items], ["a", "c"])
        body = {"address": "dns:web.test", "state": "drain"}
        (item,) = self.ask("POST", "/v1/members/state", body).document["items"]
        self.assertEqual((item["name"], item["sessions"]), ("b", 4))
