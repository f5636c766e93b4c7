"""What connections need of the process."""

from __future__ import annotations

import uuid

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.accept import bind
from fiberlb.relay.connecting import dial
from fiberlb.relay.services import Services, request_ids
from tests.support.relay_loop import MemoryLoop


class ServicesTests(SynchronousTestCase):
    """The record of it."""

    def test_defaults(self) -> None:
        """Unless told otherwise, sockets are the system's."""
        loop = MemoryLoop(1000.0)
        services = Services(loop, lambda when: when + 5, lambda: "id")
        self.assertIs(services.loop, loop)
        self.assertEqual((services.wall(1.0), services.make_request_id()), (6.0, "id"))
        self.assertIs(services.dial, dial)
        self.assertIs(services.bind, bind)

    def test_request_ids(self) -> None:
        """Ids are UUIDs of version 7: milliseconds, then chance."""
        for random_bytes in (lambda n: bytes(n), lambda n: b"\xff" * n, lambda n: bytes(range(n))):
            made = uuid.UUID(request_ids(lambda: 1700000000.5, random_bytes)())
            self.assertEqual((made.version, made.variant), (7, uuid.RFC_4122))
            self.assertEqual(made.int >> 80, 1700000000500)
        last = request_ids(lambda: 0.0, lambda n: b"\xff" * n)()
        self.assertEqual(last, "00000000-0000-7fff-bfff-ffffffffffff")
