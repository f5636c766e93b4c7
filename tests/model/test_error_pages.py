"""Error pages as they are configured."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import kinds
from fiberlb.model.error_pages import PROBLEM_JSON
from fiberlb.model.fields import REFUSED, Loading
from fiberlb.model.pool import Pool
from fiberlb.model.response import LARGEST_BODY, BodyFile
from tests.support.treated import loaded, refused

FILES = {"a.html": "<p>a", "large.html": "x" * (LARGEST_BODY + 1)}


def read(name: str) -> str:
    """The content of a file that is there."""
    if name not in FILES:
        raise FileNotFoundError(2, "No such file or directory")
    return FILES[name]


class ErrorPagesTests(SynchronousTestCase):
    """What is taken, and what is not."""

    def test_taken(self) -> None:
        """Statuses as numbers or words, classes, files and the word; what was read is written."""
        given = {503: "file:a.html", "4XX": "problem_json", "5xx": "problem_json"}
        made = loaded(FILES, error_pages=given)["error_pages"]
        page = BodyFile("a.html", b"<p>a")
        wanted = (("4xx", PROBLEM_JSON), ("503", page), ("5xx", PROBLEM_JSON))
        self.assertEqual(made, wanted)
        written = kinds(Pool)["error_pages"].dump(made)
        wished = {"4xx": PROBLEM_JSON, "503": "file:a.html", "5xx": PROBLEM_JSON}
        self.assertEqual(written, wished)
        self.assertEqual(loaded(FILES, error_pages=written)["error_pages"], wanted)
        self.assertEqual(loaded(error_pages={})["error_pages"], ())

    def test_refused(self) -> None:
        """Each at its status."""
        wrong: tuple[tuple[Any, str], ...] = (
            ({"200": PROBLEM_JSON}, "error_pages.200: must be a status from 400 to 599"),
            ({"50x": PROBLEM_JSON}, "error_pages.50x: must be a status from 400 to 599"),
            ({"503": PROBLEM_JSON, 503: PROBLEM_JSON}, "error_pages.503: 503 is given twice"),
            ({"503": "problem-json"}, "error_pages.503: must be problem_json or file:PATH"),
            ({"503": "file:"}, "error_pages.503: must be problem_json or file:PATH"),
            ({"503": "file:none"}, "error_pages.503: cannot read none: No such file"),
            ({"503": "file:large.html"}, "error_pages.503: large.html has more than 64KiB"),
            (["503"], "error_pages: must be a mapping"),
        )
        for value, told in wrong:
            loading = Loading(read)
            found = kinds(Pool)["error_pages"].load(value, ("error_pages",), loading)
            self.assertIs(found, REFUSED)
            (problem,) = loading.problems
            self.assertTrue(str(problem).startswith(told), problem)

    def test_no_files(self) -> None:
        """Through the API no file can be named."""
        (problem,) = refused("error_pages", {"503": "file:/etc/passwd"})
        self.assertIn("is for the configuration file", problem.message)

    def test_watched(self) -> None:
        """Where the name stands is known, as for every file that a configuration names."""
        loading = Loading(read)
        kinds(Pool)["error_pages"].load({"503": "file:a.html"}, ("error_pages",), loading)
        self.assertEqual(loading.files, {("error_pages", "503"): "a.html"})
