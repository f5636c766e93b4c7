"""Tests of L{fiberlb.model.access_log}."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.access_log import (
    KEYS,
    AccessLog,
    AccessLogFormat,
    Piece,
    format_of,
    pieces,
)
from fiberlb.model.convert import unstructure
from fiberlb.model.written import Written
from fiberlb.observe.formats import FORMATS
from tests.model.documents import made, problems
from tests.observe.rows import entry


class AccessLogTests(SynchronousTestCase):
    """The settings of the access log."""

    def test_words(self) -> None:
        """The known formats, in any case."""
        for word in AccessLogFormat:
            self.assertIs(made(AccessLog, format=word.value.upper()).format, word)

    def test_own(self) -> None:
        """A text with values is a format of one's own, and comes back as it was."""
        text = '%{client} "%{method} %{target}"\t%{status} 100%%'
        found = made(AccessLog, format=text)
        self.assertEqual(found.format, text)
        self.assertEqual(unstructure(found)["format"], text)
        self.assertEqual(format_of(found.word), text)

    def test_word(self) -> None:
        """What a format is called leads back to it."""
        for word in AccessLogFormat:
            self.assertIs(format_of(AccessLog(format=word).word), word)

    def test_pieces(self) -> None:
        """Text, values, and the percent sign."""
        self.assertEqual(
            pieces("a %{status}%% b"),
            [Piece("a "), Piece("status", True), Piece("%"), Piece(" b")],
        )

    def test_refused(self) -> None:
        """What is no format is refused, with what was probably meant."""
        for text, said in {
            "jsn": "did you mean 'json'",
            "plain words": "must be one of off, json, combined, haproxy, or a text",
            "%{statsu}": "did you mean 'status'",
            "%h %l": "% begins a value",
            "%{status": "% begins a value",
            "%{status}\n%{target}": "must be one line",
            "%{status}" * 1000: "at most 4096",
        }.items():
            (problem,) = problems(AccessLog, {"format": text})
            self.assertIn(said, problem)
        self.assertEqual(len(problems(AccessLog, {"format": Written("1", 1)})), 1)

    def test_sample(self) -> None:
        """A number from 0 to 1."""
        self.assertEqual(made(AccessLog, sample=Written("0.05", 0.05)).sample, 0.05)
        self.assertEqual(made(AccessLog, sample=1).sample, 1.0)
        for value in (-0.1, 1.5, "all", True, None, Written("true", True)):
            self.assertEqual(len(problems(AccessLog, {"sample": value})), 1, value)

    def test_keys(self) -> None:
        """The values are the keys of a JSON line."""
        self.assertEqual(list(KEYS), list(json.loads(FORMATS[AccessLogFormat.JSON](entry()))))
