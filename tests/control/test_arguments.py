"""The layer of C{--from} and C{--to}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.arguments import ADMIN_PORTS, from_arguments
from fiberlb.control.document import FileLayer
from fiberlb.control.validate import validated
from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.bounds import Limits
from fiberlb.model.health_monitor import MonitorType
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member, Pool


def listener(layer: FileLayer) -> Listener:
    """The one listener."""
    (made,) = layer.configuration.all(Listener).values()
    return made


FORMS = "must be :PORT, HOST:PORT, [IPV6]:PORT, unix:/PATH or fd:NAME"


class LayerTests(SynchronousTestCase):
    """Arguments that are in order."""

    def test_objects(self) -> None:
        """One http listener, one pool of the members, checked by tcp."""
        layer = from_arguments(":8080", ["127.0.0.1:9000", "[::1]:9001 weight=3 backup"], "now")
        (pool,) = layer.configuration.all(Pool).values()
        assert pool.health_monitor is not None
        self.assertIs(pool.health_monitor.type, MonitorType.TCP)
        members = layer.configuration.children(Member, pool.id)
        self.assertEqual(
            [(m.address, m.port, m.weight, m.backup) for m in members],
            [("127.0.0.1", 9000, 1, False), ("::1", 9001, 3, True)],
        )
        made = listener(layer)
        self.assertEqual((made.port, made.address, made.default_pool_id), (8080, (), pool.name))
        self.assertEqual({meta.created_at for meta in layer.configuration.meta.values()}, {"now"})

    def test_nothing_on_disk(self) -> None:
        """The store is in memory and the admin API takes the first free port."""
        layer = from_arguments(":8080", ["127.0.0.1:9000"])
        self.assertEqual(layer.settings.store, "memory:")
        self.assertTrue(layer.ephemeral)
        self.assertEqual(layer.admin_ports, ADMIN_PORTS)
        self.assertEqual(layer.files, ())

    def test_addresses(self) -> None:
        """Where to listen can be said in four ways."""
        for text, address, port in (
            (":80", (), 80),
            ("80", (), 80),
            ("127.0.0.1:80", ("127.0.0.1",), 80),
            ("[::1]:80", ("::1",), 80),
        ):
            made = listener(from_arguments(text, ["127.0.0.1:9000"]))
            self.assertEqual((made.address, made.port), (address, port))

    def test_valid(self) -> None:
        """What comes out compiles."""
        layer = from_arguments(":8080", ["127.0.0.1:9000"])
        snapshot = validated(
            layer.configuration, limits=Limits(), clock=lambda: 0.0, report=lambda *_: None
        )
        (plan,) = snapshot.listeners.values()
        self.assertEqual(plan.addresses, (("::", 8080),))

    def test_stable(self) -> None:
        """The ids are the same at every start, and there is no place in a file."""
        first, second = (from_arguments(":8080", ["127.0.0.1:9000"]) for _ in range(2))
        self.assertEqual(first.configuration, second.configuration)
        path = ("listeners", listener(first).id, "port")
        self.assertIsNone(first.position(path))
        (problem,) = first.located([Problem(path, "in use")])
        self.assertEqual(str(problem), "--from.port: in use")


class RefusalTests(SynchronousTestCase):
    """Arguments that are not."""

    def refusals(self, from_: str, *to: str) -> list[str]:
        """Why they are refused."""
        with self.assertRaises(ConfigurationError) as caught:
            from_arguments(from_, to)
        return [str(problem) for problem in caught.exception.problems]

    def test_from(self) -> None:
        """The address is told as it was given."""
        for text, wanted in (
            ("x", f"--from x: {FORMS}"),
            ("", f"--from : {FORMS}"),
            ("::1:80", f"--from ::1:80: {FORMS}"),
            (":0", "--from :0: must be from 1 to 65535"),
            ("99999", "--from 99999: must be from 1 to 65535"),
            ("example.org:80", "--from example.org:80: 'example.org' is not an IP address"),
        ):
            self.assertEqual(self.refusals(text, "127.0.0.1:9000"), [wanted])

    def test_to(self) -> None:
        """Each member is told as it was given, all at once."""
        found = self.refusals(
            ":80", "127.0.0.1", "127.1:80", "1.1.1.1:1 weight=999", "1.1.1.1:2", "1.1.1.1:2"
        )
        self.assertEqual(
            [line.split(": ")[0] for line in found],
            [
                "--to 127.0.0.1",
                "--to 127.1:80",
                "--to 1.1.1.1:1 weight=999",
                "--to 1.1.1.1:2",
            ],
        )
        self.assertEqual(found[3], "--to 1.1.1.1:2: is given twice")

    def test_none(self) -> None:
        """Without a member there is nothing to do."""
        self.assertEqual(
            self.refusals(":80"),
            ["--to: is needed: where requests go, such as --to 127.0.0.1:9000"],
        )
