"""CORS as it is configured."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.treated import loaded, refused


class CorsTests(SynchronousTestCase):
    """What is taken, and what is not."""

    def test_taken(self) -> None:
        """One origin, several, names below, all; and nothing at all."""
        for origins in (
            "https://a.example",
            ["https://a.example", "http://b.example:8080"],
            ["https://*.a.example"],
            "http://[::1]:3000",
            "*",
        ):
            self.assertFalse(loaded(cors={"origins": origins})["cors"].nothing)
        self.assertTrue(loaded(cors={})["cors"].nothing)

    def test_refused(self) -> None:
        """What no browser sends as an origin, nobody, and everybody with credentials."""
        known = {"origins": "https://a.example"}
        wrong: tuple[tuple[Any, str], ...] = (
            ({"origins": "https://a.example/"}, "cors.origins"),
            ({"origins": "a.example"}, "cors.origins"),
            ({"origins": "https://A.example"}, "cors.origins"),
            ({"origins": "https://a.*.example"}, "cors.origins"),
            ({"origins": "null"}, "cors.origins"),
            ({"origins": "https://a\r\nX: y"}, "cors.origins"),
            ({"methods": ["GET"]}, "cors.origins"),
            ({"origins": "*", "credentials": True}, "cors.origins"),
            ({**known, "headers": "*", "credentials": True}, "cors.headers"),
            ({**known, "methods": "*", "credentials": True}, "cors.methods"),
            ({**known, "methods": "GET, POST"}, "cors.methods"),
            ({**known, "headers": "a\r\nb"}, "cors.headers"),
            ({**known, "max_age": "long"}, "cors.max_age"),
        )
        for value, field in wrong:
            problems = refused("cors", value)
            self.assertEqual([problem.field for problem in problems], [field], value)
