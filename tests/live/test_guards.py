"""Who is let in: curl before a real process, one and workers."""

from __future__ import annotations

from pathlib import Path

import bcrypt

from tests.live.sticky_case import StickyCase
from tests.support.clients import curl


def hashed(password: str) -> str:
    """A line's second half, cheap."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


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
