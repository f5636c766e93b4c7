"""Tests of L{fiberlb.names.servers}."""

from __future__ import annotations

import os
from pathlib import Path

from fiberlb.model.resolver import ResolverSettings
from fiberlb.names.found import Family, NoAnswer
from fiberlb.names.servers import Servers
from tests.names.reactors import ReactorCase
from tests.support.ports import free_port


class ServersTests(ReactorCase):
    """Several servers, in their order."""

    def setUp(self) -> None:
        """The servers of this machine are in a file."""
        super().setUp()
        self.system = Path(self.mktemp())
        self.servers = Servers(self.reactor, os.urandom, str(self.system))

    def test_next(self) -> None:
        """One that is not there is passed over; that there is no such name is an answer."""
        self.zone = {"web.test": {"A": ["10.0.0.1"]}}
        authority = self.serve()
        here, dead = f"127.0.0.1:{self.port}", f"127.0.0.1:{free_port()}"
        settings = ResolverSettings(servers=(dead, here))

        async def body() -> None:
            found = await self.servers.ask(settings, "web.test", Family.IPV4)
            self.assertEqual(found.addresses, ("10.0.0.1",))
            both = ResolverSettings(servers=(here, here))
            found = await self.servers.ask(both, "no.test", Family.IPV4)
            self.assertEqual((found.exists, len(authority.asked)), (False, 2))

        self.run_with(body)

    def test_none(self) -> None:
        """Why each of them did not answer."""
        one, two = free_port(), free_port()
        settings = ResolverSettings(servers=(f"127.0.0.1:{one}", f"[::1]:{two}"))

        async def body() -> None:
            try:
                await self.servers.ask(settings, "web.test", Family.IPV4)
            except NoAnswer as why:
                refused = "connection refused"
                wanted = f"127.0.0.1 port {one}: {refused}; ::1 port {two}: {refused}"
                self.assertEqual(why.reason, wanted)
            else:
                self.fail("there was an answer")

        self.run_with(body)

    def test_system(self) -> None:
        """The file of the machine, as it is now."""
        self.system.write_text("nameserver 10.0.0.53\n")
        settings = ResolverSettings()
        self.assertEqual(self.servers.of(settings), (("10.0.0.53", 53),))
        self.system.write_text("nameserver 10.0.0.54\nnameserver ::1\n")
        self.assertEqual(self.servers.of(settings), (("10.0.0.54", 53), ("::1", 53)))
        own = ResolverSettings(servers=("[::1]:5353",))
        self.assertEqual(self.servers.of(own), (("::1", 5353),))
