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


class ListTests(OctaviaCase):
    """What lists can be asked."""

    def test_empty(self) -> None:
        """An empty one can be sorted by what any object would have."""
        for key in ("created_at", "operating_status", "id"):
            self.assertEqual(self.look(f"pools?sort={key}:desc")["pools"], [])

    def test_parent(self) -> None:
        """The parent may be said again, as openstacksdk does; another one is not taken."""
        front = self.listener(self.balancer())
        policy = self.make("l7policies", listener_id=front, action="REJECT")["id"]
        path = f"l7policies/{policy}/rules"
        self.make(path, type="PATH", compare_type="EQUAL_TO", value="/")
        self.assertEqual(len(self.look(f"{path}?l7policy_id={policy}")["rules"]), 1)
        self.fault("GET", f"{path}?l7policy_id={SUBNET}", None, 400, "duplicate or invalid")
