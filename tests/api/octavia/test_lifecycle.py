"""What the methods mean, for each client."""

from __future__ import annotations

from tests.api.octavia.asking import SUBNET, OctaviaCase


class HistoryTests(OctaviaCase):
    """What is left of a change."""

    def test_origin(self) -> None:
        """The history says by which face."""
        self.balancer()
        [entry] = self.get("/v1/revisions").document["items"]
        self.assertEqual((entry["source"], entry["author"]), ("octavia", "local"))

    def test_nothing_changes(self) -> None:
        """A PUT of what is there is no revision."""
        ident = self.balancer(name="a")
        self.change(f"loadbalancers/{ident}", name="a")
        self.assertEqual(self.stage.control.revision, 1)

    def test_notes_survive(self) -> None:
        """A native change keeps what only this face knows."""
        ident = self.balancer()
        self.ask("PATCH", f"/v1/load_balancers/{ident}", {"description": "native"})
        found = self.look(f"loadbalancers/{ident}")["loadbalancer"]
        self.assertEqual((found["description"], found["vip_subnet_id"]), ("native", SUBNET))
