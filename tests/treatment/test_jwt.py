"""C{jwt}, from what is configured to bytes on the wire."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.treatment.jwt import said
from tests.support.relay_world import RelayTestCase, answer, ask
from tests.support.treated import loaded

JWT = {
    "jwks_url": "https://id.example/jwks",
    "issuer": "i",
    "claims_to_headers": {"sub": "X-User", "groups": "X-Groups"},
}


class _Tokens:
    """Knows one token."""

    def __init__(self, claims: Any) -> None:
        self.claims = claims

    def judged(self, wanted: Any, token: str, judge: Any) -> Any:
        """What is wrong, or the claims."""
        return judge(self.claims if token == "a.b.c" else "it has expired")


class WireTests(RelayTestCase):
    """What clients and members see."""

    def guarded(self, claims: Any) -> Any:
        """A world whose one token says this."""
        guards = SimpleNamespace(tokens=_Tokens(claims))
        return self.world(listener=loaded(jwt=JWT), guards=guards)

    def test_claims(self) -> None:
        """The member gets the token's, never the client's own."""
        for claims, wanted in (
            ({"sub": "alice", "groups": ["a", "b"]}, b"X-Groups: a,b\r\nX-User: alice\r\n"),
            ({"sub": "a\r\nX-Admin: 1", "groups": ["a,b"]}, b""),
            ({"groups": {"a": 1}, "sub": 7}, b"X-User: 7\r\n"),
            ({}, b""),
        ):
            world = self.guarded(claims)
            forged = (b"X-User: root", b"x_groups: wheel", b"Authorization: bearer  a.b.c")
            client = world.client(ask(*forged))
            seen = world.members[0].link.news()
            self.assertTrue(seen.endswith(b"Via: 1.1 fiberlb\r\n" + wanted + b"\r\n"), seen)
            for gone in (b"root", b"wheel", b"X-Admin: 1\r\n"):
                self.assertNotIn(gone, seen)
            world.members[0].link.send(answer())
            self.assertEqual(client.news(), answer())
            subject = claims.get("sub", "")
            self.assertEqual(world.entries[-1].user, str(subject).encode())

    def test_refused(self) -> None:
        """None, a bad one, and what is none."""
        world = self.guarded({})
        plain = b"\r\nWWW-Authenticate: Bearer\r\n"
        bad = b'\r\nWWW-Authenticate: Bearer error="invalid_token", error_description="'
        for lines, wanted in (
            ((), plain),
            ((b"Authorization: Bearer a.b.c", b"Authorization: Bearer a.b.c"), plain),
            ((b"Authorization: Bearer x.y.z",), bad + b'it has expired"\r\n'),
            ((b"Authorization: Bearer a.b",), bad),
            ((b"Authorization: Basic a.b.c",), bad),
            ((b"Authorization: Bearer a.b.c x",), bad),
            ((b"Authorization: Bearer a." + b"b" * 20000 + b".c",), b" 431 "),
        ):
            client = world.client(ask(*lines))
            self.assertIn(wanted, client.news(), lines)
        self.assertEqual(world.members[0].links, [])
        self.assertEqual(set(world.reasons), {"auth_failed", "head_too_large"})


class SaidTests(SynchronousTestCase):
    """Claims as values."""

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
    def test_any(self, value: Any) -> None:
        """Anything can be asked for."""
        self.assertIsInstance(said(value), bytes)
