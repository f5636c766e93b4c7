"""Tests of C{fiberlb.observe.formats}."""

from __future__ import annotations

import json as reader
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.settings import AccessLogFormat
from fiberlb.observe.formats import FORMATS, combined, json, sentence
from tests.observe.rows import entry

#: How programs that read Apache's and nginx's logs take the combined format apart.
COMBINED = re.compile(
    r'(\S+) \S+ \S+ \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "((?:[^"\\]|\\.)*)" (\d{3})'
    r' (\d+) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"'
)

NASTY = b'a"b\\c\r\nd\x00\x1b[31m\x7f\xc3\xa4\xff \t'


def block(**values: bytes) -> bytes:
    """A header block."""
    lines = [name.replace("_", "-").encode() + b": " + value for name, value in values.items()]
    return b"\r\n" + b"".join(line + b"\r\n" for line in lines)


class CombinedTests(SynchronousTestCase):
    """The format that log readers know."""

    def parse(self, **changes: Any) -> tuple[str | Any, ...]:
        """A line, taken apart."""
        found = COMBINED.fullmatch(combined(entry(**changes)))
        assert found is not None, combined(entry(**changes))
        return found.groups()

    def test_line(self) -> None:
        """An ordinary request."""
        self.assertEqual(
            combined(entry()),
            '192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] "GET /a?b=c HTTP/1.1" 200 345'
            ' "https://r.example/" "curl/8"',
        )

    def test_absent(self) -> None:
        """No request, no answer, no fields."""
        line = combined(entry(method=b"", target=b"", block=b"\r\n", status=0, sent=0, client=""))
        self.assertEqual(line, '- - - [14/Nov/2023:22:13:20 +0000] "-" 000 0 "-" "-"')

    def test_user(self) -> None:
        """Who was let in, in one word whatever the name is; the same in JSON."""
        for user, word in ((b"alice", "alice"), (b'a "b\r\nc\xff', r"a\x20\x22b\x0D\x0Ac\xFF")):
            line = combined(entry(user=user))
            self.assertTrue(line.startswith(f"192.0.2.7 - {word} ["), line)
            self.assertEqual(len(line.splitlines()), 1)
            line = json(entry(user=user))
            self.assertEqual(len(line.splitlines()), 1)
            self.assertEqual(reader.loads(line)["user"], user.decode("utf-8", "backslashreplace"))

    def test_version_and_address(self) -> None:
        """HTTP/1.0 and IPv6."""
        found = self.parse(minor=0, client="2001:db8::1")
        self.assertEqual((found[0], found[2]), ("2001:db8::1", "GET /a?b=c HTTP/1.0"))

    def test_months(self) -> None:
        """Each month by its English name, whatever the locale."""
        starts = [1704067200 + 2678400 * number for number in range(12)]
        names = [self.parse(started=float(start))[1][3:6] for start in starts]
        self.assertEqual(names, "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())

    def test_escapes(self) -> None:
        """Quotes, backslashes, control characters and octets above ASCII cannot do harm."""
        found = self.parse(target=b"/" + NASTY, block=block(user_agent=NASTY.replace(b"\r\n", b"")))
        written = r"a\x22b\x5Cc"
        self.assertEqual(
            found[2],
            rf"GET /{written}\x0D\x0Ad\x00\x1B[31m\x7F\xC3\xA4\xFF\x20\x09 HTTP/1.1",
        )
        self.assertEqual(found[6], rf"{written}d\x00\x1B[31m\x7F\xC3\xA4\xFF")

    def test_forged_address(self) -> None:
        """A client address out of a forwarded field cannot bring in further fields."""
        self.assertEqual(self.parse(client='1.2.3.4 - - ["')[0], r"1.2.3.4\x20-\x20-\x20[\x22")


class JsonTests(SynchronousTestCase):
    """One object a line."""

    def parse(self, **changes: Any) -> dict[str, Any]:
        """A line as an object."""
        found = reader.loads(json(entry(**changes)))
        assert isinstance(found, dict)
        return found

    def test_object(self) -> None:
        """An ordinary request, every key."""
        self.assertEqual(
            self.parse(),
            {
                "time": "2023-11-14T22:13:20.123Z",
                "listener": "front",
                "client": "192.0.2.7",
                "client_port": 4711,
                "user": None,
                "method": "GET",
                "target": "/a?b=c",
                "version": "1.1",
                "host": "www.example",
                "status": 200,
                "sent": 345,
                "received": 12,
                "pool": "api",
                "member": "api-1",
                "policy": "all",
                "reason": None,
                "detail": None,
                "request_id": "0f1e",
                "tries": 1,
                "sni": "www.example",
                "tls": True,
                "head": 1.0,
                "queued": 0.0,
                "connect": 2.5,
                "response": 100.0,
                "total": 1500.0,
                "referer": "https://r.example/",
                "user_agent": "curl/8",
            },
        )

    def test_absent(self) -> None:
        """What is not there is null, under the same keys."""
        found = self.parse(
            method=b"", target=b"", block=b"", status=0, pool="", member="", policy="",
            sni=None, connect=-1.0, secure=False, reason="client_abort",
        )  # fmt: skip
        self.assertEqual(list(found), list(self.parse()))
        absent = "method target version host status pool member policy sni connect referer".split()
        self.assertEqual({found[key] for key in absent}, {None})
        self.assertEqual((found["tls"], found["reason"]), (False, "client_abort"))

    def test_octets(self) -> None:
        """UTF-8 is read as such, other octets are shown; control characters are escaped."""
        found = self.parse(target="/ä\x9b".encode() + b"\xff\x7f\n", listener="früh\x7f")
        self.assertEqual(found["target"], "/ä\x9b\\xff\x7f\n")
        self.assertEqual(found["listener"], "früh\x7f")
        line = json(entry(target=b"\x7f\xc2\x9b\n", listener="\x7f"))
        self.assertTrue(line.isprintable() and line.isascii(), line)

    def test_milliseconds(self) -> None:
        """The time is cut to milliseconds, never rounded into the next second."""
        self.assertEqual(self.parse(started=1700000000.9999)["time"], "2023-11-14T22:13:20.999Z")
        self.assertEqual(self.parse(started=1700000000.0)["time"], "2023-11-14T22:13:20.000Z")


class SentenceTests(SynchronousTestCase):
    """The line for people, in the ordinary log."""

    def test_sentence(self) -> None:
        """What was answered, why, to whom, and what was involved."""
        row = entry(status=503, reason="all_members_down", member="")
        self.assertEqual(
            sentence(row),
            '503 all_members_down: "GET /a?b=c HTTP/1.1" for www.example from 192.0.2.7'
            " listener front policy all pool api request 0f1e",
        )

    def test_without_request(self) -> None:
        """A connection that never sent one."""
        row = entry(
            status=0, reason="header_timeout", method=b"", target=b"", block=b"", sni=None,
            policy="", pool="", member="", request_id="",
        )  # fmt: skip
        self.assertEqual(sentence(row), "no answer header_timeout: from 192.0.2.7 listener front")

    def test_escapes(self) -> None:
        """Nothing of a request breaks the line."""
        row = entry(target=NASTY, block=block(host=NASTY.replace(b"\r\n", b"")))
        self.assertTrue(sentence(row).isprintable())


class ForgeryTests(SynchronousTestCase):
    """Whatever arrives, a row is one line and reads back as what it was."""

    @given(st.binary(), st.binary(), st.binary(), st.text(st.characters()))
    def test_any_octets(self, method: bytes, target: bytes, agent: bytes, client: str) -> None:
        """Every format gives one printable line for any octets."""
        agent = agent.replace(b"\r", b"").replace(b"\n", b"")
        row = entry(method=method, target=target, client=client, block=block(user_agent=agent))
        for line in (combined(row), json(row), sentence(row)):
            self.assertTrue(line.isprintable() and line.isascii(), line)
        self.assertIsNotNone(COMBINED.fullmatch(combined(row)))
        self.assertEqual(len(reader.loads(json(row))), 28)

    def test_table(self) -> None:
        """Each format of the model but off has its function."""
        self.assertEqual(set(FORMATS), set(AccessLogFormat) - {AccessLogFormat.OFF})
