"""Where requests go, from the configuration to the wire: rules, splits, answers of our own."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from tests.live.sticky_case import StickyCase
from tests.support.balancer import Balancer
from tests.support.clients import RawClient, Session, curl, exchange, request
from tests.support.ports import free_port
from tests.support.sources import ROOT

#: The end of a configuration: one listener, its policies to follow.
LISTENER = """
pools:
  - {{name: a, members: ["{a}"]}}
  - {{name: b, members: ["{b}"]}}
  - name: gone
    members: ["127.0.0.1:1"]
    health_monitor: {{type: tcp, interval: 1s, timeout: 1s}}
trusted_proxies: [127.0.0.2]
access_log: {{format: json, path: access.log}}
listeners:
  - name: front
    address: 127.0.0.1
    port: {port}
    protocol: http
    {default}
    l7_policies:
{policies}
"""

#: Policy -> requests (method, target, fields), and the pool that each of them goes to.
GET: Any = ("GET", "/", {})
RULES: tuple[tuple[str, tuple[tuple[str, str, dict[str, str], str], ...]], ...] = (
    (
        "rules: [{path: /api, compare_type: under}]",
        (
            ("GET", "/api", {}, "b"),
            ("GET", "/api/v1?x", {}, "b"),
            ("GET", "/apix", {}, "a"),
            ("GET", "/%61pi/", {}, "b"),
        ),
    ),
    (
        "rules: [{method: [put, DELETE]}]",
        (("PUT", "/", {}, "b"), ("DELETE", "/", {}, "b"), ("GET", "/", {}, "a")),
    ),
    (
        "rules: [{query: 'user id', value: 'a b'}, {query: debug}]",
        (
            ("GET", "/?debug&user+id=a%20b", {}, "b"),
            ("GET", "/?user+id=a%20b", {}, "a"),
            ("GET", "/?debug&user+id=a", {}, "a"),
        ),
    ),
    (
        "rules: [{source_ip: [10.0.0.0/8, '2001:db8::/32']}]",
        (
            ("GET", "/", {}, "a"),
            # Not from a proxy that is trusted: what it claims is nothing.
            ("GET", "/", {"X-Forwarded-For": "10.1.2.3"}, "a"),
        ),
    ),
    (
        "rules: [{protocol: grpc}]",
        (
            ("POST", "/", {"Content-Type": "application/grpc+proto"}, "b"),
            ("POST", "/", {"Content-Type": "application/grpc-web"}, "a"),
        ),
    ),
    (
        "rules: [{protocol: https}]",
        (("GET", "/", {}, "a"), ("GET", "/", {"X-Forwarded-Proto": "https"}, "a")),
    ),
    (
        "rules: [{any: [{method: PUT}, {all: [{path: /x, compare_type: under},"
        " {not: {cookie: c}}]}]}]",
        (
            ("PUT", "/", {"Cookie": "c=1"}, "b"),
            ("GET", "/x/y", {}, "b"),
            ("GET", "/x/y", {"Cookie": "c=1"}, "a"),
            ("GET", "/xy", {}, "a"),
        ),
    ),
    (
        "rules: [{not: {any: [{host_name: 127.0.0.1}, {header: X-A}]}, invert: false}]",
        (
            ("GET", "/", {"Host": "other"}, "b"),
            ("GET", "/", {"Host": "other", "X-A": ""}, "a"),
            ("GET", "/", {}, "a"),
        ),
    ),
)


class RoutingCase(StickyCase):
    """Two members, each in a pool of its own."""

    COUNT = 2

    def configuration(self, *policies: str, default: str = "default_pool_id: a") -> str:
        """One listener with these policies, each the fields after its name."""
        lines = [f"      - {{name: p{n}, {text}}}" for n, text in enumerate(policies)]
        addresses = {name: member.address for name, member in self.members.items()}
        text = LISTENER.format(
            **addresses, port=self.port, default=default, policies="\n".join(lines) or "      []"
        )
        return text

    def pool(self, method: str, target: str, fields: dict[str, str], **given: Any) -> str:
        """Which member answers."""
        answer = request(self.port, target, method=method, headers=fields, **given)
        return answer.headers.get("x-member", f"{answer.status} {answer.text}")


class RuleTests(RoutingCase):
    """Rules."""

    def test_table(self) -> None:
        """Each of a listener of its own, evaluated in order and looked up in an index."""
        # From five policies on there is an index.
        others = [f"redirect_pool_id: a, rules: [{{path: /other{n}}}]" for n in range(6)]
        text = ""
        asked = []
        for rules, cases in RULES:
            for further in ((), others):
                self.port = free_port()
                whole = self.configuration(*further, f"redirect_pool_id: b, {rules}")
                head, _, listener = whole.partition("listeners:\n")
                text = text or f"{head}listeners:\n"
                text += listener.replace("name: front", f"name: front{self.port}")
                asked += [(self.port, rules, case) for case in cases]
        self.begin(text, 0)
        for port, rules, (method, target, fields, wanted) in asked:
            answer = request(port, target, method=method, headers=fields)
            found = answer.headers["x-member"]
            self.assertEqual(found, wanted, (rules, method, target, fields))

    def test_client(self) -> None:
        """The address that a trusted proxy tells, and no other, is the client's."""
        text = self.configuration("redirect_pool_id: b, rules: [{source_ip: 10.0.0.0/8}]")
        self.begin(text.replace("[127.0.0.2]", "[127.0.0.0/8]"), 0)
        for told, wanted in (
            ("10.1.2.3", "b"),
            ("192.0.2.1, 10.1.2.3, 127.0.0.9", "b"),
            ("10.1.2.3, 192.0.2.1", "a"),
            ("", "a"),
        ):
            self.assertEqual(self.pool("GET", "/", {"X-Forwarded-For": told}), wanted, told)


class ExampleTests(RoutingCase):
    """The examples of C{conf}, with members of ours in the place of theirs."""

    def example(self, name: str) -> None:
        """FiberLB with this example; every first member is a, others are b."""
        path = ROOT / "conf" / "examples" / f"{name}.yaml"
        text = re.sub(r"(?m)^version: 1$", "", path.read_text())
        text = text.replace("10.0.1.1:8000, 10.0.1.2:8000", f'"{self.members["a"].address}"')
        text = re.sub(r"10\.0\.\d\.\d:8000", f'"{self.members["b"].address}"', text)
        text = re.sub(r", health_monitor: [^}]*?(\}|\*ready)(?=\})", "", text)
        text = text.replace("port: 8080", f"port: {self.port}\n    address: 127.0.0.1")
        page = path.with_suffix(".html")
        self.balancer = Balancer()
        if page.exists():
            Path(self.balancer.directory, page.name).write_bytes(page.read_bytes())
        self.balancer.write(text)
        self.balancer.start(self.port)
        self.addCleanup(self.balancer.stop)

    def test_rules(self) -> None:
        """Staff only, sockets, what changes something, previews."""
        self.example("rules")
        for method, target, fields, wanted in (
            ("GET", "/", {}, "a"),
            ("POST", "/", {}, "b"),
            ("GET", "/x?draft", {}, "b"),
            ("GET", "/x?preview=2", {}, "a"),
            ("GET", "/", {"Upgrade": "websocket", "Connection": "upgrade"}, "b"),
            # From the office, which this machine belongs to.
            ("GET", "/admin/x", {}, "a"),
        ):
            self.assertEqual(self.pool(method, target, fields), wanted, (method, target))

    def test_answers(self) -> None:
        """Texts, a page from a file, a template, a pool that stands in."""
        self.example("answers")
        self.assertIn("Disallow", request(self.port, "/robots.txt").text)
        self.assertEqual(request(self.port, "/probe").status, 204)
        found = request(self.port, "/", headers={"Host": "old.example.org"})
        self.assertEqual((found.status, found.headers["retry-after"]), (503, "3600"))
        self.assertIn("<title>Closed", found.text)
        found = request(self.port, "/store/a?b=c", headers={"Host": "x.example"})
        self.assertEqual(found.headers["location"], "https://x.example/shop/store/a?b=c")
        self.assertEqual(self.pool("GET", "/live", {}), "a")

    def test_canary(self) -> None:
        """Some are on the canary's side and stay; whoever asks for a side gets it."""
        self.example("canary")
        found = [request(self.port) for _ in range(200)]
        sides = Counter(answer.headers["x-member"] for answer in found)
        self.assertIn(sides["b"], range(8, 13))
        for answer in (found[0], next(a for a in found if a.headers["x-member"] == "b")):
            cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
            self.assertEqual(self.pool("GET", "/", cookie), answer.headers["x-member"])
        self.assertEqual(self.pool("GET", "/", {"X-Canary": "always"}), "b")
        self.assertEqual(self.pool("GET", "/", {"X-Canary": "never"}), "a")


class AnswerTests(RoutingCase):
    """Answers of FiberLB's own."""

    def test_response(self) -> None:
        """To GET and HEAD, over HTTP/1.1 and 1.0; the connection is kept."""
        response = "{status: 418, headers: {X-Tea: yes please}, body: 'short, stout'}"
        self.begin(
            self.configuration(
                f"response: {response}, rules: [{{path: /tea}}]",
                "response: {status: 204, headers: {X-Probe: ok}}, rules: [{path: /probe}]",
            ),
            0,
        )
        with Session(self.port) as session:
            for _ in range(2):
                found = session.request("/tea")
                self.assertEqual((found.status, found.text), (418, "short, stout"))
                self.assertEqual(found.headers["x-tea"], "yes please")
                self.assertEqual(found.headers["content-type"], "text/plain")
                found = session.request("/tea", method="HEAD")
                self.assertEqual((found.headers["content-length"], found.body), ("12", b""))
                found = session.request("/probe")
                self.assertEqual((found.status, found.headers["x-probe"]), (204, "ok"))
                self.assertNotIn("content-length", found.headers)
                self.assertEqual(session.request("/").headers["x-member"], "a")
        # A body that has not come yet ends the connection with the answer.
        self.assertEqual(request(self.port, "/tea", method="POST", body=b"x" * 10).status, 418)
        old = exchange(self.port, b"GET /tea HTTP/1.0\r\n\r\n")
        self.assertIn(b"\r\nConnection: close\r\n\r\nshort, stout", old)
        with RawClient(self.port) as client:
            for _ in range(2):
                client.send(b"GET /tea HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                head = client.read_until(b"\r\n\r\n")
                self.assertIn(b"\r\nConnection: keep-alive\r\n", head)
                self.assertEqual(client.read(12), b"short, stout")

    def test_file(self) -> None:
        """The octets of a file, read again at each reload; what is refused changes nothing."""
        self.begin(self.configuration(), 0)
        page = Path(self.balancer.directory, "page.html")
        response = "{content_type: text/html, body_file: page.html}"
        text = self.configuration(f"response: {response}, rules: [{{path: /}}]")
        for content in (b"<p>1\r\n\xff\0", b"<p>2"):
            page.write_bytes(content)
            self.reload(text)
            found = request(self.port)
            self.assertEqual((found.body, found.headers["content-type"]), (content, "text/html"))
        page.write_bytes(b"x" * 70_000)
        self.balancer.reload()
        self.program().wait_until(lambda: "has more than 64KiB" in self.balancer.output)
        self.assertEqual(request(self.port).body, b"<p>2")
        shown = self.ask("/v1/l7_policies/p0")
        self.assertEqual(shown["response"]["body_file"], "page.html")

    def test_redirect(self) -> None:
        """Templates, as a client that follows them sees it."""
        self.begin(
            self.configuration(
                'redirect_url: "{scheme}://{host}:{port}/new{path}?{query}", rules: [{query: old}]'
            ),
            0,
        )
        found = request(self.port, "/x%0d%0aY/ü?old=1 2".replace(" ", "%20").replace("ü", "%C3%BC"))
        self.assertEqual(
            found.headers["location"],
            f"http://127.0.0.1:{self.port}/new/x%0d%0aY/%C3%BC?old=1%202",
        )
        seen = curl("-sL", f"http://127.0.0.1:{self.port}/?old", "--max-redirs", "3", "-o-")
        self.assertNotEqual(seen.returncode, 0)


class SplitTests(RoutingCase):
    """Several pools."""

    SPLIT = "default_pools: [{{pool_id: a, weight: {}}}, {{pool_id: b, weight: {}}}]"
    KEPT = "\n    split_persistence: {cookie_name: side}"

    def shares(self, count: int) -> Counter[str]:
        """Which pools answer so many requests, on a few connections."""
        found: Counter[str] = Counter()
        for _ in range(4):
            with Session(self.port) as session:
                for _ in range(count // 4):
                    found[session.request("/").headers["x-member"]] += 1
        return found

    def test_shares(self) -> None:
        """Three thousand requests by their weights, then by others; the log tells the pool."""
        self.begin(self.configuration(default=self.SPLIT.format(90, 10)), 2)
        found = self.shares(3000)
        self.assertLessEqual(abs(found["b"] - 300), 30)
        self.reload(self.configuration(default=self.SPLIT.format(1, 1)))
        found = self.shares(400)
        self.assertLessEqual(abs(found["b"] - 200), 20)
        log = Path(self.balancer.directory, "access.log")

        def logged() -> list[str]:
            return [json.loads(line)["pool"] for line in log.read_text().splitlines()]

        self.program().wait_until(lambda: len(logged()) >= 3400)
        self.assertLessEqual(abs(Counter(logged())["b"] - 500), 50)

    def test_stays(self) -> None:
        """Clients keep their side over reloads and workers, until its weight is 0."""
        self.begin(self.configuration(default=self.SPLIT.format(1, 1) + self.KEPT), 2)
        jars = [self.jar() for _ in range(8)]
        first = [self.served("/", jar) for jar in jars]
        self.assertEqual(set(first), {"a", "b"})
        for weights in ((1, 1), (99, 1)):
            self.reload(self.configuration(default=self.SPLIT.format(*weights) + self.KEPT))
            self.assertEqual([self.served("/", jar) for jar in jars], first)
        value = Path(jars[0]).read_text().split()[-1]
        seen = request(self.port, "/echo", headers={"Cookie": f"x=1; side={value}"})
        self.assertIn("\r\nCookie: x=1\r\n", seen.text)
        self.reload(self.configuration(default=self.SPLIT.format(1, 0) + self.KEPT))
        self.assertEqual({self.served("/", jar) for jar in jars}, {"a"})
        self.reload(self.configuration(default=self.SPLIT.format(1, 1) + self.KEPT))
        self.assertEqual({self.served("/", jar) for jar in jars}, {"a"})

    def test_failover(self) -> None:
        """A pool whose member is down has another one in its place."""
        text = self.configuration(
            "redirect_pool_id: gone, failover_pool_id: b, rules: [{path: /one}]",
            "redirect_pools: [{pool_id: gone, weight: 9}, {pool_id: b}], rules: [{path: /two}]",
        )
        self.begin(text, 0)
        shown = "/v1/pools/gone/members/127.0.0.1:1"
        self.program().wait_until(lambda: self.ask(shown)["status"]["health"] == "down", within=60)
        for target in ("/one", "/two"):
            found = {self.pool("GET", target, {}) for _ in range(5)}
            self.assertEqual(found, {"b"})

    def test_api(self) -> None:
        """Weights through the API; a pool of a split is in use."""
        self.balancer = Balancer().start()
        self.addCleanup(self.balancer.stop)
        for name, member in self.members.items():
            self.ask("/v1/pools", "POST", {"name": name, "members": [member.address]})
        pools = [{"pool_id": "a", "weight": 1}, {"pool_id": "b", "weight": 0}]
        listener = {
            "name": "front",
            "address": "127.0.0.1",
            "port": self.port,
            "protocol": "http",
            "default_pools": pools,
        }
        made = self.ask("/v1/listeners", "POST", listener)
        self.assertEqual(self.pool(*GET), "a")
        b = made["default_pools"][1]["pool_id"]
        self.ask("/v1/listeners/front", "PATCH", {"default_pools": [{"pool_id": "b"}]})
        self.assertEqual(self.pool(*GET), "b")
        refused = request(self.balancer.admin, f"/v1/pools/{b}", method="DELETE")
        self.assertEqual(refused.status, 409)
        self.assertIn("front", refused.text)
