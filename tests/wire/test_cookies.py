"""Tests of fiberlb.wire.cookies."""

from __future__ import annotations

import time

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.wire.cookies import MOST, RequestCookie, setting

S = RequestCookie(b"S")


def head(*lines: bytes) -> bytes:
    """A request with these fields."""
    return b"\r\n".join([b"GET /?S=1;S=2 HTTP/1.1", b"Host: a", *lines, b"", b""])


class RequestTests(SynchronousTestCase):
    """Cookies that are found, and taken out."""

    def test_values(self) -> None:
        """All of the name, over all fields; names are case-sensitive and whole."""
        found = S.values(head(b"Cookie: a=1; S=x; XS=2; s=3", b"X: S=4", b"COOKIE:S=y ;S = z;S"))
        self.assertEqual(found, [b"x", b"y", b"z"])
        self.assertEqual(S.values(head(b"Cookie: a=b")), [])
        self.assertEqual(len(S.values(head(b"Cookie: " + b"S=1;" * 50))), MOST)

    def test_without(self) -> None:
        """Nothing but the cookie goes."""
        for before, after in (
            (b"Cookie: a=1; S=x; b=2", b"Cookie: a=1; b=2"),
            (b"Cookie: S=x; b=2", b"Cookie: b=2"),
            (b"Cookie: b=2; S=x", b"Cookie: b=2"),
            (b"Cookie: S=x;S=y; S=z;b=2;S=", b"Cookie: b=2"),
            (b'cookie:  a="1=;  XS=S; S;\xff', b'cookie:  a="1=;  XS=S;\xff'),
            (b"Cookie: a=S", b"Cookie: a=S"),
            (b"X-Cookie: S=x", b"X-Cookie: S=x"),
            (b"Cookie: ;; a;;S=x", b"Cookie: ;; a;"),
        ):
            self.assertEqual(S.without(head(before, b"X: y")), head(after, b"X: y"))

    def test_alone(self) -> None:
        """A field that has nothing else goes with it; others stay where they are."""
        lines = (b"Cookie: S=x", b"A: b", b"cookie: S=y; ", b"Cookie: c=d", b"Cookie:S=z")
        self.assertEqual(S.without(head(*lines)), head(b"A: b", b"Cookie: c=d"))

    def test_many(self) -> None:
        """Thousands of others cost nothing to speak of, nor do thousands of spaces."""
        for line in (b"S;" + b"a;" * 8000, b"S=" + b" " * 16000, b";" * 16000 + b"S=1"):
            began = time.process_time()
            S.values(head(b"Cookie:" + line))
            S.without(head(b"Cookie:" + line))
            self.assertLess(time.process_time() - began, 0.1)


class AnswerTests(SynchronousTestCase):
    """Cookies that are set."""

    def test_setting(self) -> None:
        """The values of the name's, whatever follows them; empty ones are no sessions."""
        lines = (
            b"HTTP/1.1 200 OK\r\nSet-Cookie: J=a-1; Path=/\r\nset-cookie:J=b\r\n"
            b"Set-Cookie: XJ=c\r\nSet-Cookie: J=; Max-Age=0\r\nSet-Cookie: j=d\r\n"
            b"X-Set-Cookie: J=e\r\n"
        )
        self.assertEqual(setting(b"J")(lines), [b"a-1", b"b"])
        began = time.process_time()
        self.assertEqual(setting(b"J")(b"\r\nSet-Cookie: J=" + b" " * 60000 + b";"), [])
        self.assertLess(time.process_time() - began, 0.1)
        self.assertEqual(setting(b"a.b")(b"\r\nSet-Cookie: aXb=1\r\n"), [])
