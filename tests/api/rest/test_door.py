"""The door: who comes in at which address, for every route there is."""

from __future__ import annotations

import json
from typing import Any

from treq.testing import StubTreq

from fiberlb.api.access.identity import Identity, permit
from fiberlb.api.rest.door import HSTS
from fiberlb.api.rest.reply import ALWAYS
from fiberlb.api.rest.route import Role as RouteRole
from fiberlb.api.rest.route import Route
from fiberlb.api.rest.routes import ROUTES
from fiberlb.model.access import Role
from fiberlb.model.admin import AdminListen
from tests.api.rest.asking import Answer, Asking, resource

TOKENS = {role: role.value * 8 for role in Role}
UNIX = AdminListen(address="unix:/a")
ELSEWHERE = AdminListen(address="10.0.0.1:1")
_TOKENS = [
    {"name": role.value, "role": role.value, "token": token} for role, token in TOKENS.items()
]
_FILE = f"admin: {{tokens: {json.dumps(_TOKENS)}}}"
#: What each route says when it is reached: not that somebody may not.
_DENIED = (401, 403)


def _address(route: Route) -> str:
    path = route.path
    for word in route.words:
        path = path.replace(f"{{{word}}}", "x")
    return path


class _Closed(Asking):
    """A node with a token for each role."""

    FILE = _FILE

    def at(self, listen: AdminListen) -> None:
        """Ask at another address from now on."""
        self.treq = StubTreq(resource(self.stage, listen))

    def asked(self, method: str, path: str, role: Role | None, **headers: str) -> Answer:
        """A request of somebody with that role, or of nobody."""
        if role is not None:
            headers["Authorization"] = f"Bearer {TOKENS[role]}"
        body: Any = {} if method in ("POST", "PUT", "PATCH") else None
        return self.ask(method, path, body, **headers)  # type: ignore[arg-type]


class RoleTests(_Closed):
    """Every route, with every role."""

    def test_every_route(self) -> None:
        """Who has less than the role of a route is told so; who has it is not."""
        for route in ROUTES:
            for role in (None, *Role):
                found = self.asked(route.method, _address(route), role).status
                says = f"{route.method} {route.path} {role}: {found}"
                if route.needs is None or (route.path == "/metrics" and role is None):
                    self.assertNotIn(found, _DENIED, says)
                elif role is None:
                    self.assertEqual(found, 401, says)
                elif role.allows(route.needs):
                    self.assertNotIn(found, _DENIED, says)
                else:
                    self.assertEqual(found, 403, says)

    def test_kinds(self) -> None:
        """Readers read, operators drain, writers write, and the rest is for admins."""
        for route in ROUTES:
            if route.path.endswith("/state") and route.writes:
                self.assertIs(route.role, RouteRole.OPERATE, route.path)
            elif route.path.startswith(("/v1/keys", "/v1/cookie_keys", "/v1/tokens")):
                self.assertIs(route.role, RouteRole.ADMIN, route.path)

    def test_words(self) -> None:
        """A route's role is one of the file's."""
        for word in RouteRole:
            if word is not RouteRole.OPEN:
                permit(Identity("a", Role(word.value)), Role(word.value))

    def test_problem(self) -> None:
        """What is needed is told."""
        found = self.asked("DELETE", "/v1/pools/x", Role.READ)
        document = self.refusal(found, 403, "forbidden")
        self.assertIn("takes the role write, and read has the role read", document["detail"])


class AddressTests(_Closed):
    """What differs between addresses."""

    def test_loopback(self) -> None:
        """With tokens it takes one; figures and probes are there for this machine."""
        found = self.asked("GET", "/v1/status", None)
        self.refusal(found, 401, "unauthorized")
        self.assertEqual(found.headers["www-authenticate"], 'Bearer realm="fiberlb"')
        for path in ("/metrics", "/healthz", "/readyz"):
            self.assertEqual(self.asked("GET", path, None).status, 200, path)

    def test_reload(self) -> None:
        """Tokens are those of the file in force."""
        self.stage.reload("admin: {tokens: [other-other-other-other]}")
        self.assertEqual(self.asked("GET", "/v1/status", Role.READ).status, 401)
        other = self.ask("GET", "/v1/status", Authorization="Bearer other-other-other-other")
        self.assertEqual(other.status, 200)

    def test_unix(self) -> None:
        """Who may open it may do everything."""
        self.at(UNIX)
        self.assertEqual(self.asked("GET", "/v1/keys", None).status, 200)

    def test_elsewhere(self) -> None:
        """Only probes are open; browsers that come are to come by TLS."""
        self.at(ELSEWHERE)
        for path, status in (("/metrics", 401), ("/v1/status", 401), ("/healthz", 200)):
            found = self.asked("GET", path, None)
            self.assertEqual(found.status, status, path)
            self.assertEqual(found.headers[HSTS[0].lower()], HSTS[1])

    def test_unknown_address(self) -> None:
        """What is not there is not told to people who are not known."""
        self.assertEqual(self.asked("GET", "/nothing", None).status, 401)
        self.assertEqual(self.asked("GET", "/nothing", Role.READ).status, 404)

    def test_name(self) -> None:
        """With a token any name will do: a page of another site has none."""
        found = self.ask("GET", "/v1/status", host="lb.example", Authorization=_bearer(Role.READ))
        self.assertEqual(found.status, 200)
        self.at(UNIX)
        self.refusal(self.ask("GET", "/v1/status", host="lb.example"), 421, "misdirected")

    def test_author(self) -> None:
        """The history has the token's name."""
        found = self.ask("POST", "/v1/pools", {"name": "p"}, Authorization=_bearer(Role.WRITE))
        self.assertEqual(found.status, 201)
        self.at(UNIX)
        (one,) = self.get("/v1/revisions").document["items"]
        self.assertEqual(one["author"], "write")


class BrowserTests(Asking):
    """Pages of other sites, and browsers in general."""

    def test_origin(self) -> None:
        """A write that a browser says is another page's is refused, reading is not."""
        for fields in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec_Fetch_Site": "cross-site"},
        ):
            found = self.ask("POST", "/v1/pools", {"name": "p"}, **fields)  # type: ignore[arg-type]
            self.refusal(found, 403, "cross_origin")
            self.assertEqual(self.ask("GET", "/v1/pools", **fields).status, 200)  # type: ignore[arg-type]
        own = self.ask("POST", "/v1/pools", {"name": "p"}, Origin="http://127.0.0.1:9876")
        self.assertEqual(own.status, 201)

    def test_headers(self) -> None:
        """Each answer has them, refusals too."""
        for path in ("/v1/pools", "/nothing", "/metrics", "/healthz"):
            found = self.ask("GET", path)
            for name, value in ALWAYS:
                self.assertEqual(found.headers[name.lower()], value, path)
            self.assertNotIn(HSTS[0].lower(), found.headers)

    def test_preflight(self) -> None:
        """A browser that asks first hears nothing good."""
        found = self.ask("OPTIONS", "/v1/pools", Origin="https://evil.example")
        self.assertEqual(found.status, 405)
        self.assertNotIn("access-control-allow-origin", found.headers)


def _bearer(role: Role) -> str:
    return f"Bearer {TOKENS[role]}"
