"""Tests of L{fiberlb.names.files}."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.names.files import Hosts, Watched, hosts, servers


class TextTests(SynchronousTestCase):
    """What the files say."""

    def test_hosts(self) -> None:
        """Names of all lines, in lower case; what is not understood is passed over."""
        text = """
        # comment
        10.0.0.2\tWeb.test web  # www
        10.0.0.1 web.test.
        ::1 localhost ip6
        fe80::1%eth0 link
        rubbish here
        10.0.0.9
        """
        self.assertEqual(
            hosts(text),
            {
                "web.test": ("10.0.0.1", "10.0.0.2"),
                "web": ("10.0.0.2",),
                "localhost": ("::1",),
                "ip6": ("::1",),
                "link": (),
            },
        )

    def test_servers(self) -> None:
        """The first three of both families; this machine if there are none."""
        text = "search x\nnameserver 10.0.0.1\n nameserver ::1 \nnameserver bad\nnameserver\n"
        self.assertEqual(servers(text), (("10.0.0.1", 53), ("::1", 53)))
        self.assertEqual(servers("#nameserver 1.1.1.1"), (("127.0.0.1", 53),))
        self.assertEqual(len(servers("nameserver 10.0.0.1\n" * 5)), 3)


class WatchedTests(SynchronousTestCase):
    """Files that change."""

    def setUp(self) -> None:
        """A file that is not there yet."""
        self.path = Path(self.mktemp())

    def write(self, text: str) -> None:
        """Another content, by another file in its place."""
        fresh = Path(self.mktemp())
        fresh.write_text(text)
        os.replace(fresh, self.path)

    def test_changes(self) -> None:
        """Each is seen once; a file that goes is an empty one."""
        watched = Watched(str(self.path), str.split)
        self.assertEqual((watched.said(), watched.refresh()), ([], False))
        self.write("a b")
        self.assertTrue(watched.refresh())
        self.assertFalse(watched.refresh())
        self.assertEqual(watched.said(), ["a", "b"])
        self.write("a  b")
        self.assertFalse(watched.refresh(), "it says the same")
        self.write("c")
        self.assertEqual(watched.said(), ["c"])
        self.path.unlink()
        self.assertTrue(watched.refresh())
        self.assertEqual(watched.said(), [])

    def test_lookup(self) -> None:
        """The file first; the machine itself needs no file."""
        known = Hosts(str(self.path))
        self.assertEqual(known.lookup("localhost"), ("127.0.0.1", "::1"))
        self.assertEqual(known.lookup("a.localhost"), ("127.0.0.1", "::1"))
        self.assertEqual(known.lookup("web.test"), ())
        self.write("10.0.0.1 web.test\n::1 localhost\n")
        self.assertTrue(known.refresh())
        self.assertEqual(known.lookup("web.test"), ("10.0.0.1",))
        self.assertEqual(known.lookup("localhost"), ("::1",))

    def test_unreadable(self) -> None:
        """A directory in its place says nothing."""
        self.path.mkdir()
        self.assertEqual(Hosts(str(self.path)).lookup("web.test"), ())
