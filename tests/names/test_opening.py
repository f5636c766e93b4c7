"""Tests of L{fiberlb.names.opening}."""

from __future__ import annotations

import os

from fiberlb.model.resolver import ResolverSettings
from fiberlb.names.opening import open_names
from tests.names.reactors import ReactorCase


class OpeningTests(ReactorCase):
    """All of it together."""

    def test_whole(self) -> None:
        """A name is asked of a real server, and its addresses are told."""
        self.zone = {"web.test": {"A": ["10.0.0.2", "10.0.0.1"], "AAAA": ["::2"]}}
        self.serve()
        settings = ResolverSettings(servers=(f"127.0.0.1:{self.port}",))

        directory = self.mktemp()
        os.mkdir(directory)

        async def body() -> None:
            names = open_names(self.reactor, lambda: 7.0, os.urandom, settings, directory)
            names.want({"web.test", "localhost"})
            await names.first({"web.test"}, 30.0)
            names.stop()
            self.assertEqual(names.answers()["dns:web.test"], ("10.0.0.1", "10.0.0.2", "::2"))
            self.assertIn("127.0.0.1", names.answers()["dns:localhost"])
            later = open_names(self.reactor, lambda: 8.0, os.urandom, settings, directory)
            later.want({"web.test"})
            later.stop()
            self.assertEqual(later.state("web.test"), names.state("web.test"))

        self.run_with(body)
