"""Rewriting as it is configured."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.treated import loaded, refused


class RewriteTests(SynchronousTestCase):
    """What is taken, and what is not."""

    def test_taken(self) -> None:
        """Each key, and none."""
        for value in (
            {},
            {"prefix": ["/a", "/"]},
            {"prefix": ["/", "/b/"], "host": "member"},
            {"regex": ["^/u/([0-9]+)$", "/users/\\1"]},
            {"regex": ["x", "$0"], "host": "a.example:81"},
            {"host": "[::1]:8080"},
        ):
            found = loaded(rewrite=value)["rewrite"]
            self.assertEqual(found.host, value.get("host", "keep"))

    def test_refused(self) -> None:
        """What is no path, what is no pair, both at once, and whatever could end a line."""
        wrong: tuple[tuple[Any, str], ...] = (
            ({"prefix": "/a"}, "rewrite.prefix"),
            ({"prefix": ["/a"]}, "rewrite.prefix"),
            ({"prefix": ["a", "/b"]}, "rewrite.prefix[0]"),
            ({"prefix": ["/a", "b"]}, "rewrite.prefix[1]"),
            ({"prefix": ["/a", "/b?c"]}, "rewrite.prefix[1]"),
            ({"prefix": ["/a", "/b c"]}, "rewrite.prefix[1]"),
            ({"prefix": ["/a", "/b\r\nX: y"]}, "rewrite.prefix[1]"),
            ({"prefix": ["/a", "/%zz"]}, "rewrite.prefix[1]"),
            ({"regex": ["a", "/b?c"]}, "rewrite.regex[1]"),
            ({"regex": ["a", "/\n"]}, "rewrite.regex[1]"),
            ({"regex": ["a", "/é"]}, "rewrite.regex[1]"),
            ({"regex": ["a", "/"], "prefix": ["/a", "/b"]}, "rewrite.regex"),
            ({"host": "a b"}, "rewrite.host"),
            ({"host": "a\r\nb"}, "rewrite.host"),
            ({"host": ""}, "rewrite.host"),
            ({"host": "http://a"}, "rewrite.host"),
        )
        for value, field in wrong:
            problems = refused("rewrite", value)
            self.assertEqual([problem.field for problem in problems], [field], value)
