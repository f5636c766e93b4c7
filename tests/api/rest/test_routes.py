"""The table of routes as a whole."""

from __future__ import annotations

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.bodies import LARGEST
from fiberlb.api.rest.route import Role
from fiberlb.api.rest.routes import ROUTES, largest_body

#: Operations that only ask, with a body.
ASKING = ("explainRequest",)


class RoutesTests(SynchronousTestCase):
    """The table does not contradict itself."""

    def test_unique(self) -> None:
        """No operation and no method at an address stands twice."""
        for several in (
            Counter(route.operation for route in ROUTES),
            Counter((route.method, route.path) for route in ROUTES),
        ):
            self.assertEqual([one for one, count in several.items() if count > 1], [])

    def test_words(self) -> None:
        """No word in a path is called as what Klein gives its endpoints."""
        words = {word for route in ROUTES for word in route.words}
        self.assertEqual(words & {"self", "request", "route"}, set())

    def test_roles(self) -> None:
        """Nothing that changes anything is for readers; what is open are the probes."""
        for route in ROUTES:
            if route.writes and route.operation not in ASKING:
                self.assertNotIn(route.role, (Role.OPEN, Role.READ), route.path)
        opened = {route.path for route in ROUTES if route.role is Role.OPEN}
        self.assertEqual(opened, {"/healthz", "/readyz"})

    def test_largest(self) -> None:
        """What is not in the table gets as much as most."""
        self.assertEqual(largest_body(b"PUT", b"/v1/pools/x"), LARGEST)
