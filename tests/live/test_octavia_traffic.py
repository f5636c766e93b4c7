"""What is made through the Octavia API carries traffic, as its members see it."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.processes import wait_for
from tests.support.balancer import Balancer
from tests.support.certificates import Leaf, authority, leaf
from tests.support.clients import PATIENCE, Answer, curl, request
from tests.support.datagrams import Client, Origin
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import temporary_directory

SUBNET = "11111111-1111-1111-1111-111111111111"
_ROOTS = {"l7policies": "l7policy", "rules": "rule"}
#: Of members: a second port that wants PROXY headers, and an application that sets a cookie.
_EXTRA = """
listen 127.0.0.1:{port} proxy_protocol;
location = /told {{ return 200 "$proxy_protocol_addr"; }}
location = /login {{ add_header Set-Cookie "APP=$request_id; Path=/"; return 200 "{name}"; }}
"""
_HEADERS = ("X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto")
_ADDRESSES = ("X-Forwarded-IP", "X-Client-IP", "X-Real-IP")
#: Of a certificate that no client has shown.
_CLIENT = ("X-SSL-Client-Verify", "X-SSL-Client-Has-Cert")


class OctaviaCase(SynchronousTestCase):
    """Two members, one FiberLB, and a load balancer in it."""

    def setUp(self) -> None:
        """Start them."""
        self.proxied = {name: free_port() for name in ("one", "two")}
        self.members = {
            name: Member(name, extra=_EXTRA.format(port=port, name=name)).start()
            for name, port in self.proxied.items()
        }
        for member in self.members.values():
            self.addCleanup(member.stop)
        self.balancer = Balancer()
        self.addCleanup(self.balancer.stop)
        self.balancer.start()
        made = self.make("loadbalancers", vip_subnet_id=SUBNET)
        self.lb, self.vip = made["id"], made["vip_address"]
        self.directory = temporary_directory()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the API, which must succeed; its document."""
        data = None if body is None else json.dumps(body).encode()
        fields = {"Content-Type": "application/json"} if data else {}
        found = request(self.balancer.admin, path, method=method, headers=fields, body=data)
        self.assertLess(found.status, 300, found.text)
        return json.loads(found.body) if found.body else None

    def make(self, path: str, **attributes: Any) -> dict[str, Any]:
        """A POST."""
        word = path.rpartition("/")[2]
        root = _ROOTS.get(word, word.removesuffix("s"))
        made: dict[str, Any] = self.ask("POST", f"/v2.0/lbaas/{path}", {root: attributes})[root]
        return made

    def change(self, path: str, **attributes: Any) -> None:
        """A PUT."""
        word = path.split("/")[-2]
        root = _ROOTS.get(word, word.removesuffix("s"))
        self.ask("PUT", f"/v2.0/lbaas/{path}", {root: attributes})

    def pool(self, *names: str, protocol: str = "HTTP", **attributes: Any) -> str:
        """A pool with members."""
        given = {"protocol": protocol, "lb_algorithm": "ROUND_ROBIN", **attributes}
        made = self.make("pools", loadbalancer_id=self.lb, **given)
        for name in names:
            ports = self.proxied if protocol.startswith("PROXY") else None
            port = ports[name] if ports else self.members[name].port
            self.member(made["id"], port, name=name)
        return str(made["id"])

    def member(self, pool: str, port: int, **attributes: Any) -> str:
        """A member on loopback."""
        given = {"address": "127.0.0.1", "protocol_port": port, **attributes}
        return str(self.make(f"pools/{pool}/members", **given)["id"])

    def listen(self, pool: str | None, protocol: str = "HTTP", **attributes: Any) -> int:
        """The port of a new listener."""
        port = free_port()
        made = self.make(
            "listeners",
            loadbalancer_id=self.lb,
            protocol=protocol,
            protocol_port=port,
            default_pool_id=pool,
            **attributes,
        )
        self.listener = made["id"]
        return port

    def get(self, port: int, target: str = "/", **fields: str) -> Answer:
        """What a listener answers."""
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        return request(port, target, host=self.vip, headers=headers)

    def served(self, port: int, count: int = 8, **fields: str) -> list[str]:
        """The members that answer some requests."""
        return [self.get(port, **fields).headers["x-member"] for _ in range(count)]

    def statuses(self) -> dict[str, str]:
        """The operating statuses of members, by name, and of C{pool} and C{lb}."""
        tree = self.ask("GET", f"/v2.0/lbaas/loadbalancers/{self.lb}/status")["statuses"]
        top = tree["loadbalancer"]
        [pool] = top["listeners"][0]["pools"]
        found = {one["name"]: one["operating_status"] for one in pool["members"]}
        return {**found, "pool": pool["operating_status"], "lb": top["operating_status"]}


class RequestTests(OctaviaCase):
    """HTTP."""

    def test_inserted(self) -> None:
        """Every field that a listener may insert; none that it was not told to."""
        port = self.listen(self.pool("one"), insert_headers=dict.fromkeys(_HEADERS, "true"))
        echo = self.get(port, "/echo", X_Forwarded_For="10.9.9.9").text.lower()
        self.assertRegex(echo, r"x-forwarded-for: (10\.9\.9\.9, )?127\.0\.0\.1\r")
        self.assertIn(f"x-forwarded-port: {port}\r", echo)
        self.assertIn("x-forwarded-proto: http\r", echo)
        self.change(f"listeners/{self.listener}", insert_headers=dict.fromkeys(_ADDRESSES, "true"))
        echo = self.get(port, "/echo", X_Real_IP="10.9.9.9").text.lower()
        for name in _ADDRESSES:
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
        self.change(path, admin_state_up=True)
        self.assertEqual(self.statuses()["one"], "NO_MONITOR")


_PERMANENT = {"redirect_http_code": 308}


class StreamTests(OctaviaCase):
    """TLS, bytes and datagrams."""

    def certificate(self, made: Leaf) -> str:
        """The reference of a certificate in FiberLB."""
        body = {"certificate": made.chain, "private_key": made.key_pem()}
        found = self.ask("POST", "/v1/certificates", {"name": made.pem[-60:-40], **body})
        return f"fiberlb://certificates/{found['id']}"

    def secure(self, port: int, name: str, target: str = "/") -> str:
        """What curl gets from a server of that name, and its head."""
        root = Path(self.directory, "root.pem")
        root.write_text(authority().pem)
        where = f"{name}:{port}:{self.vip}"
        url = f"https://{name}:{port}{target}"
        found = curl("--cacert", str(root), "--resolve", where, "-D", "-", url)
        self.assertEqual(found.returncode, 0, found.stderr)
        return found.stdout.decode()

    def test_ended(self) -> None:
        """TERMINATED_HTTPS: a certificate for each name, HSTS, fields about the client."""
        names = ("a.test", "b.test")
        one, two = (self.certificate(leaf(name)) for name in names)
        port = self.listen(
            self.pool("one"),
            "TERMINATED_HTTPS",
            default_tls_container_ref=one,
            sni_container_refs=[two],
            hsts_max_age=31536000,
            hsts_include_subdomains=True,
            hsts_preload=True,
            insert_headers=dict.fromkeys((*_HEADERS, *_CLIENT), "true"),
        )
        for name in names:
            said = self.secure(port, name, "/echo").lower()
            self.assertRegex(said, r"security: max-age=31536000; includesubdomains; preload\r")
            self.assertIn("x-forwarded-proto: https\r", said)
            self.assertRegex(said, r"x-ssl-client-has-cert: \S+\r")

    def test_passed(self) -> None:
        """HTTPS: the member ends TLS."""
        made = leaf("m.test")
        chain, key = (Path(self.directory, name) for name in ("chain.pem", "key.pem"))
        chain.write_text(made.chain)
        key.write_text(made.key_pem())
        member = Member("tls", tls=(str(chain), str(key))).start()
        self.addCleanup(member.stop)
        pool = self.pool(protocol="HTTPS")
        self.member(pool, member.port, name="tls")
        port = self.listen(pool, "HTTPS")
        self.assertIn("member tls", self.secure(port, "m.test"))
        for kind in ("HTTPS", "TLS-HELLO"):
            check = {"type": kind, "delay": 1, "timeout": 1, "max_retries": 1}
            made_id = self.make("healthmonitors", pool_id=pool, **check)["id"]
            wait_for(lambda: self.statuses()["tls"] == "ONLINE")
            self.ask("DELETE", f"/v2.0/lbaas/healthmonitors/{made_id}")

    def test_bytes(self) -> None:
        """TCP, and PROXY headers of both versions before bytes and before requests."""
        for listener in ("TCP", "HTTP"):
            for protocol in ("PROXY", "PROXYV2"):
                port = self.listen(self.pool("one", protocol=protocol), listener)
                self.assertEqual(self.get(port, "/told").text, "127.0.0.1", (listener, protocol))
        port = self.listen(self.pool("one", "two", protocol="TCP"), "TCP")
        self.assertEqual(set(self.served(port)), {"one", "two"})

    def test_datagrams(self) -> None:
        """UDP, checked by UDP."""
        one, two = Origin("one"), Origin("two")
        self.addCleanup(one.stop)
        self.addCleanup(two.stop)
        pool = self.pool(protocol="UDP")
        for member in (one, two):
            self.member(pool, member.port, name=member.name)
        port = self.listen(pool, "UDP")
        clients = [Client(port, self.vip) for _ in range(4)]
        for client in clients:
            self.addCleanup(client.close)
        self.assertEqual({client.member() for client in clients}, {"one", "two"})
        figures = self.ask("GET", f"/v2.0/lbaas/listeners/{self.listener}/stats")["stats"]
        self.assertEqual(figures["bytes_in"], 4)
        two.stop()
        check = {"type": "UDP-CONNECT", "delay": 3, "timeout": 1, "max_retries": 1}
        self.make("healthmonitors", pool_id=pool, max_retries_down=1, **check)
        wait_for(lambda: self.statuses()["two"] == "ERROR")
        self.assertEqual(clients[0].member(), "one")


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
