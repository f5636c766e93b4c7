"""A change in the making."""

from __future__ import annotations

from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.view import View
from tests.api.octavia.asking import OctaviaCase


class EditTests(OctaviaCase):
    """Operations and notes."""

    def test_notes(self) -> None:
        """Each adds to those before; nothing to say is no operation."""
        lb = self.balancer()
        edit = Edit(View(self.stage.control), "p", lambda: "i")
        edit.patch("load_balancers", lb, {})
        self.assertEqual(edit.operations, [])
        edit.patch("load_balancers", lb, {}, {"provider": None, "x": 1})
        notes = edit.operations[0].notes
        assert notes is not None
        self.assertEqual((notes["octavia"]["x"], "provider" in notes["octavia"]), (1, False))
        self.assertIn("vip_subnet_id", edit.notes(lb))
        self.assertEqual(edit.create("pools", {"name": "n"}), "i")
