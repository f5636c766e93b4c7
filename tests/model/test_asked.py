"""Requests that nobody sends."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.asked import Asked
from fiberlb.model.convert import structure
from fiberlb.model.fields import Loading


class AskedTests(SynchronousTestCase):
    """What documents mean."""

    def loaded(self, **fields: Any) -> tuple[Asked | None, list[str]]:
        """The request of a document, and what is wrong with it."""
        loading = Loading()
        found = structure(Asked, fields, (), loading)
        return found, [str(problem) for problem in loading.problems]

    def asked(self, url: str) -> Asked:
        """A request of a URL."""
        found, problems = self.loaded(url=url)
        assert found is not None, problems
        return found

    def test_parts(self) -> None:
        """Where a URL leads, and what is sent there."""
        for url, scheme, host, port, target in (
            ("https://A.example/x?y", "https", "a.example", 443, "/x?y"),
            ("http://a.example:81", "http", "a.example", 81, "/"),
            ("http://[::1]:81?q", "http", "::1", 81, "/?q"),
            ("/x", "", "", None, "/x"),
            ("*", "", "", None, "*"),
        ):
            found = self.asked(url)
            parts = (found.scheme, found.host, found.port, found.target)
            self.assertEqual(parts, (scheme, host, port, target), url)

    def test_refused(self) -> None:
        """All that is wrong, at once."""
        for url in ("x", "ftp://a/", "http://a:x/", "http:///x", ""):
            self.assertEqual(len(self.loaded(url=url)[1]), 1, url)
        wrong = self.loaded(method="G T", from_ip="a", headers={"a b": "x"})[1]
        self.assertEqual(len(wrong), 3)
