"""Tests of fiberlb.control.expiry."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.expiry import DAY, Reminding, endings, oddities, reminders
from tests.control.stage import Stage, create
from tests.support.certificates import Leaf, leaf


class ExpiryTests(SynchronousTestCase):
    """Certificates of a node that come to their end."""

    def setUp(self) -> None:
        """One that ends soon, one that does not, one that is disabled."""
        self.stage = Stage(self)
        self.soon = leaf("a.test", days=100)
        self.add("soon", self.soon)
        self.add("later", leaf("b.test", days=700))
        self.add("off", leaf("c.test", days=100), enabled=False)
        self.end = self.soon.certificate.not_valid_after_utc.timestamp()
        self.stage.wall = self.end - 10.5 * DAY

    def add(self, name: str, one: Leaf, **more: object) -> None:
        """A certificate of the store."""
        body = {"name": name, "certificate": one.pem, "private_key": one.key_pem(), **more}
        self.stage.write(create("certificates", body))

    def test_reminders(self) -> None:
        """The one that ends soon is told, in the status too."""
        control = self.stage.control
        said = list(reminders(control.configuration, control.certificates, self.stage.wall))
        self.assertEqual(len(said), 1)
        self.assertIn("certificate 'soon' expires in 10 days", said[0])
        self.assertEqual(list(control.problems), said)

    def test_endings(self) -> None:
        """Figures of all that are enabled."""
        control = self.stage.control
        found = list(endings(control.configuration, control.certificates))
        self.assertEqual([one.name for one in found], ["soon", "later"])
        self.assertEqual(found[0].at, self.end)

    def test_oddities(self) -> None:
        """What will not change by waiting."""
        self.add("client", leaf("d.test", purpose="client"))
        control = self.stage.control
        (said,) = oddities(control.configuration, control.certificates)
        self.assertIn("certificate 'client' is not meant for servers", said)

    def test_daily(self) -> None:
        """It is said at the start and once a day, until it is stopped."""
        clock = Clock()

        def said() -> Iterator[str]:
            yield "certificate 'x' is old"

        reminding = Reminding(clock, said)
        with capturedLogs() as caught:
            reminding.start()
            clock.advance(DAY - 1)
            self.assertEqual(len(caught), 1)
            clock.advance(1)
            reminding.stop()
            clock.advance(DAY)
        self.assertEqual([e["sentence"] for e in caught], ["Certificate 'x' is old"] * 2)
