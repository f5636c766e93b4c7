"""Timeouts of listeners."""

from __future__ import annotations

from typing import Any

from tests.api.octavia.asking import OctaviaCase


class TimeoutTests(OctaviaCase):
    """In milliseconds here, and named otherwise."""

    def made(self, protocol: str, **given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A listener, and its timeouts in the native API."""
        ident = self.listener(self.balancer(), protocol=protocol, **given)
        shown = self.look(f"listeners/{ident}")["listener"]
        return shown, self.get(f"/v1/listeners/{ident}").document["timeouts"]

    def test_requests(self) -> None:
        """Of listeners that read requests; the wait for a first byte is noted only."""
        shown, native = self.made("HTTP", timeout_member_data=1500, timeout_tcp_inspect=7)
        self.assertEqual(native["member_response"], native["member_body_idle"])
        self.assertEqual(native["client_body_idle"], "50s")
        self.assertEqual((shown["timeout_member_data"], shown["timeout_tcp_inspect"]), (1500, 7))

    def test_bytes(self) -> None:
        """Of those that relay bytes; 0 is no limit."""
        shown, native = self.made("TCP", timeout_member_data=0, timeout_tcp_inspect=100)
        self.assertEqual((native["tunnel"], native["client_header"]), ("none", "100ms"))
        self.assertEqual((shown["timeout_member_data"], shown["timeout_tcp_inspect"]), (0, 100))

    def test_native(self) -> None:
        """What the native API says is shown."""
        ident = self.listener(self.balancer())
        body = {"timeouts": {"member_connect": "1s"}}
        self.assertEqual(self.ask("PATCH", f"/v1/listeners/{ident}", body).status, 200)
        shown = self.look(f"listeners/{ident}")["listener"]
        self.assertEqual(shown["timeout_member_connect"], 1000)
