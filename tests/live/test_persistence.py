"""Clients that stay with their member: curl with cookie jars, nginx behind, one process or more."""

from __future__ import annotations

import re
from pathlib import Path

from tests.live.sticky_case import StickyCase
from tests.support.certificates import leaf
from tests.support.clients import curl, request
from tests.support.ports import free_port

COOKIE = "session_persistence: {type: cookie, timeout_seconds: 600}"
APP = "session_persistence: {type: app_cookie, cookie_name: JSESSIONID, timeout_seconds: 600}"
SOURCE = "session_persistence: {type: source_ip, timeout_seconds: 600}"


class PersistenceTests(StickyCase):
    """Each type, in one process and in workers."""

    def check_cookie(self, workers: int) -> None:
        """A jar's member is the same on every connection, over reloads, restarts and removal."""
        text = self.text(COOKIE)
        self.begin(text, workers)
        jars = [self.jar() for _ in range(6)]
        first = [self.served("/", jar) for jar in jars]
        self.assertEqual(set(first), {"a", "b", "c"})
        for _ in range(3):
            self.assertEqual([self.served("/", jar) for jar in jars], first)
        self.assertNotIn("127.0.0.1:", Path(jars[0]).read_text())
        self.reload(text + "# again\n")
        self.balancer.stop()
        self.balancer.start(self.port)
        self.assertEqual([self.served("/", jar) for jar in jars], first)
        self.reload(self.text(COOKIE, "a", "b"))
        moved = [self.served("/", jar) for jar in jars]
        for old, new in zip(first, moved, strict=True):
            self.assertEqual(new, new if old == "c" else old)
        self.assertEqual([self.served("/", jar) for jar in jars], moved)

    def test_cookie(self) -> None:
        """In one process."""
        self.check_cookie(0)

    def test_cookie_workers(self) -> None:
        """In workers."""
        self.check_cookie(2)

    def test_what_members_see(self) -> None:
        """Not our cookie, all others; and what is no cookie of ours is no error."""
        self.begin(self.text(COOKIE), 0)
        jar = self.jar()
        self.served("/", jar)
        value = Path(jar).read_text().split()[-1]
        for ours in (f"SERVERID={value}", "SERVERID=x", "SERVERID=" + "y" * 6000, "SERVERID="):
            sent = {"Cookie": f'a=1;  {ours}; b="2"'}
            seen = request(self.port, "/echo", headers=sent)
            self.assertIn('\r\nCookie: a=1; b="2"\r\n', seen.text)
            self.assertEqual("set-cookie" in seen.headers, value not in ours)
        found = curl("-i", "-H", "Cookie: SERVERID=zz", f"http://127.0.0.1:{self.port}/pieces")
        self.assertIn(b"Set-Cookie: SERVERID=", found.stdout)
        self.assertTrue(found.stdout.endswith(b"onetwothree"), found.stdout)

    def test_two_pools(self) -> None:
        """Policies that change the pool: one cookie serves both, and each keeps its clients."""
        members = ", ".join(f'"{member.address}"' for member in self.members.values())
        text = self.text(COOKIE).replace(
            "listeners:\n",
            f"  - {{name: other, members: [{members}], {COOKIE}}}\nlisteners:\n",
        )
        rule = "[{path: /status/, compare_type: starts_with}]"
        policy = f"{{name: other, listener_id: front, redirect_pool_id: other, rules: {rule}}}"
        self.begin(text + f"l7_policies: [{policy}]\n", 2)
        for _ in range(4):
            jar = self.jar()
            web = self.served("/", jar)
            other = self.member("/status/200", jar)
            for _ in range(4):
                self.assertEqual(self.served("/", jar), web)
                self.assertEqual(self.member("/status/200", jar), other)
            self.assertEqual(Path(jar).read_text().count("SERVERID"), 1)

    def member(self, target: str, jar: str) -> bytes:
        """Who answers, by the answer's head."""
        found = curl("-i", "-b", jar, "-c", jar, f"http://127.0.0.1:{self.port}{target}")
        named = re.search(rb"X-Member: (\w+)", found.stdout)
        assert named is not None, found.stdout
        return named[1]

    def test_secure(self) -> None:
        """A client that comes by TLS gets a cookie for TLS alone."""
        port, one = free_port(), leaf("localhost")
        chain = one.chain.replace("\n", "\n      ")
        key = one.key_pem().replace("\n", "\n      ")
        text = self.text(COOKIE) + (
            f"  - {{name: safe, address: 127.0.0.1, port: {port}, protocol: https,"
            " default_pool_id: web, tls_config: {certificate_id: main}}\n"
            f"certificates:\n  - name: main\n    certificate: |\n      {chain}\n"
            f"    private_key: |\n      {key}\n"
        )
        self.begin(text, 0)
        for address, secure in (("http://127.0.0.1", False), ("https://localhost", True)):
            there = f"{address}:{port if secure else self.port}/"
            found = curl("-ki", "--resolve", f"localhost:{port}:127.0.0.1", there)
            self.assertRegex(found.stdout, rb"Set-Cookie: SERVERID=.*; HttpOnly; SameSite=Lax")
            self.assertEqual(b"; Secure\r\n" in found.stdout, secure, found.stdout)

    def check_app_cookie(self, workers: int) -> None:
        """Whoever has logged a client in gets its requests, whichever worker takes them."""
        self.begin(self.text(APP), workers)
        jars = [self.jar() for _ in range(6)]
        first = [self.served("/login", jar) for jar in jars]
        self.assertEqual(set(first), {"a", "b", "c"})
        for _ in range(4):
            self.assertEqual([self.served("/", jar) for jar in jars], first)
        self.balancer.stop()
        self.balancer.start(self.port)
        self.assertEqual([self.served("/", jar) for jar in jars], first)

    def test_app_cookie(self) -> None:
        """In one process."""
        self.check_app_cookie(0)

    def test_app_cookie_workers(self) -> None:
        """In workers."""
        self.check_app_cookie(2)

    def check_source(self, workers: int) -> None:
        """Addresses stay where they were, also when members come and go."""
        self.begin(self.text(SOURCE, "a", "b"), workers)
        clients = [f"127.0.8.{number}" for number in range(1, 9)]

        def found() -> list[str]:
            return [self.served("/", None, "--interface", client) for client in clients]

        first = found()
        self.assertEqual(set(first), {"a", "b"})
        self.reload(self.text(SOURCE))
        self.assertEqual(found(), first)
        self.reload(self.text(SOURCE, "b", "c"))
        second = found()
        for old, new in zip(first, second, strict=True):
            self.assertEqual(new, new if old == "a" else old)
        self.assertEqual(found(), second)

    def test_source(self) -> None:
        """In one process."""
        self.check_source(0)

    def test_source_workers(self) -> None:
        """In workers."""
        self.check_source(2)
