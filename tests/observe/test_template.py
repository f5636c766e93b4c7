"""Tests of L{fiberlb.observe.template}."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.access_log import KEYS, AccessLogFormat
from fiberlb.observe.formats import FORMATS, formatter
from fiberlb.observe.template import CHOSEN, VALUES, template
from tests.observe.rows import entry


class TemplateTests(SynchronousTestCase):
    """Lines of one's own form."""

    def test_line(self) -> None:
        """Values in their places."""
        form = '%{time} %{client}:%{client_port} "%{method} %{target}" %{status} %{total}ms 5%%'
        self.assertEqual(
            template(form)(entry()),
            '2023-11-14T22:13:20.123Z 192.0.2.7:4711 "GET /a?b=c" 200 1500.000ms 5%',
        )

    def test_same_as_json(self) -> None:
        """Each value says what it says in a JSON line."""
        self.assertEqual(tuple(VALUES), KEYS)
        known = json.loads(FORMATS[AccessLogFormat.JSON](entry()))
        for key, value in known.items():
            line = template(f"%{{{key}}}")(entry())
            if isinstance(value, bool):
                self.assertEqual(line, str(value).lower())
            elif isinstance(value, int | float):
                self.assertEqual(float(line), value, key)
            else:
                self.assertEqual(line, value or "-", key)

    def test_absent(self) -> None:
        """What there is not is a dash."""
        row = entry(
            status=0, client_port=0, method=b"", sni=None, response=-1.0, pool="", block=b""
        )
        keys = ("status", "client_port", "method", "version", "sni", "response", "pool", "host")
        form = " ".join(f"%{{{key}}}" for key in keys)
        self.assertEqual(template(form)(row), " ".join("-" * len(keys)))

    def test_escapes(self) -> None:
        """By where the value stands."""
        row = entry(target=b'/ "\\|\r\n\xc3\xa9\xff', pool="ä b")
        self.assertEqual(
            template('"%{target}"|%{target}|%{pool}')(row),
            r'"/ \x22\x5C|\x0D\x0A\xC3\xA9\xFF"'
            r"|/\x20\x22\x5C\x7C\x0D\x0A\xC3\xA9\xFF|\xC3\xA4\x20b",
        )

    def test_own_text(self) -> None:
        """Text of the form is kept, tabs too; accents are written as in values."""
        self.assertEqual(template("é\t%{status}")(entry()), "\\xC3\\xA9\t200")

    def test_formatter(self) -> None:
        """A text is a form of one's own."""
        self.assertEqual(formatter("%{status}")(entry()), "200")
        self.assertIs(formatter(AccessLogFormat.JSON), FORMATS[AccessLogFormat.JSON])

    @given(st.binary(), st.binary(), st.sampled_from(["|", ",", ";", "\t", " ", "]"]))
    def test_fields_stay_apart(self, target: bytes, agent: bytes, between: str) -> None:
        """Whatever is sent, the line has the fields that the form has."""
        head = b"\r\nHost: h\r\nUser-Agent: " + re.sub(rb"[\r\n]", b"", agent) + b"\r\n"
        row = entry(target=target, block=head, sni=agent)
        form = between.join(f"%{{{key}}}" for key in [*sorted(CHOSEN), "status"])
        line = template(form)(row)
        self.assertEqual(len(line.split(between)), len(CHOSEN) + 1)
        self.assertTrue(line.isascii() and "\n" not in line and "\r" not in line)
