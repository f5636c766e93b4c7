"""Tests of fiberlb.control.emptying."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.emptying import LOOK, LOOKS, SILENCE
from fiberlb.model.operational import MemberMode, Operational
from fiberlb.model.pool import Member
from tests.control.stage import NOW, Stage

PLAIN = "pools: [{name: web, members: ['127.0.0.1:9001']}]"
STICKY = """
pools:
  - name: web
    members: ["127.0.0.1:9001"]
    session_persistence: {{type: source_ip}}
    drain: {{persistence: {mode}}}
"""


class EmptyingTests(SynchronousTestCase):
    """One member that drains."""

    def start(self, text: str, mode: MemberMode = MemberMode.DRAIN) -> None:
        """It drains for a hundred seconds, and one request runs on it."""
        self.clock = Clock()
        self.stage = Stage(self, text, clock=self.clock)
        self.addCleanup(self.stage.control.operating.emptying.stop)
        self.told: list[str] = []
        observer: Any = self.note
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        (self.ident,) = self.stage.control.configuration.all(Member)
        self.stage.plane.figures = {"in_flight": 1, "requests": 7}
        state = Operational(mode=mode, until=NOW + 100, since=NOW)
        self.stage.result(self.stage.control.operating.states.set({self.ident: state}))

    def note(self, event: LogEvent) -> None:
        """What the log says."""
        text = formatEvent(event) or ""
        if "has drained" in text:
            self.told.append(text)

    def wait(self, seconds: float) -> bool:
        """Let time pass; whether it has drained by then."""
        for _ in range(int(seconds / LOOK)):
            self.stage.wall += LOOK
            self.clock.advance(LOOK)
        return self.stage.control.operating.emptying.drained(self.ident)

    def free(self, requests: int = 7) -> None:
        """Nothing runs on it any more."""
        self.stage.plane.figures = {"in_flight": 0, "requests": requests}

    def test_plain(self) -> None:
        """When nothing has run on it for a few looks; told once."""
        self.start(PLAIN)
        self.assertFalse(self.wait(20))
        self.free()
        self.assertFalse(self.wait(LOOK * (LOOKS - 1)))
        self.assertTrue(self.wait(LOOK))
        self.assertTrue(self.wait(10))
        text = "Member 127.0.0.1:9001 of pool web has drained (drain): nothing runs on it any more"
        self.assertEqual(self.told, [text])

    def test_persistent(self) -> None:
        """While clients that belong to it may come, it has not."""
        self.start(STICKY.format(mode="keep_until_deadline"))
        self.free()
        self.assertFalse(self.wait(90))
        self.assertTrue(self.wait(15))
        self.start(STICKY.format(mode="redispatch"))
        self.free()
        self.assertTrue(self.wait(5))
        self.start(STICKY.format(mode="keep_until_deadline"), MemberMode.MAINTENANCE)
        self.free()
        self.assertTrue(self.wait(5))

    def test_keep(self) -> None:
        """Where they may come for ever, it has when nobody has for a while."""
        self.start(STICKY.format(mode="keep"))
        self.free(8)
        self.assertFalse(self.wait(SILENCE - 5))
        self.free(9)
        self.assertFalse(self.wait(SILENCE - 5))
        self.assertTrue(self.wait(10))

    def test_ready(self) -> None:
        """One that is ready is looked at no more; one that drains again begins anew."""
        self.start(PLAIN)
        self.free()
        self.assertTrue(self.wait(5))
        self.stage.result(self.stage.control.operating.states.set({self.ident: Operational()}))
        self.assertFalse(self.wait(1))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        again = Operational(mode=MemberMode.DRAIN, since=self.stage.wall)
        self.stage.result(self.stage.control.operating.states.set({self.ident: again}))
        self.assertFalse(self.wait(LOOK))
        self.assertTrue(self.wait(5))
        self.assertEqual(len(self.told), 2)
