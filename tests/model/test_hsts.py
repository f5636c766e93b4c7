"""Strict Transport Security as it is configured."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import structure
from fiberlb.model.fields import Loading
from fiberlb.model.listener import Listener

SECURE = {"port": 1, "protocol": "https", "tls_config": {"certificate_id": "c"}}


class HstsTests(SynchronousTestCase):
    """What is taken."""

    def told(self, document: dict[str, Any]) -> list[str]:
        """What is wrong with a listener."""
        loading = Loading()
        structure(Listener, document, (), loading)
        return [f"{problem.field}: {problem.message}" for problem in loading.problems]

    def test_taken(self) -> None:
        """The defaults, and what lists ask for."""
        for hsts in ({}, {"max_age": "0s"}, None):
            self.assertEqual(self.told({**SECURE, "hsts": hsts}), [])
        ready = {"max_age": "365d", "include_subdomains": True, "preload": True}
        self.assertEqual(self.told({**SECURE, "hsts": ready}), [])
        for missing in ("max_age", "include_subdomains"):
            less = {key: value for key, value in ready.items() if key != missing}
            (told,) = self.told({**SECURE, "hsts": less})
            self.assertIn("hsts.preload: needs include_subdomains and a max_age", told)

    def test_https_only(self) -> None:
        """Browsers do not mind it over http."""
        for protocol in ("http", "https", "tcp"):
            told = self.told({"port": 1, "protocol": protocol, "hsts": {}})
            self.assertEqual([t.partition(":")[0] for t in told], ["hsts"])
