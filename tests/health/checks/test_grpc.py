"""Tests of C{fiberlb.health.checks.grpc}; tests.live.test_health_checks has real members."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.checks.grpc import judged, request, serving_status

_TYPE = {"content-type": "application/grpc+proto"}
_OK = {**_TYPE, "grpc-status": "0"}


def message(body: bytes) -> bytes:
    """One message as it is framed."""
    return b"\0" + len(body).to_bytes(4, "big") + body


class MessageTests(SynchronousTestCase):
    """What is sent, and what may come back."""

    def test_request(self) -> None:
        """The service's name is the one field."""
        self.assertEqual(request(""), message(b""))
        self.assertEqual(request("ab"), message(b"\x0a\x02ab"))
        self.assertEqual(request("x" * 200)[5:8], b"\x0a\xc8\x01")

    def test_status(self) -> None:
        """The field is found among others; none is 0."""
        for body, status in (
            (b"\x08\x01", 1),
            (b"", 0),
            (b"\x12\x02ab\x08\x02", 2),
            (b"\x19abcdefgh\x25abcd\x08\x81\x01", 129),
        ):
            self.assertEqual(serving_status(message(body)), status)

    def test_malformed(self) -> None:
        """What is no message is an error and nothing else."""
        for data in (
            b"",
            b"\1\0\0\0\2\x08\x01",
            message(b"\x08\x01")[:-1],
            message(b"\x08\x01") + b"x",
            message(b"\x08"),
            message(b"\x08" + b"\xff" * 20),
            message(b"\x12\x09ab"),
            message(b"\x0b"),
        ):
            self.assertRaises(ValueError, serving_status, data)

    def test_judged(self) -> None:
        """Each answer has its reason."""
        for fields, body, reason in (
            (_OK, message(b"\x08\x01"), None),
            (_OK, message(b"\x08\x02"), "NOT_SERVING"),
            (_OK, message(b""), "UNKNOWN"),
            (_OK, message(b"\x08\x09"), "serving status 9"),
            (_OK, b"", "invalid response"),
            ({**_TYPE, "grpc-status": "12"}, b"", "has no grpc.health.v1"),
            ({**_TYPE, "grpc-status": "14"}, b"", "gRPC status 14"),
            (_TYPE, b"", "gRPC status missing"),
            ({"content-type": "text/html"}, b"", "does not speak gRPC"),
        ):
            self.assertEqual(judged(fields, body), reason)
