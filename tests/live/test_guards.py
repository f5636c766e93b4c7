"""Who is let in: curl before a real process, one and workers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bcrypt
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.live.auth_server import AuthServer
from tests.live.sticky_case import StickyCase
from tests.support.clients import curl


def hashed(password: str) -> str:
    """A line's second half, cheap."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def key_set(**keys: Any) -> bytes:
    """Public keys by their names, as a provider publishes them."""
    form: Any = jwt.algorithms.ECAlgorithm
    found = [{**json.loads(form.to_jwk(k.public_key())), "kid": kid} for kid, k in keys.items()]
    return json.dumps({"keys": found}).encode()


class GuardCase(StickyCase):
    """One member and a FiberLB before it."""

    COUNT = 1

    def seen(self, target: str, *options: str) -> bytes:
        """What curl gets, head and body."""
        return bytes(curl("-si", *options, f"http://127.0.0.1:{self.port}{target}").stdout)

    def guarded(self, keys: str, workers: int, further: str = "") -> None:
        """Start with these keys on the listener."""
        text = self.text("protocol: http").replace("default_pool_id: web}", "@")
        self.begin(text.replace("@", f"default_pool_id: web, {keys}}}") + further, workers)


class CorsTests(GuardCase):
    """Browsers."""

    def test_page(self) -> None:
        """A preflight, an answer of a member, and one for somebody else's page."""
        self.guarded('cors: {origins: "https://*.a.example", credentials: true}', 0)
        mine = ("-H", "Origin: https://x.a.example")
        before = self.seen("/", "-XOPTIONS", *mine, "-H", "Access-Control-Request-Method: GET")
        self.assertTrue(before.startswith(b"HTTP/1.1 204"), before)
        for seen in (before, self.seen("/", *mine)):
            self.assertIn(b"Access-Control-Allow-Origin: https://x.a.example\r\n", seen)
            self.assertIn(b"Vary: Origin\r\n", seen)
        self.assertNotIn(b"Access-Control", self.seen("/", "-H", "Origin: https://a.example"))


class PasswordTests(GuardCase):
    """Passwords."""

    def check(self, workers: int) -> None:
        """In with it, out without; a file that changes is minded by itself."""
        policy = "l7_policies: [{name: open, listener_id: front, redirect_pool_id: web,"
        policy += " basic_auth: {}, rules: [{path: /status/200}]}]\n"
        users = Path(self.mktemp()).absolute()
        users.write_text(f"alice:{hashed('one')}\n")
        self.guarded(f"basic_auth: {{realm: r, users_file: {users}}}", workers, policy)
        self.assertIn(b" 401 ", self.seen("/"))
        self.assertIn(b'WWW-Authenticate: Basic realm="r"', self.seen("/"))
        self.assertIn(b" 401 ", self.seen("/", "-u", "alice:two"))
        self.assertIn(b" 401 ", self.seen("/", "-u", "bob:one"))
        self.assertTrue(self.seen("/", "-u", "alice:one").startswith(b"HTTP/1.1 200"))
        self.assertNotIn(b"uthorization", self.seen("/echo", "-u", "alice:one"))
        self.assertTrue(self.seen("/status/200").startswith(b"HTTP/1.1 200"))
        sent = self.seen("/echo", "-u", "alice:one", "-d", "x" * 1000)
        self.assertTrue(sent.startswith(b"HTTP/1.1 200"), sent)
        users.write_text(f"bob:{hashed('one')}\n")
        self.program().wait_until(lambda: b" 200 " in self.seen("/", "-u", "bob:one"))
        for _ in range(6):
            self.assertIn(b" 401 ", self.seen("/", "-u", "alice:one"))

    def test_one_process(self) -> None:
        """Without workers."""
        self.check(0)

    def test_workers(self) -> None:
        """In workers, which have not read the file themselves."""
        self.check(2)


class TokenTests(GuardCase):
    """Tokens of a provider."""

    def test_tokens(self) -> None:
        """In with a good one, in workers, and the keys are asked for once by each."""
        server = AuthServer()
        old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        server.keys = key_set(old=old)
        self.addCleanup(server.stop)
        where = f"jwks_url: http://127.0.0.1:{server.port}/jwks"
        self.guarded(
            f"jwt: {{{where}, issuer: i, audience: a, claims_to_headers: {{sub: X-User}}}}", 2
        )
        claims = {"iss": "i", "aud": "a", "sub": "alice", "exp": 4102444800}

        def sent(kid: str, key: Any, **more: Any) -> bytes:
            made = jwt.encode({**claims, **more}, key, "ES256", {"kid": kid})
            fields = ("-H", f"Authorization: Bearer {made}", "-H", "X-User: root")
            return self.seen("/echo", *fields)

        for _ in range(6):
            seen = sent("old", old)
            self.assertTrue(seen.startswith(b"HTTP/1.1 200"), seen)
            self.assertIn(b"X-User: alice\r\n", seen)
            self.assertNotIn(b"root", seen)
        for bad in (sent("old", new), sent("old", old, exp=1), sent("new", new), self.seen("/")):
            self.assertIn(b" 401 ", bad)
            self.assertIn(b"WWW-Authenticate: Bearer", bad)
        asked = len(server.seen)
        self.assertLessEqual(asked, 2)


class ForwardTests(GuardCase):
    """Another server's word."""

    def check(self, workers: int) -> None:
        """Its answer is the client's, or its fields are the member's; away, nobody is let in."""
        server = AuthServer()
        where = f"url: http://127.0.0.1:{server.port}/auth, copy_headers: [X-User]"
        try:
            self.guarded(f"forward_auth: {{{where}}}", workers)
            out = self.seen("/a?b", "-H", "X-User: root")
            self.assertTrue(out.startswith(b"HTTP/1.1 302 "), out)
            self.assertIn(b"\r\nLocation: https://login.example/\r\n", out)
            self.assertTrue(out.endswith(b"\r\n\r\nwho?\n"), out)
            self.assertEqual(server.seen[-1]["x-forwarded-uri"], "/a?b")
            self.assertEqual(server.seen[-1]["x-forwarded-for"], "127.0.0.1")
            inside = self.seen("/echo", "-b", "in=yes", "-H", "X-User: root", "-d", "x" * 100000)
            self.assertTrue(inside.startswith(b"HTTP/1.1 200"), inside[:200])
            self.assertIn(b"X-User: alice\r\n", inside)
            self.assertNotIn(b"root", inside)
            self.assertEqual(server.seen[-1]["x-forwarded-method"], "POST")
            self.assertNotIn("content-length", server.seen[-1])
        finally:
            server.stop()
        self.assertIn(b" 503 ", self.seen("/", "-b", "in=yes"))
        again = AuthServer(server.port)
        self.addCleanup(again.stop)
        self.assertIn(b" 200 ", self.seen("/", "-b", "in=yes"))

    def test_one_process(self) -> None:
        """Without workers."""
        self.check(0)

    def test_workers(self) -> None:
        """In workers."""
        self.check(2)
