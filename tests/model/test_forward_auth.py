"""Forward authentication as it is configured."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.treated import loaded, refused


class ForwardAuthTests(SynchronousTestCase):
    """What is taken, and what is not."""

    def test_taken(self) -> None:
        """An address, and nothing."""
        for url in ("http://127.0.0.1:4180/auth?x=1", "https://auth.example", "http://[::1]/"):
            found = loaded(forward_auth={"url": url, "copy_headers": ["X-User"]})["forward_auth"]
            self.assertFalse(found.nothing)
        self.assertTrue(loaded(forward_auth={})["forward_auth"].nothing)

    def test_refused(self) -> None:
        """What is no address, and fields that frame a message."""
        good = {"url": "http://a/"}
        wrong: tuple[tuple[Any, str], ...] = (
            ({"url": "ftp://a"}, "forward_auth.url"),
            ({"url": "http://a/ b"}, "forward_auth.url"),
            ({"url": "http://a\r\nb"}, "forward_auth.url"),
            ({"copy_headers": "X-A"}, "forward_auth.url"),
            ({**good, "copy_headers": ["Content-Length"]}, "forward_auth.copy_headers[0]"),
            ({**good, "copy_headers": ["Transfer_Encoding"]}, "forward_auth.copy_headers[0]"),
            ({**good, "copy_headers": ["Host"]}, "forward_auth.copy_headers[0]"),
            ({**good, "copy_headers": "a: b"}, "forward_auth.copy_headers"),
        )
        for value, field in wrong:
            problems = refused("forward_auth", value)
            self.assertEqual([problem.field for problem in problems], [field], value)
