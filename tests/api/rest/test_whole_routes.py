"""The routes of the configuration as a whole."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.bodies import LARGEST_WHOLE
from fiberlb.api.rest.route import Role
from fiberlb.api.rest.routes import largest_body
from fiberlb.api.rest.whole_routes import WHOLE


class RouteTests(SynchronousTestCase):
    """Their lines."""

    def test_roles(self) -> None:
        """Who reads changes nothing, and who changes may."""
        for route in WHOLE:
            self.assertIs(route.role, Role.READ if route.method == "GET" else Role.WRITE)

    def test_large(self) -> None:
        """Whole configurations and transactions may be large."""
        for method, path in ((b"PUT", b"/v1/config"), (b"POST", b"/v1/transactions")):
            self.assertEqual(largest_body(method, path), LARGEST_WHOLE)
