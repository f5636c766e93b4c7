"""The addresses: what is where, with which methods, and what happens to the rest."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.interface import Unavailable
from tests.api.rest.asking import Asking, resource
from tests.control.stage import Stage, StagePlane
from tests.control.stores import FailingStore


class AddressTests(Asking):
    """What is at which address."""

    def test_collections(self) -> None:
        """Every collection, by both spellings where there are two."""
        for word in (
            "load_balancers loadbalancers listeners pools members l7_policies l7policies"
            " certificates"
        ).split():
            self.assertEqual(self.get(f"/v1/{word}").document["next"], None)

    def test_unknown(self) -> None:
        """404 as a problem, with what every answer has."""
        for path in ("/x", "/v1", "/v1/", "/v1/nothing", "/v1/pools/", "/v1/pools/a/b", "/v3/x"):
            found = self.ask("GET", path)
            self.refusal(found, 404, "not_found")
            self.assertEqual(found.headers["fiberlb-revision"], "0")
            self.assertEqual(found.headers["x-content-type-options"], "nosniff")

    def test_methods(self) -> None:
        """405 with the methods that there are."""
        for path, allow in (
            ("/v1/pools", "GET, HEAD, POST"),
            ("/v1/pools/x", "DELETE, GET, HEAD, PATCH, PUT"),
            ("/v1/pools/x/members", "GET, HEAD, POST, PUT"),
            ("/v1/pools/x/health_monitor", "DELETE, GET, HEAD, PATCH, PUT"),
            ("/v1/config", "GET, HEAD, PUT"),
            ("/v1/revisions", "GET, HEAD"),
            ("/v1/status", "GET, HEAD"),
            ("/healthz", "GET, HEAD"),
        ):
            found = self.ask("OPTIONS", path)
            self.refusal(found, 405, "method_not_allowed")
            self.assertEqual(found.headers["allow"], allow)

    def test_not_utf8(self) -> None:
        """A name that is no text."""
        self.refusal(self.ask("GET", "/v1/pools/%ff"), 400, "invalid")

    def test_odd_names(self) -> None:
        """Names with everything that means something in an address."""
        for name in ("a/b", "..", "a?b#c", "a%2Fb", "größe", " "):
            self.post("/v1/pools", {"name": name})
        for quoted, name in (
            ("a%2Fb", "a/b"),
            ("a%3Fb%23c", "a?b#c"),
            ("a%252Fb", "a%2Fb"),
            ("gr%C3%B6%C3%9Fe", "größe"),
            ("%20", " "),
        ):
            self.assertEqual(self.get(f"/v1/pools/{quoted}").document["name"], name)


class TroubleTests(SynchronousTestCase):
    """What goes wrong behind the API."""

    def asking(self, stage: Stage) -> Asking:
        """Someone who asks the API of a node."""
        asking = Asking("run")
        asking.setUp()
        asking.stage = stage
        asking.treq = type(asking.treq)(resource(stage))
        return asking

    def test_store_away(self) -> None:
        """503 for writes and the history; reads go on."""
        stage = Stage(self)
        stage.store = store = FailingStore(stage.clock)
        stage = Stage(self, store=store, clock=stage.clock)
        asking = self.asking(stage)
        store.before.append(Unavailable("disk full"))
        found = asking.ask("POST", "/v1/pools", {})
        document = asking.refusal(found, 503, "store_unavailable")
        self.assertIn("disk full", document["detail"])
        self.assertEqual(found.headers["retry-after"], "5")
        self.successResultOf(Deferred.fromCoroutine(store.close()))
        asking.refusal(asking.ask("GET", "/v1/revisions"), 503, "store_unavailable")
        asking.get("/v1/pools")

    def test_not_started(self) -> None:
        """503 before the start, for all but the probes."""
        asking = self.asking(Stage(self, start=False))
        for method, path, body in (
            ("GET", "/v1/pools", None),
            ("GET", "/v1/config", None),
            ("GET", "/v1/revisions", None),
            ("POST", "/v1/pools", {}),
        ):
            asking.refusal(asking.ask(method, path, body), 503, "shutting_down")
        self.assertEqual(asking.get("/healthz").document, {"status": "ok"})
        self.assertEqual(asking.ask("GET", "/readyz").status, 503)
        self.assertFalse(asking.get("/v1/status").document["ready"])

    def test_defect(self) -> None:
        """500 without internals; the log has them."""
        stage = Stage(self)

        class Broken(StagePlane):
            """A plane with a defect."""

            async def prepare(self, snapshot: object, tolerated: object = ()) -> object:  # type: ignore[override]
                """Fail."""
                raise RuntimeError("secret detail")

        stage.plane.__class__ = Broken
        asking = self.asking(stage)
        found = asking.ask("POST", "/v1/pools", {})
        asking.refusal(found, 500, "internal")
        self.assertNotIn(b"secret", found.body)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_client_gone(self) -> None:
        """A client that goes away in the middle of a write leaves it whole."""
        stage = Stage(self)
        asking = self.asking(stage)
        stage.plane.waits = Deferred()
        waiting = asking.asking("POST", "/v1/pools", {"name": "a"})
        waiting.cancel()
        asking.treq.flush()
        self.failureResultOf(waiting)
        stage.plane.waits.callback(None)
        self.assertEqual(stage.find("pools", "a").name, "a")
        self.assertEqual(stage.plane.events[-1], "health 1")
        self.assertEqual(self.flushLoggedErrors(), [])
