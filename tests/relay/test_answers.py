"""The answers that FiberLB makes itself."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import REASONS
from fiberlb.model.l7 import REDIRECT_STATUSES
from fiberlb.relay import answers
from tests.wire.reading import response


class AnswerTests(SynchronousTestCase):
    """Their bytes."""

    def test_errors(self) -> None:
        """Each reason has a phrase, its code in the head, and code and id in the body."""
        for reason, status in REASONS.items():
            if status is None:
                continue
            data = answers.error(reason, None, "some-id", answers.CLOSE, False)
            found = response(data)
            assert found is not None
            self.assertEqual(found.status, status)
            self.assertGreater(len(found.reason), 3)
            self.assertIn(b"FiberLB-Reason-Code: " + reason.encode(), found.lines)
            self.assertEqual(data[found.end :], f"{reason} some-id\n".encode())
            self.assertEqual((found.length, found.keep), (len(data) - found.end, 0.0))

    def test_page(self) -> None:
        """Another body takes the place of the usual one, and nothing else changes."""
        page = (b"text/html", b"<p>sorry")
        for head_only in (False, True):
            data = answers.error("no_members", 503, "x", answers.CLOSE, head_only, page)
            found = response(data)
            assert found is not None
            for line in (b"Content-Type: text/html", b"Cache-Control: no-store"):
                self.assertIn(line, found.lines)
            self.assertEqual(found.length, 8)
            self.assertEqual(data[found.end :], b"" if head_only else page[1])

    def test_status_given(self) -> None:
        """A policy's own status wins; one without a phrase has an empty one."""
        for status, line in (
            (404, b"HTTP/1.1 404 Not Found\r\n"),
            (418, b"HTTP/1.1 418 I'm a Teapot\r\n"),
            (499, b"HTTP/1.1 499 \r\n"),
        ):
            data = answers.error("rejected", status, "x", answers.END, False)
            self.assertTrue(data.startswith(line))
            self.assertIs(answers.status_line(status), answers.status_line(status))

    def test_head_only(self) -> None:
        """To HEAD the body is described, not sent."""
        whole = answers.error("no_route", None, "x", answers.END, False)
        head = answers.error("no_route", None, "x", answers.END, True)
        self.assertEqual(whole, head + b"no_route x\n")

    def test_redirects(self) -> None:
        """A redirect has no body."""
        for status in REDIRECT_STATUSES:
            data = answers.redirect(status, b"https://a/", answers.KEEP_ALIVE)
            found = response(data)
            assert found is not None
            self.assertEqual((found.end, found.length), (len(data), 0))
            self.assertIn(b"Location: https://a/", found.lines)
            self.assertGreater(len(found.reason), 3)
