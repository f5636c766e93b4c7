"""Tests of fiberlb.control.upkeep."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.expiry import DAY
from fiberlb.control.upkeep import Upkeep
from tests.control.stage import Stage, create
from tests.support.certificates import leaf


class UpkeepTests(SynchronousTestCase):
    """Everything that begins and ends with a node."""

    def test_life(self) -> None:
        """It says what is odd and what ends, and nothing is left when the node stops."""
        stage = Stage(self)
        one = leaf("a.test", purpose="client")
        body = {"name": "c", "certificate": one.pem, "private_key": one.key_pem()}
        stage.write(create("certificates", body))
        stage.wall = one.certificate.not_valid_after_utc.timestamp() - DAY
        with capturedLogs() as caught:
            Upkeep(stage.control, stage.clock).start()
        said = [event["sentence"] for event in caught]
        self.assertIn("Certificate 'c' is not meant", said[0])
        self.assertIn("Certificate 'c' expires in 1 day", said[1])
        stage.clock.advance(5)
        stage.result(Deferred.fromCoroutine(stage.control.stop()))
        self.assertEqual(stage.clock.getDelayedCalls(), [])
