"""Answers that a policy gives by itself."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.file_values import Reading
from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import Loading
from fiberlb.model.response import LARGEST_BODY, FixedResponse
from tests.model.documents import made, problems


class ResponseTests(SynchronousTestCase):
    """What an answer may be."""

    def test_defaults(self) -> None:
        """An empty text, which is well."""
        found = made(FixedResponse)
        self.assertEqual(
            (found.status, found.content_type, found.content), (200, "text/plain", b"")
        )

    def test_given(self) -> None:
        """Everything, in UTF-8; line ends are part of a body."""
        found = made(
            FixedResponse,
            status=503,
            content_type="text/html; charset=utf-8",
            headers={"Retry-After": "60", "X-Empty": ""},
            body="<p>spa\u0308ter\r\n</p>\n",
        )
        self.assertEqual(found.content, "<p>spa\u0308ter\r\n</p>\n".encode())
        made(FixedResponse, body="x" * LARGEST_BODY)

    def test_injection(self) -> None:
        """Nothing that ends a line, or is not what it seems, gets into a head."""
        for character in (
            "\r\nX: y",
            "\n",
            "\r",
            "\0",
            "\x0b",
            "\x85",
            "\u2028",
            "\t",
            "\x7f",
            "ö",
        ):
            for document in (
                {"headers": {"X": f"a{character}b"}},
                {"headers": {f"X{character}Y": "a"}},
                {"content_type": f"text/plain{character}"},
                {"content_type": f"text/plain;a={character}b"},
            ):
                self.assertEqual(len(problems(FixedResponse, document)), 1, document)
        for value in (" a", "a ", " "):
            self.assertIn("without blanks", problems(FixedResponse, {"headers": {"X": value}})[0])
        for name in ("", "a b", "a:", "(a)"):
            self.assertIn("not a header name", problems(FixedResponse, {"headers": {name: "x"}})[0])

    def test_refused(self) -> None:
        """Fields that FiberLB decides, bodies where there are none, and what is too large."""
        for name in ("Content-Length", "transfer-encoding", "Connection", "Upgrade"):
            found = problems(FixedResponse, {"headers": {name: "1"}})
            self.assertEqual(found, [f"headers.{name}: is set by FiberLB"])
        self.assertEqual(
            problems(FixedResponse, {"headers": {"content-type": "a/b"}}),
            ["headers.content-type: is said by content_type"],
        )
        for status in (204, 205, 304):
            made(FixedResponse, status=status)
            self.assertEqual(
                problems(FixedResponse, {"status": status, "body": "x"}),
                [f"body: does not go with status {status}"],
            )
        for status in (100, 101, 199, 600):
            self.assertEqual(
                problems(FixedResponse, {"status": status}), ["status: must be from 200 to 599"]
            )
        self.assertIn("65536 characters", problems(FixedResponse, {"body": "x" * 65537})[0])
        self.assertEqual(
            problems(FixedResponse, {"body": "ö" * 40000}), ["body: has more than 64KiB in UTF-8"]
        )


class FileTests(SynchronousTestCase):
    """Bodies in files."""

    def setUp(self) -> None:
        """A directory."""
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.loading = Loading(Reading(str(self.directory)))

    def load(self, **document: object) -> FixedResponse | None:
        """What is made of a document in a file of this directory."""
        return structure(FixedResponse, document, (), self.loading)

    def test_read(self) -> None:
        """Whatever octets they are; what is told of them is their name."""
        for name in ("a.png", "file:a.png"):
            (self.directory / "a.png").write_bytes(b"\x89PNG\r\n\0\xff")
            found = self.load(body_file=name, content_type="image/png")
            assert found is not None
            self.assertEqual(found.content, b"\x89PNG\r\n\0\xff")
            self.assertEqual(unstructure(found)["body_file"], "a.png")
            self.assertEqual(self.loading.files, {("body_file",): "a.png"})

    def test_refused(self) -> None:
        """One that is not there, is too large, or comes by the API."""
        (self.directory / "large").write_bytes(b"x" * (LARGEST_BODY + 1))
        (self.directory / "x").write_bytes(b"x")
        self.load(body_file="none")
        self.load(body_file="large")
        self.load(body_file="x", body="y")
        self.load(body_file="x", status=204)
        self.assertEqual(
            [str(problem) for problem in self.loading.problems],
            [
                "body_file: cannot read none: No such file or directory",
                "body_file: large has more than 64KiB",
                "body_file: body and body_file exclude each other",
                "body_file: does not go with status 204",
            ],
        )
        self.assertEqual(
            problems(FixedResponse, {"body_file": "x"}),
            ["body_file: is for the configuration file; send the text as body"],
        )
