"""From a request to who it is from."""

from __future__ import annotations

from typing import Any

import attrs
from OpenSSL.crypto import X509
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from fiberlb.api.access.attempts import MOST
from fiberlb.api.access.gate import Gate
from fiberlb.api.access.identity import LOCAL, Denied, Identity, Source
from fiberlb.model.access import Role
from fiberlb.model.admin import Admin, AdminListen
from tests.api.access.test_certificates import _Shown
from tests.model.documents import made
from tests.support.certificates import authority, leaf

GOOD, READER, OLD = "g" * 32, "r" * 32, "o" * 32
UNIX, LOOPBACK = AdminListen(address="unix:/a"), AdminListen(address="127.0.0.1:1")
ELSEWHERE = AdminListen(address="10.0.0.1:1")
TLS = {"certificate": "PEM", "client_ca": "PEM", "client_roles": {"ci.example": "write"}}
TOKENS = [
    GOOD,
    {"name": "prometheus", "role": "read", "token": READER, "project": "p"},
    {"name": "old", "token": OLD, "expires_at": "1970-01-01T00:00:10Z"},
]


@attrs.define
class _Book:
    """Tokens of a store."""

    known: dict[str, Identity] = attrs.field(factory=dict)

    @property
    def some(self) -> bool:
        return bool(self.known)

    def match(self, token: str) -> Any:
        return self.known.get(token)


class _Request(_Shown):
    """A request from somewhere."""

    def __init__(self, host: str | None, certificate: Any = None, **fields: str) -> None:
        super().__init__(certificate)
        named = {name.replace("_", "-"): [value] for name, value in fields.items()}
        self.requestHeaders = Headers(named)
        self._host = host

    def getPeer(self) -> Any:
        return UNIXAddress("") if self._host is None else IPv4Address("TCP", self._host, 5)


class GateTests(SynchronousTestCase):
    """Who asks."""

    def setUp(self) -> None:
        """An admin API with a few tokens in its file."""
        self.clock = Clock()
        self.book = _Book()
        self.use(tokens=TOKENS)

    def use(self, **admin: Any) -> None:
        """Other settings."""
        self.admin = made(Admin, **admin)
        self.gate = Gate(lambda: self.admin, self.book, self.clock.seconds, self.clock.seconds)

    def who(self, listen: AdminListen, host: str | None = "127.0.0.1", **fields: str) -> Identity:
        """Who sends these fields."""
        return self.gate.identity(_Request(host, **fields), listen)

    def denied(self, listen: AdminListen, host: str | None = "127.0.0.1", **fields: str) -> Denied:
        """Why they are not let in."""
        why: Denied = self.assertRaises(Denied, self.who, listen, host, **fields)
        for token in (GOOD, READER, OLD):
            self.assertNotIn(token, str(why))
        return why

    def test_file(self) -> None:
        """Tokens of the file, by name or by place, in either field."""
        self.assertEqual(
            self.who(ELSEWHERE, Authorization=f"Bearer {GOOD}"), Identity("token-1", Role.ADMIN)
        )
        reader = Identity("prometheus", Role.READ, "p")
        self.assertEqual(self.who(ELSEWHERE, Authorization=f"bearer {READER}"), reader)
        self.assertEqual(self.who(ELSEWHERE, X_Auth_Token=READER), reader)

    def test_expiry(self) -> None:
        """A token has its time."""
        self.assertEqual(self.who(LOOPBACK, Authorization=f"Bearer {OLD}").name, "old")
        self.clock.advance(10)
        self.assertEqual(self.denied(LOOPBACK, Authorization=f"Bearer {OLD}").status, 401)

    def test_store(self) -> None:
        """Tokens of the store."""
        self.book.known["x" * 32] = Identity("ci", Role.WRITE)
        found = self.who(ELSEWHERE, Authorization=f"Bearer {'x' * 32}")
        self.assertEqual(found, Identity("ci", Role.WRITE))

    def test_without(self) -> None:
        """Unix sockets are for those who may open them; loopback until there is a token."""
        self.assertEqual(self.who(UNIX, None), Identity(LOCAL, Role.ADMIN, None, Source.UNIX))
        why = self.denied(LOOPBACK)
        self.assertEqual(
            (why.status, why.headers["WWW-Authenticate"]), (401, 'Bearer realm="fiberlb"')
        )
        self.use()
        here = Identity(LOCAL, Role.ADMIN, None, Source.LOOPBACK)
        self.assertEqual(self.who(LOOPBACK), here)
        self.book.known["x"] = Identity("ci", Role.READ)
        self.denied(LOOPBACK)
        self.denied(ELSEWHERE)

    def test_here(self) -> None:
        """What this machine may read needs no token there; a wrong one is wrong there too."""
        request = _Request("127.0.0.1")
        self.assertIs(self.gate.here(request, LOOPBACK).role, Role.READ)
        wrong = _Request("127.0.0.1", Authorization="Bearer wrong")
        self.assertRaises(Denied, self.gate.here, wrong, LOOPBACK)
        self.assertIs(self.gate.here(_Request(None), UNIX).role, Role.ADMIN)

    def test_sent_decides(self) -> None:
        """Who sends a token is that, on a Unix socket too."""
        self.assertEqual(self.who(UNIX, None, Authorization=f"Bearer {READER}").name, "prometheus")
        why = self.denied(UNIX, None, Authorization="Bearer wrong-wrong-wrong")
        self.assertIn('error="invalid_token"', why.headers["WWW-Authenticate"])

    def test_malformed(self) -> None:
        """What is no token."""
        for text in (
            "",
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            GOOD,
            f"Bearer {'x' * 600}",
            "Bearer ü",
        ):
            why = self.denied(LOOPBACK, Authorization=text)
            self.assertIn("invalid_request", why.headers["WWW-Authenticate"], text)
        both = {"Authorization": f"Bearer {GOOD}", "X_Auth_Token": GOOD}
        self.assertEqual(self.denied(LOOPBACK, **both).status, 401)

    def test_guessing(self) -> None:
        """After some guesses nothing from there is looked at, and others are."""
        for number in range(MOST):
            self.denied(ELSEWHERE, "192.0.2.1", Authorization=f"Bearer wrong-{number}")
        why = self.denied(ELSEWHERE, "192.0.2.1", Authorization=f"Bearer {GOOD}")
        self.assertEqual((why.status, why.headers["Retry-After"]), (429, "60"))
        self.who(ELSEWHERE, "192.0.2.2", Authorization=f"Bearer {GOOD}")
        self.clock.advance(60)
        self.who(ELSEWHERE, "192.0.2.1", Authorization=f"Bearer {GOOD}")

    def test_stale(self) -> None:
        """A client with an old token is told to wait, and shuts nobody out."""
        statuses = [
            self.denied(LOOPBACK, Authorization="Bearer wrong").status for _ in range(MOST + 2)
        ]
        self.assertEqual(statuses, [401] * MOST + [429] * 2)
        self.who(LOOPBACK, Authorization=f"Bearer {GOOD}")

    def test_certificate(self) -> None:
        """A name in the certificate has its role, others have none; a token goes first."""
        self.use(listen="10.0.0.1:1", tls_config=TLS)
        shown = {name: _certificate(name) for name in ("ci.example", "x.example")}
        found = self.gate.identity(_Request("192.0.2.1", shown["ci.example"]), ELSEWHERE)
        self.assertEqual(found, Identity("ci.example", Role.WRITE, None, Source.CERTIFICATE))
        found = self.gate.identity(_Request("192.0.2.1", shown["x.example"]), ELSEWHERE)
        self.assertIs(found.role, None)
        request = _Request("192.0.2.1", shown["ci.example"], Authorization="Bearer wrong")
        self.assertRaises(Denied, self.gate.identity, request, ELSEWHERE)
        self.assertIn("client certificate", str(self.denied(ELSEWHERE)))

    def test_tls_here(self) -> None:
        """Loopback with TLS and authorities stands open to nobody."""
        secured = AdminListen(address="127.0.0.1:1", plaintext=False)
        self.use(listen={"address": "127.0.0.1:1", "plaintext": False}, tls_config=TLS)
        self.denied(secured)


def _certificate(name: str) -> Any:
    return X509.from_cryptography(leaf(name, issuer=authority()).certificate)
