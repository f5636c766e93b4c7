"""Tests of L{fiberlb.announcement}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import attrs
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.announcement import lines, members, standing, tell_fixed, tell_refusal
from fiberlb.control.arguments import from_arguments
from fiberlb.control.service import ControlService
from fiberlb.control.validate import examined
from fiberlb.errors import MOST_TOLD, ConfigurationError, Problem
from fiberlb.health.watch import MemberHealth
from fiberlb.model.configuration import Configuration
from fiberlb.model.listener import Listener
from fiberlb.model.settings import Settings
from fiberlb.relay.states import ListenerState


class Told:
    """As much of a control service as is announced."""

    node = "n"
    revision = 12
    file_generation = 0
    workers = (2, 2)

    def __init__(self, to: Sequence[str], health: Sequence[MemberHealth]) -> None:
        self.configuration: Configuration = examined(from_arguments(":8080", to).configuration)
        self.states: list[ListenerState] = []
        self._health = iter(health)

    def listeners(self) -> list[ListenerState]:
        """What listens where."""
        return self.states

    def member_health(self, ident: str) -> MemberHealth:
        """The next one prepared."""
        return next(self._health)


def told(*health: MemberHealth) -> Any:
    """A service with a member for each of these."""
    return Told([f"127.0.0.1:{9000 + n}" for n in range(len(health))], health)


UP = MemberHealth("up")
DOWN = attrs.evolve(UP, health="down", reason="connection refused")


class MembersTests(SynchronousTestCase):
    """How many are up."""

    def test_all(self) -> None:
        """Checked and found well, or not checked at all: both count."""
        both = told(UP, MemberHealth("unmonitored"))
        self.assertEqual(members(both), "2 of 2 members up")

    def test_down(self) -> None:
        """Who is down is named, with the reason."""
        text = members(told(UP, DOWN))
        self.assertEqual(text, "1 of 2 members up; down: 127.0.0.1:9001 (down: connection refused)")

    def test_many_down(self) -> None:
        """A whole rack that is down does not fill the screen."""
        self.assertTrue(members(told(*[DOWN] * 9)).endswith(", ..."))

    def test_probing(self) -> None:
        """Who has not been asked is neither up nor down."""
        self.assertIn("1 not checked yet", members(told(UP, MemberHealth("probing"))))


class LinesTests(SynchronousTestCase):
    """What listens where."""

    def test_listening(self) -> None:
        """Address, name and protocol; IPv6 in brackets."""
        control = told(UP)
        ident = next(iter(control.configuration.all(Listener)))
        control.states = [ListenerState(ident, "::", 8080, "listening")]
        found = lines(cast(ControlService, control), ["http://127.0.0.1:9876"])
        self.assertEqual(found[0], "Listening on [::]:8080 (listener web, http)")
        self.assertEqual(found[1], "Admin API on http://127.0.0.1:9876")

    def test_workers(self) -> None:
        """How many processes serve, before the members."""
        control = told(UP)
        found = lines(cast(ControlService, control), [])
        self.assertEqual(found[-2], "2 of 2 worker processes serve")
        control = told(UP)
        control.workers = (0, 0)
        found = lines(cast(ControlService, control), [])
        self.assertEqual(found[-2], "This process carries the traffic by itself (workers: 0)")

    def test_failed(self) -> None:
        """An address that could not be had is told with its reason."""
        control = told(UP)
        ident = next(iter(control.configuration.all(Listener)))
        control.states = [ListenerState(ident, "::", 8080, "error", "in use")]
        found = lines(cast(ControlService, control), [])
        self.assertEqual(found[0], "NOT listening on [::]:8080 (listener web, http): in use")
        self.assertEqual(found[1], "The admin API is off")

    def test_nothing(self) -> None:
        """A configuration without listeners says so instead of nothing."""
        self.assertIn("Nothing listens", lines(cast(ControlService, told(UP)), [])[0])


class StandingTests(SynchronousTestCase):
    """How things are, in a line."""

    def line(self, control: Any) -> str | None:
        """The last of the steps."""
        *steps, line = standing(control)
        self.assertEqual(set(steps), {None} if steps else set())
        return line

    def test_all(self) -> None:
        """Only what there is: no workers, nobody down, no file."""
        control = told(UP)
        control.workers = (0, 0)
        self.assertEqual(self.line(control), "serving revision 12 on 0 listeners, 1 member up")

    def test_everything(self) -> None:
        """Listeners by their number and not by that of their addresses, and whatever is wrong."""
        control = told(UP, DOWN, MemberHealth("unmonitored"), MemberHealth("probing"))
        control.workers, control.file_generation = (2, 1), 3
        for place, (ident, state) in enumerate(
            [("a", "listening"), ("a", "listening"), ("b", "error"), ("c", "closing")]
        ):
            control.states.append(ListenerState(ident, "::", place, state))
        self.assertEqual(
            self.line(control),
            "serving revision 12 and file generation 3 on 1 listener, 1/2 workers, 2 members up,"
            " 1 down, 1 not checked yet, 1 address in error",
        )


class FixedTests(SynchronousTestCase):
    """Settings that only a restart changes."""

    def test_told(self) -> None:
        """Those that differ are named."""
        with capturedLogs() as caught:
            tell_fixed(Settings(), Settings(workers=4))
            tell_fixed(Settings(), Settings(store="memory:", key_file="/k"))
        self.assertEqual([event["names"] for event in caught], ["store, key_file"])


class RefusalTests(SynchronousTestCase):
    """A file that is refused."""

    def test_many(self) -> None:
        """Another file than was meant does not fill the log: traffic would wait for its lines."""
        with capturedLogs() as events:
            tell_refusal(ConfigurationError([Problem(("x",), "no")] * 300_000))
        self.assertEqual(len(events), MOST_TOLD + 1)
        self.assertEqual(events[-1]["line"], f"and {300_000 - MOST_TOLD} more")
