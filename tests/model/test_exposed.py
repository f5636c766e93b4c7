"""Tests of L{fiberlb.model.exposed}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.validate import with_default
from fiberlb.model.configuration import resolve
from fiberlb.model.exposed import exposed
from tests.control.loading import load


class ExposedTests(SynchronousTestCase):
    """Who may see the figures has to be said, unless it is this machine alone."""

    def told(self, fields: str, protocol: str = "prometheus") -> list[str]:
        """What is wrong with a listener."""
        listener = f"{{name: f, protocol: {protocol}, {fields}}}"
        layer = load(self, f"version: 1\nlisteners: [{listener}]\n")
        configuration, _ = resolve(with_default(layer.configuration))
        return [f"{problem.path[-1]}: {problem.message}" for problem in exposed(configuration)]

    def test_local(self) -> None:
        """Addresses of loopback, and Unix sockets."""
        for fields in (
            "address: 127.0.0.1, port: 9",
            "address: [127.3.0.1, '::1'], port: 9",
            "address: 'unix:/run/figures'",
        ):
            self.assertEqual(self.told(fields), [])

    def test_reached(self) -> None:
        """Every other one, those of the load balancer among them; one complaint for each."""
        for fields, address in (
            ("port: 9", "::"),
            ("address: [127.0.0.1, 10.0.0.1, 10.0.0.2], port: 9", "10.0.0.1"),
            ("address: 'fd:7'", "fd:7"),
        ):
            (told,) = self.told(fields)
            self.assertIn(f"allowed_cidrs: is needed: {address} is no loopback address", told)
            self.assertEqual(self.told(f"{fields}, allowed_cidrs: [10.0.0.0/8]"), [])

    def test_others(self) -> None:
        """Other listeners are for everybody."""
        self.assertEqual(self.told("port: 9", "http"), [])
