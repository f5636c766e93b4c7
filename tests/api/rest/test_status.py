"""How a node says that it is."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from fiberlb import __version__
from tests.api.rest.asking import Asking
from tests.control.stage import Health


class StatusTests(Asking):
    """GET /v1/status and the probes."""

    FILE = """\
pools: [{name: f, members: [127.0.0.1:1, 127.0.0.1:2, 127.0.0.1:3]}]
listeners: [{name: web, port: 80, protocol: http, default_pool_id: f}]
"""

    def test_ejected(self) -> None:
        """Members that failed too often, and pools that use all of theirs, are told."""
        control = self.stage.control
        ident = next(iter(control.configuration.objects["members"]))
        (pool,) = control.configuration.objects["pools"].values()
        self.stage.health.known = {ident: Health("ejected")}
        self.stage.health.panics = [pool.id, "gone"]
        document = self.get("/v1/status").document
        self.assertEqual(document["members"]["ejected"], 1)
        self.assertEqual(document["panic"], [{"id": pool.id, "name": pool.name}])

    def test_status(self) -> None:
        """Node, version, revision, members by health, listeners."""
        down, probing, _ = self.stage.control.configuration.objects["members"]
        self.stage.health.known = {down: Health("down"), probing: Health("probing")}
        document = self.get("/v1/status").document
        listeners = document.pop("listeners")
        self.assertEqual(
            document,
            {
                "node": "n1",
                "version": __version__,
                "ready": True,
                "revision": 0,
                "file_generation": 1,
                "workers": {"wanted": 0, "serving": 0},
                "overload": {"closing": 1, "refusing": 0, "lag_milliseconds": 250},
                "members": {
                    "total": 3,
                    "up": 1,
                    "down": 1,
                    "probing": 1,
                    "ejected": 0,
                    "unmonitored": 0,
                    "draining": 0,
                },
                "panic": [],
                "store": {"away_since": None, "detail": "", "copy": False},
                "problems": [],
            },
        )
        (one,) = listeners
        figures = [one[name] for name in ("connections", "requests", "connection_limit")]
        self.assertEqual(figures, [3, 7, -1])
        self.assertEqual(
            [(one["name"], one["address"], one["port"], one["state"]) for one in listeners],
            [("web", "::", 80, "listening")],
        )

    def test_workers(self) -> None:
        """How many there are, in the status and on every answer."""
        self.stage.plane.crew = (4, 3)
        answer = self.get("/v1/status")
        self.assertEqual(answer.document["workers"], {"wanted": 4, "serving": 3})
        self.assertEqual(answer.headers["FiberLB-Workers-Applied".lower()], "3/4")

    def test_restart(self) -> None:
        """Workers are replaced where there are any, but not by a form of another site."""
        self.assertEqual(self.ask("POST", "/v1/workers/restart").status, 415)
        self.assertEqual(self.ask("POST", "/v1/workers/restart", raw=b"").status, 409)
        self.stage.plane.crew = (4, 3)
        answer = self.ask("POST", "/v1/workers/restart", raw=b"")
        self.assertEqual(answer.document, {"workers": {"wanted": 4, "serving": 4}})
        self.assertIn("restart", self.stage.plane.events)

    def test_problem(self) -> None:
        """A listener that cannot listen is a problem, with its reason."""
        ident = self.stage.find("listeners", "web").id
        state = self.stage.plane.listeners()[0]
        self.stage.plane.failed = {
            ident: type(state)(ident, "::", 80, "error", "in use by another program")
        }
        document = self.get("/v1/status").document
        self.assertEqual(document["problems"], [":: port 80: in use by another program"])
        self.assertEqual(document["listeners"][0]["state"], "error")

    def test_probes(self) -> None:
        """Alive until the end; ready until the end begins."""
        self.assertEqual(self.get("/readyz").document, {"status": "ready"})
        self.successResultOf(Deferred.fromCoroutine(self.stage.control.stop()))
        self.assertEqual(self.get("/healthz").document, {"status": "ok"})
        found = self.ask("GET", "/readyz")
        self.assertEqual((found.status, found.document), (503, {"status": "not ready"}))
        self.assertEqual(self.get("/v1/pools/f").status, 200)
        self.refusal(self.ask("POST", "/v1/pools", {}), 503, "shutting_down")
