"""Opening connections to members."""

from __future__ import annotations

import errno
import resource
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.pool import Member
from fiberlb.relay.connecting import dial, opening, reason_of
from fiberlb.relay.member_state import MemberState
from tests.relay.test_connection import Listener
from tests.support.relay_loop import MemoryLoop


class DialTests(SynchronousTestCase):
    """Attempts that fail before they begin."""

    def dialled(self, address: str) -> tuple[Any, list[str]]:
        """An attempt; what came of it, and what its side heard, nothing of it too early."""
        loop, side = MemoryLoop(1000.0), Listener()
        member = Member(id="m", name="m", pool_id="p", address=address, port=80)
        found = dial(loop, MemberState(member, True), side, 5.0)
        self.assertEqual(side.heard, [])
        loop.run()
        return found, side.heard

    def test_no_interface(self) -> None:
        """An address on an interface that is not there."""
        found, heard = self.dialled("fe80::1%nowhere9")
        self.assertIsNone(found)
        self.assertEqual(len(heard), 1)
        self.assertTrue(heard[0].startswith("refused "))

    def test_no_descriptors(self) -> None:
        """No descriptors are left."""
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            found, heard = self.dialled("127.0.0.1")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        self.assertEqual((found, heard), (None, [f"refused {errno.EMFILE}"]))


class OpeningTests(SynchronousTestCase):
    """Attempts that have begun."""

    def test_opening(self) -> None:
        """It waits for the socket, for as long as it may."""
        loop, side = MemoryLoop(1000.0), Listener()
        link = loop.link()
        link.established = False
        conn = opening(loop, link.near, side, 5.0)
        self.assertTrue(conn.connecting and conn.dialled)
        self.assertEqual(conn.deadline, 1005.0)
        self.assertEqual(list(loop.wheel), [conn])
        link.answer()
        self.assertEqual(side.heard, ["connected"])


class ReasonTests(SynchronousTestCase):
    """Errors by their reason codes."""

    def test_reasons(self) -> None:
        """What is ours, what took too long, and the member's own refusals."""
        for number, reason in {
            errno.EMFILE: "overloaded",
            errno.ENOBUFS: "overloaded",
            errno.EADDRNOTAVAIL: "overloaded",
            errno.ETIMEDOUT: "connect_timeout",
            errno.ECONNREFUSED: "connect_refused",
            errno.EHOSTUNREACH: "connect_refused",
            errno.ENETUNREACH: "connect_refused",
            errno.ECONNRESET: "connect_refused",
            0: "connect_refused",
        }.items():
            self.assertEqual(reason_of(number), reason)
