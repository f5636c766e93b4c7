"""Tests of L{fiberlb.observe.haproxy}."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import REASONS
from fiberlb.observe.haproxy import STATES, haproxy
from tests.observe.rows import entry

#: HAProxy's configuration manual, 8.2.3.
HTTP = re.compile(
    r"(\S+):(\d+) \[([^\]]+)\] (\S+) (\S+)/(\S+) (-?\d+)/(-?\d+)/(-?\d+)/(-?\d+)/(\d+)"
    r" (-?\d+) (\d+) - - (\S\S--) 0/0/0/0/(\+?\d+) 0/0 \"([^\"]*)\""
)
#: The same, 8.2.2.
TCP = re.compile(
    r"(\S+):(\d+) \[([^\]]+)\] (\S+) (\S+)/(\S+) (-?\d+)/(-?\d+)/(\d+)"
    r" (\d+) (\S\S) 0/0/0/0/(\+?\d+) 0/0"
)


class HaproxyTests(SynchronousTestCase):
    """Lines that readers of HAProxy's logs take."""

    def parse(self, form: re.Pattern[str], **changes: Any) -> tuple[str | Any, ...]:
        """A line, taken apart."""
        found = form.fullmatch(haproxy(entry(**changes)))
        assert found is not None, haproxy(entry(**changes))
        return found.groups()

    def test_line(self) -> None:
        """An ordinary request."""
        self.assertEqual(
            haproxy(entry()),
            "192.0.2.7:4711 [14/Nov/2023:22:13:20.123] front~ api/api-1 1/0/2/98/1500"
            ' 200 345 - - ---- 0/0/0/0/0 0/0 "GET /a?b=c HTTP/1.1"',
        )

    def test_no_member(self) -> None:
        """What was answered without one."""
        found = self.parse(HTTP, pool="", member="", status=403, reason="rejected", secure=False)
        self.assertEqual(found[3:6], ("front", "front", "<NOSRV>"))
        self.assertEqual((found[7:10], found[13]), (("-1", "-1", "-1"), "PR--"))

    def test_refused(self) -> None:
        """A member that could not be reached, after another one."""
        found = self.parse(HTTP, status=502, reason="connect_refused", tries=2)
        self.assertEqual((found[8:10], found[13:15]), (("-1", "-1"), ("SC--", "+1")))

    def test_queued(self) -> None:
        """What has waited for a member, and what has waited in vain."""
        found = self.parse(HTTP, queued=0.06)
        self.assertEqual(found[6:11], ("1", "60", "2", "38", "1500"))
        found = self.parse(HTTP, queued=5.0, member="", status=503, reason="queue_timeout")
        self.assertEqual((found[6:10], found[13]), (("1", "5000", "-1", "-1"), "sQ--"))

    def test_bad_request(self) -> None:
        """No request could be read."""
        found = self.parse(HTTP, method=b"", target=b"", status=400, reason="bad_request")
        self.assertEqual(found[-1], "<BADREQ>")

    def test_tcp(self) -> None:
        """A connection."""
        found = self.parse(TCP, method=b"", target=b"", block=b"", status=0)
        self.assertEqual(found[3:11], ("front~", "api", "api-1", "0", "2", "1500", "345", "--"))

    def test_states(self) -> None:
        """Only reasons that there are."""
        self.assertEqual(set(STATES) - set(REASONS), set())

    @given(st.binary(), st.binary(min_size=1), st.text(), st.sampled_from([None, *REASONS]))
    def test_any(self, target: bytes, method: bytes, name: str, reason: str | None) -> None:
        """Whatever is sent and named, it is one line of the form."""
        changes = {"target": target, "method": method, "reason": reason}
        self.parse(HTTP, **changes, listener=name or "l", pool=name, member=name)
