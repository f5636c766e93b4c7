"""What members are chosen by."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.hash_on import HashOn
from fiberlb.relay import keys


class Asked:
    """An exchange, as far as keys look at it."""

    client = "192.0.2.7"
    peer_port = 40000
    target = b"/a/b?x=1&id=7&id=8&idle=2"

    def block(self) -> bytes:
        """Field lines as exchanges keep them."""
        return b"\r\nHost: a\r\nX-User:  eve \r\ncookie: a=1; sid=s1\r\nCookie: sid=s2; b=\r\n"


def key(kind: str | None, what: HashOn | None = None) -> Any:
    """The key of a pool that has one."""
    found = keys.for_pool(kind, what)
    return None if found is None else found(Asked())


class KeyTests(SynchronousTestCase):
    """One exchange, and each kind of key."""

    def test_addresses(self) -> None:
        """The client's, with its port or without."""
        self.assertIsNone(key(None))
        self.assertEqual(key("address"), b"192.0.2.7")
        self.assertEqual(key("address_port"), b"192.0.2.7 40000")

    def test_requests(self) -> None:
        """The first of that name, values as sent; nothing where there is none."""
        self.assertEqual(key("hash_on", HashOn("path")), b"/a/b")
        self.assertEqual(key("hash_on", HashOn("query", "id")), b"7")
        self.assertIsNone(key("hash_on", HashOn("query", "i")))
        self.assertEqual(key("hash_on", HashOn("header", "x-USER")), b"eve")
        self.assertIsNone(key("hash_on", HashOn("header", "User")))
        self.assertEqual(key("hash_on", HashOn("cookie", "sid")), b"s1")
        self.assertEqual(key("hash_on", HashOn("cookie", "b")), b"")
        self.assertIsNone(key("hash_on", HashOn("cookie", "id")))
