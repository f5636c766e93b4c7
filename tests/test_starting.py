"""Tests of L{fiberlb.starting}."""

from __future__ import annotations

import errno

from twisted.internet.error import CannotListenError
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.starting import EXPECTED, CannotStart, sentence


class SentenceTests(SynchronousTestCase):
    """Reasons in words."""

    def test_words(self) -> None:
        """Each kind of reason says what it is about."""
        busy = CannotListenError("127.0.0.1", 80, OSError(errno.EADDRINUSE, "in use"))
        missing = FileNotFoundError(errno.ENOENT, "not there", "/x")
        self.assertEqual(sentence(busy), "the admin API cannot listen on 127.0.0.1:80: in use")
        self.assertEqual(sentence(missing), "/x: not there")
        self.assertEqual(sentence(CannotStart("because")), "because")
        self.assertEqual(sentence(CannotStart()), "CannotStart")

    def test_expected(self) -> None:
        """A defect is none of the reasons."""
        self.assertFalse(issubclass(AssertionError, EXPECTED))
