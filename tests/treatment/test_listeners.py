"""The fields that listeners alone insert, from what is configured to bytes on the wire."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fiberlb.model.hsts import Hsts
from fiberlb.treatment.draft import Draft, Surroundings
from fiberlb.treatment.listeners import OF_LISTENERS, forwarded, request_id, trace
from tests.support.relay_world import RelayTestCase, answer, ask
from tests.treatment.test_variables import asked as in_progress

TRUSTED = "10.0.0.1"
PLAIN = b"192.0.2.7"
PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
_ID = "018bcfe5-68f4-7abc-8def-0123456789ab"


class InsertTests(RelayTestCase):
    """What members see."""

    def seen(self, name: str, *lines: bytes, peer: str = PLAIN.decode()) -> list[bytes]:
        """The values of a field that is inserted, of strangers and of trusted peers."""
        world = self.world(listener={"insert_headers": {name: True}}, trusted=["10.0.0.0/8"])
        client = world.client(ask(*lines), peer=peer)
        sent = world.members[0].link.news()
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())
        self.ids = [entry.request_id for entry in world.entries]
        return re.findall(rb"\n(?i:" + name.encode() + rb"): ([^\r]*)\r", sent)

    def test_addresses(self) -> None:
        """The client's address by its other names; what strangers say of it is not told."""
        for name in ("X-Forwarded-IP", "X-Client-IP", "X-Real-IP"):
            line = name.encode() + b": 203.0.113.9"
            self.assertEqual(self.seen(name), [PLAIN])
            self.assertEqual(self.seen(name, line), [PLAIN])
            told = (b"X-Forwarded-For: 198.51.100.1",)
            self.assertEqual(self.seen(name, line, *told, peer=TRUSTED), [b"198.51.100.1"])

    def test_forwarded(self) -> None:
        """An element of ours, after those of a trusted peer only."""
        mine = b"for=192.0.2.7;proto=http;host=a"
        self.assertEqual(self.seen("Forwarded"), [mine])
        self.assertEqual(self.seen("Forwarded", b"Forwarded: for=x"), [mine])
        peers = b"for=x, for=y, for=10.0.0.1;proto=http;host=a"
        lines = (b"Forwarded: for=x", b"forwarded: for=y")
        self.assertEqual(self.seen("Forwarded", *lines, peer=TRUSTED), [peers])

    def test_request_id(self) -> None:
        """Ours, and a trusted peer's where it is one; the log has the same."""
        for peer in (PLAIN.decode(), TRUSTED):
            self.assertEqual(self.seen("X-Request-ID", peer=peer), [b"id-1"])
            self.assertEqual(self.ids, ["id-1"])
            for odd in (b"a b", b"", b"x" * 129, b"a\xff", b'a"b'):
                self.assertEqual(self.seen("X-Request-ID", b"X-Request-ID: " + odd), [b"id-1"])
        given = b"x-request-id: given-1"
        self.assertEqual(self.seen("X-Request-ID", given), [b"id-1"])
        self.assertEqual(self.seen("X-Request-ID", given, peer=TRUSTED), [b"given-1"])
        self.assertEqual(self.ids, ["given-1"])
        self.assertEqual(self.seen("X-Request-ID", given, given, peer=TRUSTED), [b"id-1"])

    def test_request_id_of_errors(self) -> None:
        """An error's answer names the id that the member would have got, each time another."""
        world = self.world(listener={"insert_headers": {"X-Request-ID": True}})
        world.members[0].does = -111
        client = world.client()
        for number in (1, 2):
            client.send(ask())
            world.advance(1)
            told = client.news()
            self.assertIn(b"connect_refused id-%d\n" % number, told)
        self.assertEqual([entry.request_id for entry in world.entries], ["id-1", "id-2"])

    def test_trace(self) -> None:
        """A good one is passed on with its state, whoever sent it; another one is begun."""
        state = b"tracestate: a=b"
        line = b"traceparent: " + PARENT
        self.assertEqual(self.seen("traceparent", line, state), [PARENT])
        begun = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-01")
        for bad in (
            (),
            (line, line),
            (line[:-1],),
            (line.replace(b"0af7", b"0AF7"),),
            (b"traceparent: ff" + PARENT[2:],),
        ):
            asked = SimpleNamespace(request_id=_ID)
            head = (
                b"GET / HTTP/1.1\r\n" + b"".join(one + b"\r\n" for one in (*bad, state)) + b"\r\n"
            )
            made: Any = trace(asked, head)
            (value,) = re.findall(rb"\ntraceparent: ([^\r]*)\r", made)
            self.assertIsNotNone(begun.fullmatch(value), value)
            self.assertIn(_ID.replace("-", "").encode(), value)
            self.assertNotIn(b"tracestate", made)

    @given(st.binary(max_size=40), st.booleans(), st.sampled_from(["::1", "192.0.2.7", "unix:"]))
    def test_traffic(self, value: bytes, trusts: bool, peer: str) -> None:
        """Whatever stands in the fields already, one line is one line."""
        clean = re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"", value)
        asked = in_progress(peer=peer, request_id="", authority=b"[::1]:80")
        asked.cell.plan.trusted = lambda peer: trusts
        asked.cell.services.make_request_id = lambda: _ID
        for name, edit in (
            (b"X-Request-ID", request_id),
            (b"Forwarded", forwarded),
            (b"traceparent", trace),
        ):
            head = b"GET / HTTP/1.1\r\n" + name + b": " + clean + b"\r\nA: b\r\n\r\n"
            lines = edit(asked, head).split(b"\r\n")
            self.assertEqual(len(lines), 5, lines)
            self.assertEqual(lines[3:], [b"", b""])
            self.assertIn(b"A: b", lines)


class HstsTests(RelayTestCase):
    """What browsers are told."""

    def test_lines(self) -> None:
        """In every answer, in place of the member's own."""
        for hsts, wanted in (
            (Hsts(), b"max-age=15552000"),
            (Hsts(max_age=0.0), b"max-age=0"),
            (
                Hsts(max_age=31536000.0, include_subdomains=True, preload=True),
                b"max-age=31536000; includeSubDomains; preload",
            ),
        ):
            draft = Draft(Surroundings(None, {}))
            OF_LISTENERS["hsts"](hsts, draft)
            (edit,) = draft.answers
            head = b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\n"
            told = b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: " + wanted + b"\r\n"
            self.assertEqual(edit(in_progress(), head), told)

    def test_nothing(self) -> None:
        """A listener that says nothing of it, and inserts what is inserted anyway."""
        draft = Draft(Surroundings(None, {}))
        OF_LISTENERS["hsts"](None, draft)
        OF_LISTENERS["insert_headers"]((("X-Forwarded-For", True), ("X-Real-IP", False)), draft)
        self.assertTrue(draft.empty)
