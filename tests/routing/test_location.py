"""Where redirects point."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.routing.location import compile_location
from tests.routing.made import request

#: What an RFC 3986 reference consists of.
_REFERENCE = re.compile(rb"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9._~!$&'()*+,;=:@/?#\[\]-])*")


def location(text: str, target: bytes = b"/", host: bytes = b"example.org", **about: int) -> bytes:
    """A template rendered for a request."""
    made = request(target, host, port=about.get("port", 80), secure=bool(about.get("secure")))
    return compile_location(text, ()).render(made)


class RenderTests(SynchronousTestCase):
    """What comes out."""

    def test_verbatim(self) -> None:
        """URLs and paths without placeholders come out as written, non-ASCII escaped."""
        for text in ("https://a.example/x?y=%20#z", "http://[::1]:8080/", "/app/", "https://a"):
            self.assertEqual(location(text), text.encode())
        self.assertEqual(location("/é"), b"/%C3%A9")

    def test_placeholders(self) -> None:
        """Each stands for its part of the request, path and query as sent."""
        text = "{scheme}://{host}:{port}/x{path}?{query}&u={uri}"
        found = location(text, b"//a/%7e/..?b=%2F", b"EX.org:8443", port=8443, secure=1)
        self.assertEqual(found, b"https://ex.org:8443/x//a/%7e/..?b=%2F&u=//a/%7e/..?b=%2F")
        self.assertEqual(location("{scheme}://x{uri}", b"/a?"), b"http://x/a?")

    def test_without_query(self) -> None:
        """The question mark goes with its query."""
        self.assertEqual(location("https://a/b?{query}", b"/x"), b"https://a/b")
        self.assertEqual(location("https://a/b?{query}", b"/x?"), b"https://a/b?")
        self.assertEqual(location("https://a/b?c&{query}", b"/x"), b"https://a/b?c&")

    def test_forms_of_target(self) -> None:
        """An absolute-form gives its path; the asterisk gives the root."""
        self.assertEqual(location("https://a{uri}", b"http://b/c?d"), b"https://a/c?d")
        self.assertEqual(location("https://a{uri}", b"http://b"), b"https://a/")
        self.assertEqual(location("https://a{uri}", b"*"), b"https://a/")

    def test_encoded(self) -> None:
        """Octets that a URL cannot hold are percent-encoded, also a stray percent sign."""
        found = location("https://a{uri}", b'/\xc3\xa9%zz%41 |\\#?[x]="<\x80>')
        self.assertEqual(found, b"https://a/%C3%A9%25zz%41%20%7C%5C%23?%5Bx%5D=%22%3C%80%3E")

    def test_no_other_host(self) -> None:
        """A path of the client's cannot become the name of a host."""
        for text in ("{uri}", "{path}", "/{path}", "/{query}"):
            found = location(text, b"//evil.example/?/evil.example")
            self.assertNotEqual(found[:2], b"//", text)
        self.assertEqual(location("{uri}", b"///evil.example"), b"/evil.example")

    def test_host_stays_a_host(self) -> None:
        """Whatever stands in Host, the authority ends where the template says."""
        found = location("https://{host}/", host=b"a/b?c#d@e\xe9")
        self.assertEqual(found, b"https://a%2Fb%3Fc%23d%40e%E9/")

    @given(st.binary(max_size=30), st.binary(max_size=15))
    @settings(max_examples=300, deadline=None)
    def test_always_a_reference(self, target: bytes, host: bytes) -> None:
        """Whatever is sent, what comes out is one URI reference to the template's host."""
        for text in ("https://a.example{uri}", "{scheme}://{host}/{path}?{query}", "{uri}"):
            found = location(text, b"/" + target, host)
            self.assertTrue(_REFERENCE.fullmatch(found), found)
        self.assertRegex(location("https://a.example{uri}", b"/" + target), b"^https://a.example/")


class RefusalTests(SynchronousTestCase):
    """What is not taken, and why."""

    def refusal(self, text: str) -> str:
        """The problem with a template, with its suggestion."""
        why = self.assertRaises(ConfigurationError, compile_location, text, ("f",))
        self.assertEqual(why.problems[0].path, ("f",))
        return str(why.problems[0])

    def test_forms(self) -> None:
        """Other schemes, other references and the start of a host's name are refused."""
        for text in (
            "ftp://a/",
            "javascript:alert(1)",
            "a/b",
            "//a/b",
            "",
            "?x",
            "{query}",
            "{host}/",
        ):
            self.assertIn("must be an http or https URL", self.refusal(text), text)

    def test_placeholders(self) -> None:
        """An unknown placeholder comes with a guess; stray braces are no part of a URL."""
        self.assertIn("did you mean '{host}'", self.refusal("https://{hots}/"))
        self.assertIn("{} is not one of", self.refusal("https://a/{}"))
        for text in ("https://a/{", "https://a/}", "https://a/{{uri}"):
            self.assertIn("a character that a URL cannot", self.refusal(text), text)

    def test_characters(self) -> None:
        """Control characters, spaces and what must be escaped are refused."""
        for text in ("https://a/\r\nX: y", "https://a/ b", "/\x00", "/\x7f"):
            self.assertIn("spaces or control characters", self.refusal(text), text)
        for text in ('/"', "/<", "/a|b", "/%zz", "/\\"):
            self.assertIn("a character that a URL cannot", self.refusal(text), text)

    def test_authority(self) -> None:
        """The host must be one, and nothing of the client's may extend it."""
        for text in ("https://", "https:///x", "https://u@a/", "https://a:b/", "https://a{query}/"):
            self.assertIn("is not a host", self.refusal(text), text)
        for text in ("https://{uri}", "https://bücher.example/", "https://a b.example/"):
            self.assertRaises(ConfigurationError, compile_location, text, ())
        for port in ("0", "99999"):
            self.assertIn(f"port {port} is not", self.refusal(f"http://x:{port}/"))

    def test_needs_host(self) -> None:
        """A template says whether it depends on the request's host."""
        self.assertTrue(compile_location("https://{host}/", ()).needs_host)
        self.assertFalse(compile_location("https://a{uri}", ()).needs_host)
