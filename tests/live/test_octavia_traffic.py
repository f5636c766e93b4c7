"""What is made through the Octavia API carries traffic, as its members see it."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

from tests.live.octavia_case import ADDRESSES, FORWARDED, OctaviaCase
from tests.live.processes import wait_for
from tests.support.clients import PATIENCE, request
from tests.support.ports import free_port

_PERMANENT = {"redirect_http_code": 308}


class RequestTests(OctaviaCase):
    """HTTP."""

    def test_inserted(self) -> None:
        """Every field that a listener may insert; none that it was not told to."""
        port = self.listen(self.pool("one"), insert_headers=dict.fromkeys(FORWARDED, "true"))
        echo = self.get(port, "/echo", X_Forwarded_For="10.9.9.9").text.lower()
        self.assertRegex(echo, r"x-forwarded-for: (10\.9\.9\.9, )?127\.0\.0\.1\r")
        self.assertIn(f"x-forwarded-port: {port}\r", echo)
        self.assertIn("x-forwarded-proto: http\r", echo)
        self.change(f"listeners/{self.listener}", insert_headers=dict.fromkeys(ADDRESSES, "true"))
        echo = self.get(port, "/echo", X_Real_IP="10.9.9.9").text.lower()
        for name in ADDRESSES:
            self.assertIn(f"{name.lower()}: 127.0.0.1\r", echo)
        self.assertNotIn("10.9.9.9", echo)

    def test_policies(self) -> None:
        """Rejects come first, then redirects, then pools; no rules, no match."""
        one, two = self.pool("one"), self.pool("two")
        port = self.listen(one)
        for given, rules in (
            ({"action": "REJECT"}, ()),
            ({"action": "REDIRECT_TO_POOL", "redirect_pool_id": two}, (("/p", False),)),
            ({"action": "REDIRECT_TO_URL", "redirect_url": "http://u.test/"}, (("/p/u", False),)),
            (
                {"action": "REDIRECT_PREFIX", "redirect_prefix": "https://x", **_PERMANENT},
                (("/old", False),),
            ),
            ({"action": "REJECT"}, (("/p/u/no", False),)),
            ({"action": "REJECT"}, (("/", False), ("X-Token", True))),
        ):
            policy = self.make("l7policies", listener_id=self.listener, **given)["id"]
            for value, absent in rules:
                kind = (
                    {"type": "HEADER", "key": value, "value": "good"}
                    if absent
                    else {"type": "PATH", "value": value}
                )
                compare = "EQUAL_TO" if absent else "STARTS_WITH"
                self.make(f"l7policies/{policy}/rules", compare_type=compare, invert=absent, **kind)
        for target, status, said in (
            ("/", 200, "one"),
            ("/p", 200, "two"),
            ("/p/u", 302, "http://u.test/"),
            ("/old/x?y", 308, "https://x/old/x?y"),
            ("/p/u/no", 403, None),
        ):
            found = self.get(port, target, X_Token="good")
            seen = found.headers.get("location") or found.headers.get("x-member")
            self.assertEqual((found.status, seen), (status, said), target)
        self.assertEqual(self.get(port).status, 403)

    def test_members(self) -> None:
        """Weights, backups, disabled ones; figures of what they did."""
        pool = self.pool()
        port = self.listen(pool)
        self.assertEqual(self.get(port).status, 503)
        one = self.member(pool, self.members["one"].port, weight=3)
        two = self.member(pool, self.members["two"].port, weight=1)
        self.assertEqual(sorted(self.served(port)), ["one"] * 6 + ["two"] * 2)
        self.change(f"pools/{pool}/members/{two}", backup=True)
        self.assertEqual(set(self.served(port)), {"one"})
        self.change(f"pools/{pool}/members/{one}", admin_state_up=False)
        self.assertEqual(set(self.served(port)), {"two"})
        path = f"/v2.0/lbaas/listeners/{self.listener}/stats"
        wait_for(lambda: self.ask("GET", path)["stats"]["active_connections"] == 0)
        figures = self.ask("GET", path)["stats"]
        self.assertEqual((figures["total_connections"], figures["request_errors"]), (25, 1))
        # Of HTTP the bodies count.
        self.assertEqual(figures["bytes_in"], 0)
        self.assertGreater(figures["bytes_out"], 24 * len("member one\n") - 1)

    def test_persistence(self) -> None:
        """By a cookie that no member sees, by the application's, by address."""
        pool = self.pool("one", "two", session_persistence={"type": "HTTP_COOKIE"})
        port = self.listen(pool)
        first = self.get(port)
        cookie = first.headers["set-cookie"].partition(";")[0]
        self.assertTrue(cookie.startswith("SRV="), cookie)
        self.assertEqual(set(self.served(port, Cookie=cookie)), {first.headers["x-member"]})
        echo = self.get(port, "/echo", Cookie=f"a=b; {cookie}").text
        self.assertIn("a=b", echo)
        self.assertNotIn("SRV=", echo)
        app = {"type": "APP_COOKIE", "cookie_name": "APP"}
        self.change(f"pools/{pool}", session_persistence=app)
        first = self.get(port, "/login")
        cookie = first.headers["set-cookie"].partition(";")[0]
        self.assertEqual(set(self.served(port, Cookie=cookie)), {first.text})
        self.change(f"pools/{pool}", session_persistence={"type": "SOURCE_IP"})
        self.assertEqual(len(set(self.served(port))), 1)
        self.change(f"pools/{pool}", session_persistence=None)
        self.assertEqual(set(self.served(port)), {"one", "two"})

    def test_admission(self) -> None:
        """Clients from elsewhere are not let in; nobody is waited for longer than was said."""
        limits: dict[str, Any] = {"timeout_client_data": 200, "timeout_member_data": 200}
        port = self.listen(self.pool("one"), allowed_cidrs=["10.0.0.0/8"], **limits)
        self.assertEqual(self.get(port).status, 403)
        self.change(f"listeners/{self.listener}", allowed_cidrs=["127.0.0.0/8"])
        self.assertEqual(self.get(port).status, 200)
        with socket.create_connection((self.vip, port), PATIENCE) as silent:
            silent.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
            self.assertIn(b"408", silent.recv(65536))
        self.assertEqual(self.get(port, "/late/30").status, 504)

    def test_checked(self) -> None:
        """Every kind of check sees who is there, and the tree of statuses says it."""
        pool = self.pool("one", "two")
        port = self.listen(pool)
        path = f"pools/{pool}"
        up = {"one": "ONLINE", "two": "ONLINE", "pool": "ONLINE", "lb": "ONLINE"}
        half = {"one": "ONLINE", "two": "ERROR", "pool": "DEGRADED", "lb": "DEGRADED"}
        for kind, more in (
            ("HTTP", {"url_path": "/status/204", "expected_codes": "200-204"}),
            ("TCP", {}),
        ):
            check = {"type": kind, "delay": 1, "timeout": 1, "max_retries": 1, **more}
            made = self.make("healthmonitors", pool_id=pool, max_retries_down=1, **check)["id"]
            wait_for(lambda: self.statuses() == up)
            self.members["two"].kill()
            wait_for(lambda: self.statuses() == half)
            self.assertEqual(set(self.served(port)), {"one"})
            self.members["two"].start()
            wait_for(lambda: self.statuses() == up)
            self.ask("DELETE", f"/v2.0/lbaas/healthmonitors/{made}")
        # The machines of both members are this one, and nobody answers at a network's last address.
        [two] = self.ask("GET", f"/v2.0/lbaas/{path}/members?name=two")["members"]
        check = {"type": "PING", "delay": 1, "timeout": 1, "max_retries": 1}
        made = self.make("healthmonitors", pool_id=pool, max_retries_down=1, **check)["id"]
        for address, seen in ((None, up), ("127.255.255.255", half), (None, up)):
            self.change(f"{path}/members/{two['id']}", monitor_address=address)
            wait_for(lambda seen=seen: self.statuses() == seen)  # type: ignore[misc]
        self.ask("DELETE", f"/v2.0/lbaas/healthmonitors/{made}")
        self.change(path, admin_state_up=True)
        self.assertEqual(self.statuses()["one"], "NO_MONITOR")


class PatienceTests(OctaviaCase):
    """How long is waited."""

    def stuck(self) -> int:
        """A port that no connection is made to: those that wait to be accepted are too many."""
        full = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(full.close)
        for _ in range(4):
            one = socket.socket()
            self.addCleanup(one.close)
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        return int(full.getsockname()[1])

    def heard(self, sock: socket.socket) -> bytes:
        """The first that is said, or nothing where the connection ends."""
        try:
            return sock.recv(65536)
        except ConnectionResetError:
            return b""

    def test_timeouts(self) -> None:
        """Of two listeners the one with less patience gives up, while the other one waits."""
        stuck = self.pool()
        self.member(stuck, self.stuck())
        sent = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for name, protocol, pool, said, heard in (
            ("timeout_member_connect", "HTTP", stuck, sent, rb"HTTP/1.1 50[34] "),
            ("timeout_tcp_inspect", "HTTPS", self.pool("one", protocol="TCP"), b"\x16", rb"\A\Z"),
        ):
            ports = [self.listen(pool, protocol, **{name: value}) for value in (50_000, 200)]
            slow, quick = (socket.create_connection((self.vip, p), PATIENCE) for p in ports)
            with slow, quick:
                slow.sendall(said)
                quick.sendall(said)
                self.assertRegex(self.heard(quick), heard)
                slow.setblocking(False)
                self.assertRaises(BlockingIOError, slow.recv, 1)


class PrometheusTests(OctaviaCase):
    """Listeners that show figures."""

    def test_figures(self) -> None:
        """Where this version has them."""
        body = {
            "listener": {
                "loadbalancer_id": self.lb,
                "protocol": "PROMETHEUS",
                "protocol_port": free_port(),
            }
        }
        made = request(
            self.balancer.admin,
            "/v2.0/lbaas/listeners",
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json.dumps(body).encode(),
        )
        if made.status == 501:
            self.assertIn("does not support", made.text)
            return
        self.assertEqual(made.status, 201, made.text)
        shown = self.get(body["listener"]["protocol_port"], "/metrics")
        self.assertTrue(re.search(r"^fiberlb_\w+", shown.text, re.M))
