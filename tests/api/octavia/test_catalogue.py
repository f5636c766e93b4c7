"""Flavors, availability zones and their profiles."""

from __future__ import annotations

from typing import Any

from tests.api.octavia.asking import SUBNET, OctaviaCase


class CatalogueTests(OctaviaCase):
    """Taken, listed, checked; they choose nothing."""

    def new(self, path: str, root: str, **given: Any) -> dict[str, Any]:
        """One of them."""
        found = self.call("POST", path, {root: given})
        self.assertEqual(found.status, 201, found.body)
        made: dict[str, Any] = found.document[root]
        return made

    def test_flavors(self) -> None:
        """A life, and who needs whom."""
        profile = self.new(
            "flavorprofiles", "flavorprofile", name="p", provider_name="fiberlb", flavor_data="{}"
        )
        flavor = self.new("flavors", "flavor", name="f", flavor_profile_id=profile["id"])
        self.assertEqual(self.look("flavors")["flavors"], [flavor])
        self.assertIn("flavorprofile_links", self.look("flavorprofiles"))
        self.fault("DELETE", f"flavorprofiles/{profile['id']}", None, 409, "in use")
        same = {"flavor": {"name": "f", "flavor_profile_id": profile["id"]}}
        self.fault("POST", "flavors", same, 409, "already exists")
        balancer = self.balancer(flavor_id=flavor["id"])
        self.assertEqual(
            self.look(f"loadbalancers/{balancer}")["loadbalancer"]["flavor_id"], flavor["id"]
        )
        self.fault("DELETE", f"flavors/{flavor['id']}", None, 409, "in use")
        changed = self.call("PUT", f"flavors/{flavor['id']}", {"flavor": {"enabled": False}})
        self.assertFalse(changed.document["flavor"]["enabled"])
        given = {"vip_subnet_id": SUBNET, "flavor_id": flavor["id"]}
        self.refused("loadbalancers", 400, "not allowed", **given)
        self.call("DELETE", f"loadbalancers/{balancer}")
        for path in (f"flavors/{flavor['id']}", f"flavorprofiles/{profile['id']}"):
            self.assertEqual(self.call("DELETE", path).status, 204)
            self.assertEqual(self.call("GET", path).status, 404)

    def test_changed(self) -> None:
        """Names stay unique, and what something has is not changed under it."""
        given = {"provider_name": "octavia", "flavor_data": "{}"}
        one, two = (self.new("flavorprofiles", "flavorprofile", name=n, **given) for n in "ab")
        self.new("flavors", "flavor", name="f", flavor_profile_id=one["id"])
        for made, changes, status in (
            (one, {"name": "b"}, 409),
            (two, {"name": "a"}, 409),
            (one, {"name": "a"}, 200),
            (one, {"name": "c"}, 200),
            (two, {"flavor_data": '{"a": 1}'}, 200),
            (one, {"flavor_data": '{"a": 1}'}, 409),
            (one, {"provider_name": "amphora"}, 409),
        ):
            path = f"flavorprofiles/{made['id']}"
            found = self.call("PUT", path, {"flavorprofile": changes})
            self.assertEqual(found.status, status, found.body)

    def test_zones(self) -> None:
        """Those have their names for ids."""
        profile = self.new(
            "availabilityzoneprofiles",
            "availability_zone_profile",
            name="p",
            provider_name="fiberlb",
            availability_zone_data="{}",
        )
        given = {"name": "z", "availability_zone_profile_id": profile["id"]}
        self.new("availabilityzones", "availability_zone", **given)
        found = self.look("availabilityzones/z")["availability_zone"]
        self.assertEqual(found["name"], "z")
        self.balancer(availability_zone="z")
        self.refused(
            "loadbalancers",
            400,
            "Invalid availability_zone",
            vip_subnet_id=SUBNET,
            availability_zone="y",
        )

    def test_refused(self) -> None:
        """What is no JSON, and profiles that are not there."""
        for provider, data, text in (
            ("fiberlb", "[", "JSON"),
            ("fiberlb", "[]", "JSON"),
            ("x", "{}", "Provider 'x' is not enabled."),
        ):
            given = {"name": "p", "provider_name": provider, "flavor_data": data}
            self.fault("POST", "flavorprofiles", {"flavorprofile": given}, 400, text)
        body = {"flavor": {"name": "f", "flavor_profile_id": SUBNET}}
        self.fault("POST", "flavors", body, 400, "Invalid flavor_profile_id.")
