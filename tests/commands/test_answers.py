"""Tests of fiberlb.commands.answers."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.answers import Fetch, followed, line
from fiberlb.commands.exits import REFUSED, UNREACHABLE
from tests.commands.answering import Answering


def answer(ident: str, second: int = 0, **fields: Any) -> dict[str, Any]:
    """One, as the API tells it."""
    return {
        "id": ident,
        "at": f"2026-11-27T21:00:{second:02}Z",
        "listener": "front",
        "client": "192.0.2.9",
        "method": "GET",
        "target": "/api",
        "status": 502,
        "reason": "connect_refused",
        "detail": "",
        "policy": None,
        "pool": "apis",
        "attempts": [{"member": "a:80"}, {"member": "b:80"}],
        "times": {"total": 0.25},
        **fields,
    }


class FollowedTests(SynchronousTestCase):
    """What is shown, and when."""

    def test_follow(self) -> None:
        """The last ones, then each that comes once; asked for from a little earlier on."""
        asked: list[str | None] = []
        steps = [["c", "b", "a"], [], ["d", "c"], ["f", "e", "d"]]

        def fetch(since: str | None) -> list[dict[str, Any]]:
            asked.append(since)
            return [answer(one, 9 * (ord(one) - 96)) for one in steps.pop(0)]

        self.assertEqual(self.shown(fetch, 2, lambda: bool(steps)), "bcdef")
        times = [f"2026-11-27T21:00:{second}Z" for second in ("22", "22", "31")]
        self.assertEqual(asked, [None, *times])

    def shown(self, fetch: Fetch, lines: int, goes_on: Any, words: str = "") -> str:
        """The ids, until it does not go on."""

        class _Over(Exception):
            pass

        def pause() -> None:
            if not goes_on():
                raise _Over

        found = []
        try:
            for one in followed(fetch, lines, lambda one: words in one["id"], pause):
                found.append(one["id"])
        except _Over:
            pass
        return "".join(found)

    def test_end(self) -> None:
        """Without following, and with none wanted of those that there are."""

        def fetch(since: str | None) -> list[dict[str, Any]]:
            return [answer("b"), answer("a")]

        for lines, ids in ((5, ["a", "b"]), (1, ["b"]), (0, [])):
            found = followed(fetch, lines, lambda one: True, None)
            self.assertEqual([one["id"] for one in found], ids)
        self.assertEqual(self.shown(fetch, 5, lambda: False, "a"), "a")

    def test_line(self) -> None:
        """What is there, in one line that no terminal takes for a command."""
        self.assertEqual(
            line(answer("1f", target="/\x9b\n")),
            "2026-11-27T21:00:00Z front 192.0.2.9 GET /?? 502 connect_refused pool=apis"
            " tried=a:80,b:80 1f",
        )


class TailTests(Answering):
    """C{fiberlb tail} over the API."""

    def test_shown(self) -> None:
        """What is sought goes to the API; what is in the lines is looked for here."""
        self.serve({"items": [answer("2b"), answer("1a")]})
        words = ("--listener", "front", "--status", "5xx", "--client", "192.0.2.9")
        found = self.run_command("tail", "--no-follow", *words, "--grep", "1a")
        self.assertEqual(found.exit_code, 0, found.output)
        self.assertEqual(found.output, line(answer("1a")) + "\n")
        query = "limit=1000&listener=front&status=5xx&client=192.0.2.9"
        self.assertEqual(self.targets, [f"/v1/requests?{query}"])

    def test_json(self) -> None:
        """A document in each line."""
        self.serve({"items": [answer("2b"), answer("1a")]})
        found = self.run_command("tail", "--no-follow", "-o", "json")
        told = [json.loads(text) for text in found.output.splitlines()]
        self.assertEqual(told, [answer("1a"), answer("2b")])

    def test_refused(self) -> None:
        """By the API, or because nobody is there."""
        self.serve({"detail": "'no' is no reason code"}, 400)
        found = self.run_command("tail", "--reason", "no")
        self.assertEqual((found.exit_code, found.output), (REFUSED, "'no' is no reason code\n"))
        found = self.run_command("tail", "--url", "unix:/no/such/socket")
        self.assertEqual(found.exit_code, UNREACHABLE, found.output)
