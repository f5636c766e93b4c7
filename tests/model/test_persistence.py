"""Tests of fiberlb.model.persistence."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import Loading
from fiberlb.model.persistence import SameSite, SessionPersistence, kept_bits
from fiberlb.model.pool import Pool


class PersistenceTests(SynchronousTestCase):
    """C{session_persistence}."""

    def refused(self, **fields: Any) -> list[str]:
        """What is wrong with it."""
        loading = Loading()
        structure(SessionPersistence, fields, (), loading)
        return [f"{problem.pointer} {problem.message}" for problem in loading.problems]

    def test_loaded(self) -> None:
        """All three types, Octavia's word for one of them, and back."""
        loading = Loading()
        made = structure(SessionPersistence, {"type": "HTTP_COOKIE"}, (), loading)
        assert made is not None
        self.assertEqual((made.name, made.secure, made.same_site), ("SERVERID", None, SameSite.LAX))
        self.assertEqual(
            unstructure(made),
            {
                "type": "cookie",
                "cookie_name": None,
                "timeout_seconds": None,
                "granularity": None,
                "same_site": "lax",
                "secure": "auto",
            },
        )
        for fields in (
            {"type": "app_cookie", "cookie_name": "JSESSIONID", "timeout_seconds": 1800},
            {"type": "source_ip", "granularity": "255.255.255.0", "timeout_seconds": "60"},
            {"type": "source_ip", "granularity": 24},
            {"type": "cookie", "same_site": "none", "secure": True},
        ):
            self.assertEqual(self.refused(**fields), [], fields)

    def test_refused(self) -> None:
        """What has no meaning for the type is not taken, with the field."""
        for fields, problem in (
            ({"type": "nope"}, "/type"),
            ({"type": "app_cookie"}, "/cookie_name is needed"),
            ({"type": "source_ip", "cookie_name": "a"}, "/cookie_name"),
            ({"type": "cookie", "cookie_name": "a b"}, "/cookie_name"),
            ({"type": "cookie", "granularity": "24"}, "/granularity"),
            ({"type": "source_ip", "granularity": "255.0.255.0"}, "/granularity"),
            ({"type": "source_ip", "granularity": 0}, "/granularity"),
            ({"type": "cookie", "timeout_seconds": 0}, "/timeout_seconds"),
            ({"type": "source_ip", "secure": True}, "/secure"),
            ({"type": "app_cookie", "cookie_name": "a", "same_site": "strict"}, "/same_site"),
            ({"type": "cookie", "same_site": "none", "secure": False}, "/same_site"),
            ({"type": "cookie", "secure": "maybe"}, "/secure"),
        ):
            (found,) = self.refused(**fields)
            self.assertTrue(found.startswith(problem), (fields, found))

    def test_granularity(self) -> None:
        """Netmasks of both families, and bits."""
        self.assertEqual(kept_bits("255.255.255.0"), (24, 128))
        self.assertEqual(kept_bits("ffff:ffff:ffff::"), (32, 48))
        self.assertEqual(kept_bits("16"), (16, 128))
        self.assertEqual(kept_bits("64"), (32, 64))
        for wrong in ("", "129", "0.0.0.0", "255.255.0.255", "x"):
            self.assertIsNone(kept_bits(wrong), wrong)

    def test_tcp(self) -> None:
        """A tcp pool sees no cookies."""
        for kind, count in (("cookie", 1), ("source_ip", 0)):
            loading = Loading()
            document = {"name": "p", "protocol": "tcp", "session_persistence": {"type": kind}}
            structure(Pool, document, (), loading)
            self.assertEqual(len(loading.problems), count, kind)
