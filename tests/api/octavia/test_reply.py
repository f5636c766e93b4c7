"""Answers."""

from __future__ import annotations

from tests.api.octavia.asking import OctaviaCase


class ReplyTests(OctaviaCase):
    """Their heads."""

    def test_heads(self) -> None:
        """What every answer has."""
        found = self.call("GET", "pools")
        self.assertEqual(found.headers["content-type"], "application/json")
        self.assertEqual(found.headers["x-content-type-options"], "nosniff")
        other = self.call("GET", "pools")
        self.assertNotEqual(
            found.headers["x-openstack-request-id"], other.headers["x-openstack-request-id"]
        )
