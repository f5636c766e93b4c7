"""Certificates that order themselves, at Pebble."""

from __future__ import annotations

from time import monotonic

from tests.live.acme_case import LONG, AcmeCase
from tests.support.clients import request


class OrderTests(AcmeCase):
    """Orders, everything in one process."""

    def test_http(self) -> None:
        """Over HTTP, beside a redirect of all else; the material is there after a restart."""
        self.authority()
        self.begin("a.test.example, b.test.example")
        self.wait_for("valid")
        shown = self.shown("b.test.example")
        self.assertEqual(self.names(shown), ["a.test.example", "b.test.example"])
        other = request(self.plain, "/.well-known/acme-challenge/other", headers={"Host": "x"})
        self.assertEqual(
            (other.status, other.headers["location"]),
            (308, "https://x/.well-known/acme-challenge/other"),
        )
        document = self.ask("/v1/certificates/sites")
        self.assertEqual(document["names"], ["a.test.example", "b.test.example"])
        self.assertIn("BEGIN CERTIFICATE", document["certificate"])
        self.assertNotIn("PRIVATE KEY", str(document))
        self.balancer.stop()
        self.again()
        self.assertEqual(self.shown().serial_number, shown.serial_number)
        self.assertNotIn("ordering", self.balancer.output)

    def test_tls(self) -> None:
        """Over TLS alone, while other handshakes for the name go on."""
        self.authority()
        self.begin(more="challenge: tls-alpn-01")
        self.wait_for("valid")
        self.assertEqual(self.names(self.shown()), ["a.test.example"])
        self.assertIn("by tls-alpn-01", self.balancer.output)

    def test_renewal(self) -> None:
        """One that lives for a short time is renewed in time, and no handshake fails meanwhile."""
        self.authority(validity=20)
        self.begin(more="challenge: tls-alpn-01")
        self.wait_for("valid")
        first = self.shown().serial_number
        deadline = monotonic() + LONG
        count = 0
        while (serial := self.shown().serial_number) == first:
            count += 1
            self.assertLess(monotonic(), deadline, self.balancer.output)
        self.assertGreater(count, 5)
        self.assertEqual(self.shown().serial_number, serial)
        self.wait_for("valid")

    def test_failure(self) -> None:
        """A failed order is told and waits; another challenge is another order, at once."""
        self.authority(http=1)
        self.begin()
        self.wait_for("failed")
        order = self.order()
        self.assertIn("a.test.example", order["last_error"])
        self.assertIsNotNone(order["next_try"])
        self.assertIn("was not issued", str(self.ask("/v1/status")["problems"]))
        self.assertEqual(self.names(self.shown()), ["stand-in.invalid"])
        self.balancer.stop()
        self.again()
        self.assertEqual(self.order()["next_try"], order["next_try"], "a restart forgot the wait")
        self.balancer.write(self.text("a.test.example", "challenge: tls-alpn-01"))
        self.balancer.reload()
        self.wait_for("valid")
        self.assertEqual(self.ask("/v1/status")["problems"], [])

    def test_changed(self) -> None:
        """Other names are ordered anew, and the old certificate is shown until then."""
        self.authority()
        self.begin()
        self.wait_for("valid")
        assert self.balancer.program is not None
        self.balancer.write(self.text("a.test.example, c.test.example", "challenge: http-01"))
        self.balancer.reload()
        self.balancer.program.wait_until(
            lambda: len(self.names(self.shown())) == 2,
            within=LONG,
        )
        self.assertNotIn("Traceback", self.balancer.output)

    def test_api(self) -> None:
        """Through the API: made, read, written back as it was read, deleted with its key."""
        self.authority()
        self.begin()
        body = {"name": "second", "acme": {"domains": ["d.test.example"]}}
        self.ask("/v1/certificates", "POST", body)
        self.wait_for("valid", "second")
        self.assertEqual(self.names(self.shown("d.test.example")), ["d.test.example"])
        document = self.ask("/v1/certificates/second")
        document["description"] = "written back"
        after = self.ask("/v1/certificates/second", "PUT", document)
        self.assertEqual(after["acme"]["state"], "valid")
        self.assertEqual(after["description"], "written back")
        self.ask("/v1/certificates/second", "PATCH", {"acme": {"renew_before": "1d"}})
        self.assertEqual(self.order("second")["state"], "valid")
        self.ask("/v1/certificates/second", "DELETE")
        self.wait_for("valid")
        self.assertEqual(self.names(self.shown("d.test.example")), ["a.test.example"])

    def test_killed(self) -> None:
        """Killed within an order: the next process orders again, with the same account."""
        self.authority(sleep=4)
        self.begin()
        assert self.balancer.program is not None
        self.balancer.program.wait_for_line("ordering it")
        self.balancer.program.kill()
        self.again()
        self.wait_for("valid")
        self.assertEqual(self.names(self.shown()), ["a.test.example"])


class CrewOrderTests(AcmeCase):
    """Orders with worker processes: the authority may meet any of them."""

    workers = 2

    def test_http(self) -> None:
        """Over HTTP; every worker shows what was issued, also one that comes later."""
        self.authority()
        self.begin("a.test.example, b.test.example, c.test.example")
        self.wait_for("valid")
        serials = {self.shown().serial_number for _ in range(12)}
        self.assertEqual(len(serials), 1)
        self.ask("/v1/workers/restart", "POST")
        self.assertEqual({self.shown().serial_number for _ in range(6)}, serials)
        self.balancer.stop()
        self.again()
        self.assertEqual({self.shown().serial_number for _ in range(6)}, serials)

    def test_tls(self) -> None:
        """Over TLS, renewed while clients go on."""
        self.authority(validity=24)
        self.begin("a.test.example, b.test.example", "challenge: tls-alpn-01")
        self.wait_for("valid")
        first = self.shown().serial_number
        deadline = monotonic() + LONG
        while self.shown().serial_number == first:
            self.assertLess(monotonic(), deadline, self.balancer.output)
        self.assertNotIn("Traceback", self.balancer.output)

    def test_killed(self) -> None:
        """The controlling process is killed within an order; the workers serve on."""
        self.authority(sleep=4)
        self.begin()
        assert self.balancer.program is not None
        self.balancer.program.wait_for_line("ordering it")
        self.balancer.program.crash()
        self.shown()
        self.again()
        self.wait_for("valid")
        self.assertEqual(self.names(self.shown()), ["a.test.example"])
