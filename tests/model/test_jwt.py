"""Tokens as they are configured."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.treated import loaded, refused

GOOD: dict[str, Any] = {"jwks_url": "https://id.example/jwks", "issuer": "https://id.example"}


class JwtTests(SynchronousTestCase):
    """What is taken, and what is not."""

    def test_taken(self) -> None:
        """With and without an audience, and nothing."""
        for more in ({}, {"audience": "a"}, {"audience": ["a", "b"]}):
            self.assertFalse(loaded(jwt={**GOOD, **more})["jwt"].nothing)
        self.assertTrue(loaded(jwt={})["jwt"].nothing)

    def test_refused(self) -> None:
        """Half of it, and fields that frame a message or are set twice."""
        wrong: tuple[tuple[Any, str], ...] = (
            ({"jwks_url": GOOD["jwks_url"]}, "jwt.issuer"),
            ({"issuer": "x"}, "jwt.jwks_url"),
            ({**GOOD, "jwks_url": "file:keys.json"}, "jwt.jwks_url"),
            ({**GOOD, "algorithms": ["none"]}, "jwt.algorithms"),
            ({**GOOD, "claims_to_headers": {"sub": "Host"}}, "jwt.claims_to_headers.sub"),
            ({**GOOD, "claims_to_headers": {"sub": "a\r\nb"}}, "jwt.claims_to_headers.sub"),
            (
                {**GOOD, "claims_to_headers": {"email": "X-User", "sub": "x_user"}},
                "jwt.claims_to_headers.sub",
            ),
        )
        for value, field in wrong:
            problems = refused("jwt", value)
            self.assertEqual([problem.field for problem in problems], [field], value)
