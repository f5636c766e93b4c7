"""Reading bodies strictly."""

from __future__ import annotations

import json

from fiberlb.api.rest.bodies import LARGEST, parsed
from fiberlb.api.rest.problem import Refused
from tests.api.rest.asking import Answer, Asking


class MediaTests(Asking):
    """Media types: what a page of another origin can send without asking is refused."""

    def sent(self, media: str | None, method: str = "POST") -> Answer:
        """A write with a media type."""
        return self.ask(method, "/v1/pools", raw=b"{}", media=media)

    def test_taken(self) -> None:
        """JSON, in UTF-8."""
        for media in (
            "application/json",
            "Application/JSON; charset=utf-8",
            'application/json;charset="UTF-8"',
        ):
            self.assertEqual(self.sent(media).status, 201, media)

    def test_refused(self) -> None:
        """Everything else: 415."""
        for media in (
            None,
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=latin-1",
            "application/merge-patch+json",
            "text/plain; application/json",
        ):
            self.refusal(self.sent(media), 415, "media_type")

    def test_encoded(self) -> None:
        """No content encoding."""
        found = self.ask("POST", "/v1/pools", raw=b"{}", Content_Encoding="gzip")
        self.refusal(found, 415, "media_type")


class ContentTests(Asking):
    """What is in a body."""

    def test_malformed(self) -> None:
        """400 with what is wrong, for each kind of nonsense."""
        for raw, words in (
            (b"", "line 1, column 1"),
            (b"{", "line 1, column 2"),
            (b"{}x", "Extra data"),
            (b"\xff", "not UTF-8"),
            (b"\xef\xbb\xbf{}", "BOM"),
            (b'{"a": 1, "a": 1}', "'a' stands twice"),
            (b'{"x": {"a": 1, "b": 1, "a": 2}}', "'a' stands twice"),
            (b'{"a" :1,"a":2,"b":"\\":"}', "'a' stands twice"),
            (b'[{"a"\n:1,"a":2},"\\":"]', "'a' stands twice"),
            (b'{"a":"\\":\\":","a":{}}', "'a' stands twice"),
            (b'{"a": NaN}', "NaN is not JSON"),
            (b'{"a": -Infinity}', "-Infinity is not JSON"),
            (b'{"a": 1e999}', "1e999 is out of range"),
            (b'{"a": ' + b"9" * 5000 + b"}", "too many digits"),
            (b'{"a": "\\ud800"}', "surrogate"),
            (b'{"\\udfff": 1}', "surrogate"),
            (b"[" * 100000, "nested too deeply"),
        ):
            found = self.ask("POST", "/v1/pools", raw=raw)
            document = self.refusal(found, 400, "malformed")
            self.assertIn(words, document["detail"])

    def test_not_a_mapping(self) -> None:
        """JSON of another form is wrong as a whole."""
        several: tuple[object, ...] = ([], 1, True, "x")
        for wrong in several:
            found = self.ask("POST", "/v1/pools", wrong)
            self.refusal(found, 400, "invalid")
            self.assertEqual(found.errors, [("", "must be a mapping")])

    def test_largest(self) -> None:
        """One byte beyond the limit is 413; at the limit it is read."""
        body = json.dumps({"description": ""}).encode()
        self.assertEqual(
            self.ask("POST", "/v1/pools", raw=body + b" " * (LARGEST - len(body))).status, 201
        )
        found = self.ask("POST", "/v1/pools", raw=body + b" " * (LARGEST - len(body) + 1))
        self.refusal(found, 413, "too_large")

    def test_parsed(self) -> None:
        """What is right comes out as it is."""
        text = '{"a": [1, 2.5, -3e2, null, true, "\\ud83d\\ude00"]}'
        self.assertEqual(parsed(text), {"a": [1, 2.5, -300.0, None, True, "\N{GRINNING FACE}"]})
        self.assertRaises(Refused, parsed, "")

    def test_once(self) -> None:
        """What looks like keys, and blanks before colons, are no keys twice."""
        for text, value in (
            ('{"a":"\\":","b":"x:"}', {"a": '":', "b": "x:"}),
            ('{"a" : 1, "b"\t:[{"a"\n:2}]}', {"a": 1, "b": [{"a": 2}]}),
            ('["a:", " :", {"": {"": []}}]', ["a:", " :", {"": {"": []}}]),
            ('{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
            ("7", 7),
        ):
            self.assertEqual(parsed(text), value)
