"""Session persistence of pools."""

from __future__ import annotations

from tests.api.octavia.asking import OctaviaCase


class PersistenceTests(OctaviaCase):
    """What keeps clients at their members."""

    def setUp(self) -> None:
        """A load balancer."""
        super().setUp()
        self.lb = self.balancer()

    def test_types(self) -> None:
        """Each of them, with all keys in the answer; null takes it away."""
        for asked, name in (
            ({"type": "HTTP_COOKIE"}, "SRV"),
            ({"type": "APP_COOKIE", "cookie_name": "sid"}, "sid"),
            ({"type": "SOURCE_IP"}, None),
        ):
            ident = self.pool(loadbalancer_id=self.lb, session_persistence=asked)
            found = self.look(f"pools/{ident}")["pool"]["session_persistence"]
            self.assertEqual({**dict.fromkeys(found), **asked}, found)
            native = self.get(f"/v1/pools/{ident}").document["session_persistence"]
            self.assertEqual(native["cookie_name"], name)
            cleared = self.change(f"pools/{ident}", session_persistence=None)
            self.assertIsNone(cleared["session_persistence"])

    def test_kept_type(self) -> None:
        """A PUT without a type keeps the one that is there."""
        ident = self.pool(
            loadbalancer_id=self.lb,
            session_persistence={"type": "APP_COOKIE", "cookie_name": "a"},
        )
        changed = self.change(f"pools/{ident}", session_persistence={"cookie_name": "b"})
        self.assertEqual(changed["session_persistence"]["type"], "APP_COOKIE")

    def test_udp(self) -> None:
        """Of UDP pools only by address, with a time and a mask."""
        asked = {"type": "SOURCE_IP", "persistence_timeout": 60}
        ident = self.pool(protocol="UDP", loadbalancer_id=self.lb, session_persistence=asked)
        found = self.look(f"pools/{ident}")["pool"]["session_persistence"]
        self.assertEqual(found["persistence_timeout"], 60)

    def test_refused(self) -> None:
        """What does not go together."""
        for protocol, asked in (
            ("HTTP", {"cookie_name": "x"}),
            ("HTTP", {"type": "APP_COOKIE"}),
            ("HTTP", {"type": "APP_COOKIE", "cookie_name": "a b"}),
            ("HTTP", {"type": "HTTP_COOKIE", "cookie_name": "x"}),
            ("HTTP", {"type": "SOURCE_IP", "persistence_timeout": 5}),
            ("UDP", {"type": "HTTP_COOKIE"}),
        ):
            self.refused(
                "pools",
                400,
                "Validation failure",
                protocol=protocol,
                lb_algorithm="ROUND_ROBIN",
                loadbalancer_id=self.lb,
                session_persistence=asked,
            )
