"""What connections need of the process."""

from __future__ import annotations

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
        """Ids are 16 random bytes."""
        made = request_ids(lambda count: bytes(range(count)))
        self.assertEqual(made(), "000102030405060708090a0b0c0d0e0f")
