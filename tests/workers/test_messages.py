"""Tests of L{fiberlb.workers.messages}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers import messages


class MessageTests(SynchronousTestCase):
    """What AMP can carry."""

    def test_line_fits(self) -> None:
        """The longest line fits into a value whatever its characters are."""
        self.assertLess(LONGEST_IN_BYTES * messages.LONGEST_LINE, 0xFFFF)

    def test_between_versions(self) -> None:
        """What versions say to each other at an upgrade stays as it is."""
        names = {
            command: [name.decode() for name, _ in command.arguments]
            for command in (
                messages.Hello,
                messages.HandBack,
                messages.HandedBack,
                messages.Drain,
            )
        }
        self.assertEqual(
            list(names.values()),
            [["pid", "slot", "serial"], ["host", "port", "slot", "fd"], ["fd"], ["deadline"]],
        )


#: UTF-8 takes so many at most for a character.
LONGEST_IN_BYTES = 4
