"""The routes of the collections."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.collection_routes import collections


class CollectionRoutesTests(SynchronousTestCase):
    """What there is for every collection."""

    def test_members(self) -> None:
        """Members have a place of their own and one in their pools, with all methods."""
        found = {(route.method, route.path) for route in collections()}
        for path in ("/v1/members", "/v1/pools/{pool}/members"):
            for method in ("GET", "POST"):
                self.assertIn((method, path), found)
            for method in ("GET", "PUT", "PATCH", "DELETE"):
                self.assertIn((method, f"{path}/{{member}}"), found)
        self.assertIn(("PUT", "/v1/pools/{pool}/members"), found)
        self.assertNotIn(("PUT", "/v1/members"), found)

    def test_names(self) -> None:
        """Operations are called by what they are about."""
        names = {route.operation for route in collections()}
        for name in ("listPools", "createL7Policy", "listL7Policies", "patchMemberInPool"):
            self.assertIn(name, names)
