"""One line of the table of routes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.reply import Reply
from fiberlb.api.rest.route import Role, Route


class RouteTests(SynchronousTestCase):
    """What follows from a line."""

    def test_words(self) -> None:
        """The words of its path, in their order; whether it writes."""
        route = Route(
            method="PUT",
            path="/v1/pools/{pool}/members/{member}",
            operation="x",
            role=Role.WRITE,
            summary="",
            call=lambda served, request, words: Reply(),
        )
        self.assertEqual(route.words, ["pool", "member"])
        self.assertTrue(route.writes)
