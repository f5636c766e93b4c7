"""What is taken of what clients send."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.octavia.attributes import (
    Attribute,
    Load,
    address,
    address_as_sent,
    created,
    flag,
    network,
    number,
    several,
    text,
    up,
    updated,
    url,
    uuid,
    word_of,
)
from fiberlb.api.octavia.faults import Fault


class ValueTests(SynchronousTestCase):
    """Kinds of values."""

    def refused(self, load: Load, *values: Any) -> None:
        """None of these is taken."""
        for value in values:
            with self.assertRaises(Fault) as caught:
                load("x", value)
            self.assertEqual(caught.exception.status, 400)

    def test_numbers(self) -> None:
        """Numbers may be texts; nothing is rounded."""
        load = number(-1, 100)
        for value, found in (("80", 80), (80, 80), (80.0, 80), ("-1", -1)):
            self.assertEqual(load("x", value), found)
        self.refused(load, 81.5, "abc", True, None, [], 101, "-2", "1" * 30)

    def test_flags(self) -> None:
        """Booleans may be words."""
        self.assertEqual([flag("x", v) for v in (True, "True", "on", "1")], [True] * 4)
        self.assertEqual([flag("x", v) for v in (False, "false", "OFF", 0)], [False] * 4)
        self.refused(flag, "maybe", 2, None, [True])

    def test_texts(self) -> None:
        """Texts have no control characters, and an end."""
        self.assertEqual(text(3)("x", "abc"), "abc")
        self.refused(text(3), "abcd", 3, "a\n", None)
        self.refused(text(9, "[a-c]+"), "d")

    def test_addresses(self) -> None:
        """Addresses are written the usual way, or as they came; networks lose their host bits."""
        self.assertEqual(address("x", "2001:DB8:0::1"), "2001:db8::1")
        self.assertEqual(address_as_sent("x", "2001:DB8:0::1"), "2001:DB8:0::1")
        self.assertEqual(network("x", "10.0.0.1/8"), "10.0.0.0/8")
        self.refused(address, "10.0.0.256", "", 7)
        self.refused(network, "10.0.0.0/33", None)

    def test_urls(self) -> None:
        """URLs are absolute, and their ports exist."""
        for good in ("http://x", "https://x.example:8443/a?b", "http://[::1]/"):
            self.assertEqual(url("x", good), good)
        self.refused(url, "x", "/a", "http://x:99999/", "ftp://x", "http://x/ y", "http:///a")

    def test_words_and_ids(self) -> None:
        """Words are in their own case; ids may come without hyphens."""
        self.assertEqual(word_of("A", "B")("x", "B"), "B")
        self.refused(word_of("A"), "a", None)
        self.assertEqual(uuid("x", "1" * 32), "1" * 32)
        self.refused(uuid, "1" * 31, 5)
        self.assertEqual(several(number(0, 9))("x", ["1", 2]), [1, 2])
        self.refused(several(flag), "true", [None])


class BodyTests(SynchronousTestCase):
    """Whole bodies."""

    KNOWN: ClassVar[dict[str, Attribute]] = {
        "a": Attribute(number(0, 9), 7, required=True),
        "b": Attribute(text(), "z", put=False),
        "c": Attribute(text(), nullable=False),
    }

    def test_created(self) -> None:
        """Absent attributes have their defaults; required ones are needed."""
        self.assertEqual(created("x", {"a": 1}, self.KNOWN), {"a": 1, "b": "z", "c": None})
        body: Any
        for body in ({}, {"a": None}, {"a": 1, "d": 1}, {"a": 1, "c": None}, [], None):
            self.assertRaises(Fault, created, "x", body, self.KNOWN)

    def test_updated(self) -> None:
        """Only what was sent; null stands for the default; what is fixed is unknown."""
        self.assertEqual(updated("x", {"a": None}, self.KNOWN), {"a": 7})
        self.assertEqual(updated("x", {}, self.KNOWN), {})
        self.assertRaises(Fault, updated, "x", {"b": "y"}, self.KNOWN)

    def test_up(self) -> None:
        """The state of an object that is null is false, as Octavia has it."""
        self.assertFalse(up({"admin_state_up": True}, {"admin_state_up": None}))
        self.assertTrue(up({"admin_state_up": True}, {}))
