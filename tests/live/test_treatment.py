"""Header edits, rewriting and mirroring with real sockets, as the examples configure them."""

from __future__ import annotations

import re
import threading
from statistics import median
from time import perf_counter

from tests.live.crew_case import CrewCase
from tests.live.origin import Caller, Origin
from tests.support.clients import Session, request
from tests.support.sources import ROOT

MIRRORED = """
pools:
  - {{name: app, members: ["{member}"], mirror: {{pool_id: next}}}}
  - {{name: next, members: ["%s"]}}
listeners:
  - {{name: web, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: app}}
"""


class Witness:
    """
    A member that remembers what it was asked.

    @ivar heads: as they came.
    @ivar answers: whether it answers at all.
    """

    def __init__(self, answers: bool = True) -> None:
        self.heads: list[bytes] = []
        self.answers = answers
        self.origin = Origin(self._serve)

    def _serve(self, caller: Caller) -> None:
        held = b""
        caller.socket.settimeout(None)
        while True:
            while b"\r\n\r\n" not in held:
                try:
                    piece = caller.socket.recv(65536)
                except OSError:
                    return
                if not piece:
                    return
                held += piece
            head, _, held = held.partition(b"\r\n\r\n")
            self.heads.append(head)
            if not self.answers:
                threading.Event().wait()
            caller.reply(b"seen\n", fields=b"Server: secret\r\nX-Powered-By: magic\r\n")


class WayTests(CrewCase):
    """What members, mirrors and clients see."""

    def witness(self, answers: bool = True) -> Witness:
        """A member of the test's own."""
        made = Witness(answers)
        self.addCleanup(made.origin.stop)
        return made

    def example(self, name: str, **members: Witness) -> None:
        """Serve an example, with these in place of the members at such addresses."""
        text = (ROOT / "conf" / "examples" / f"{name}.yaml").read_text("utf-8")
        for address, witness in members.items():
            place = address.removeprefix("at_").replace("_", ".")
            text = re.sub(re.escape(place) + r":\d+", witness.origin.address, text)
        text = text.replace("version: 1\n", "").replace("{", "{{").replace("}", "}}")
        text = re.sub(r"trusted_proxies: .*\n", "", text)
        text = text.replace("port: 8080,", "address: 127.0.0.1, port: {port},")
        self.crew(text.replace("port: 8080\n", "address: 127.0.0.1\n    port: {port}\n"), workers=0)

    def test_headers(self) -> None:
        """C{conf/examples/headers.yaml}."""
        member = self.witness()
        self.example("headers", at_10_0_1_1=member)
        forged = {"X-Request-ID": "mine", "X-TLS": "TLSv1.3", "X_Tenant": "b", "X-Debug": "1"}
        answer = request(self.port, "/", headers=forged)
        (head,) = member.heads
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        ident = lines[b"X-Request-ID"].decode()
        self.assertRegex(ident, "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]")
        self.assertEqual(lines[b"X-Real-IP"], b"127.0.0.1")
        self.assertEqual(lines[b"X-Tenant"], b"127.0.0.1")
        self.assertIn(ident.replace("-", "").encode(), lines[b"traceparent"])
        for name in (b"X-TLS", b"X_Tenant", b"X-Debug"):
            self.assertNotIn(name, lines)
        told = {name.lower(): value for name, value in answer.headers.items()}
        self.assertEqual((told["x-request-id"], told["x-content-type-options"]), (ident, "nosniff"))
        self.assertFalse({"server", "x-powered-by"} & set(told))

    def test_rewrite(self) -> None:
        """C{conf/examples/rewrite.yaml}."""
        shop, users, partner = self.witness(), self.witness(), self.witness()
        members = {"at_10_0_1_1": shop, "at_10_0_1_2": users, "at_partner_example": partner}
        self.example("rewrite", **members)
        for target in ("/shop/cart?x=1", "/u/12", "/partner/a"):
            self.assertEqual(request(self.port, target).status, 200)
        seen = [one.heads[0].split(b" ")[1] for one in (shop, users, partner)]
        self.assertEqual(seen, [b"/cart?x=1", b"/users/12", b"/partner/a"])
        host = b"Host: " + partner.origin.address.encode() + b"\r\n"
        self.assertIn(host, partner.heads[0])
        self.assertIn(b"X-Forwarded-Host: 127.0.0.1:%d" % self.port, partner.heads[0])

    def test_mirror(self) -> None:
        """C{conf/examples/mirror.yaml}: every tenth request is copied, its answer is not heard."""
        one, two, copy = self.witness(), self.witness(), self.witness()
        self.example("mirror", at_10_0_1_1=one, at_10_0_1_2=two, at_10_0_2_1=copy)
        with Session(self.port) as session:
            for number in range(30):
                self.assertEqual(session.request(f"/{number}").status, 200)
        self.program().wait_until(lambda: len(copy.heads) == 3)
        served = {*one.heads, *two.heads}
        self.assertEqual(len(served), 30)
        self.assertLess(set(copy.heads), served)

    def times(self, count: int) -> list[float]:
        """Seconds of so many requests, one after the other."""
        found = []
        with Session(self.port) as session:
            for number in range(count):
                began = perf_counter()
                self.assertEqual(session.request(f"/{number}").status, 200)
                found.append(perf_counter() - began)
        return sorted(found)

    def test_hanging(self) -> None:
        """A mirror that never answers costs nobody time, in several workers; it is counted."""
        silent = self.witness(answers=False)
        self.crew(MIRRORED % silent.origin.address, workers=2)
        hanging = self.times(300)
        figures = self.figures()
        self.assertGreater(figures["dropped"], 0)
        self.assertLessEqual(len(silent.heads), 2 * 64)
        self.balancer.write(self.text.replace(", mirror: {pool_id: next}", ""))
        self.balancer.reload()
        alone = self.times(300)
        # A copy that was waited for would take the whole of its timeout, a minute.
        self.assertLess(median(hanging), 5 * median(alone) + 0.02)
        self.assertLess(hanging[int(len(hanging) * 0.99)], 5 * alone[-3] + 1.0)

    def figures(self) -> dict[str, int]:
        """What became of the copies, as the metrics tell when all workers have told."""
        pattern = r'fiberlb_pool_copies_total\{pool="next",result="(\w+)"\} (\d+)'

        def told() -> dict[str, int]:
            text = request(self.balancer.admin, "/metrics").text
            return {word: int(count) for word, count in re.findall(pattern, text)}

        self.program().wait_until(lambda: told().get("dropped", 0) > 0)
        return told()
