"""What is derived of a request."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.routing.request import host_name, origin_form
from tests.routing.made import request


class HostTests(SynchronousTestCase):
    """The name that a request is for."""

    def test_names(self) -> None:
        """Case, port and final dot do not matter; an IPv6 address keeps its brackets."""
        wanted = {
            b"Example.ORG": b"example.org",
            b"example.org:8080": b"example.org",
            b"example.org.": b"example.org",
            b"example.org.:80": b"example.org",
            b"example.org:": b"example.org",
            b"[2001:DB8::1]:443": b"[2001:db8::1]",
            b"[::1]": b"[::1]",
            b"192.0.2.1:80": b"192.0.2.1",
            b"": b"",
        }
        self.assertEqual({given: host_name(given) for given in wanted}, wanted)

    def test_kept(self) -> None:
        """The name is worked out once."""
        made = request(host=b"A:1")
        self.assertIs(made.host, made.host)


class TargetTests(SynchronousTestCase):
    """Path and query of every form of target (RFC 9112 section 3.2)."""

    FORMS = {
        b"/a/b?c=d": (b"/a/b?c=d", b"/a/b", b"c=d"),
        b"/a": (b"/a", b"/a", None),
        b"/a?": (b"/a?", b"/a", b""),
        b"/a?b?c": (b"/a?b?c", b"/a", b"b?c"),
        b"//a/../b?%2e": (b"//a/../b?%2e", b"/b", b"%2e"),
        b"http://h/x//y?q": (b"/x//y?q", b"/x/y", b"q"),
        b"http://h": (b"/", b"/", None),
        b"http://h?q=/x": (b"/?q=/x", b"/", b"q=/x"),
        b"/x?u=http://h/y": (b"/x?u=http://h/y", b"/x", b"u=http://h/y"),
        b"*": (b"*", b"*", None),
    }

    def test_forms(self) -> None:
        """The URI stays as sent, the path is normal, the query is apart."""
        for target, wanted in self.FORMS.items():
            made = request(target)
            self.assertEqual((made.uri, made.path, made.query), wanted, target)

    def test_origin_form(self) -> None:
        """An absolute-form gives what an origin would have been sent."""
        self.assertEqual(origin_form(b"HTTPS://h:1/a?b"), b"/a?b")

    def test_readings(self) -> None:
        """The second reading is there only where there are two."""
        self.assertIsNone(request(b"/a").other)
        self.assertEqual(request(b"/a%2fb").other, b"/a/b")
        self.assertIsNone(request(b"/a?x=%2f").other)
        self.assertEqual(request(b"/a%00").other, b"")


class BlockTests(SynchronousTestCase):
    """The field lines."""

    def test_folded(self) -> None:
        """Lower case of the same length, so that offsets agree; kept."""
        made = request(b"/", b"", b"X-Name: Value \xc3\x89")
        self.assertEqual(made.folded, b"\r\nx-name: value \xc3\x89\r\n")
        self.assertIs(made.folded, made.folded)
