"""Header fields as they are configured."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.header_edits import FRAMING, VARIABLES, spelled
from tests.support.treated import loaded, refused


class LoadTests(SynchronousTestCase):
    """What is taken, and what is not."""

    def told(self, key: str, value: object) -> list[str]:
        """What is wrong."""
        return [f"{problem.field}: {problem.message}" for problem in refused(key, value)]

    def test_taken(self) -> None:
        """Names and values, one name for a list of one, every variable; braces of other kinds."""
        every = " ".join(f"{{{name}}}" for name in VARIABLES)
        document = {"set": {"X-A": every}, "add": {"NEL": '{"a": 1}'}, "remove": "Server"}
        found = loaded(response_headers=document)["response_headers"]
        self.assertEqual(found.set, (("X-A", every),))
        self.assertEqual(found.add, (("NEL", '{"a": 1}'),))
        self.assertEqual(found.remove, ("Server",))

    def test_variables(self) -> None:
        """One that is not known is refused, with the one that was meant."""
        (problem,) = refused("request_headers", {"set": {"X": "a {client_id} b"}})
        self.assertIn("{client_id} is not one of {client_ip}, ", problem.message)
        self.assertEqual(problem.suggestion, "{client_ip}")
        self.assertEqual(problem.path, ("request_headers", "set", "X"))

    def test_injection(self) -> None:
        """Neither a name nor a value can end its line, or begin another one."""
        for bad in ("a\r\nb", "a\nb", "a\rb", "a\0b", "\x7f", "\x85", "\ud800", "a\x0bb"):
            for key in ("request_headers", "response_headers"):
                for word in ("set", "add"):
                    self.assertEqual(len(refused(key, {word: {"X": bad}})), 1, (word, bad))
                    self.assertEqual(len(refused(key, {word: {bad: "x"}})), 1, (word, bad))
                self.assertEqual(len(refused(key, {"remove": [bad]})), 1, bad)
        for bad in ("", "a b", "a:", " a", "é", "a(b)"):
            self.assertEqual(len(refused("request_headers", {"remove": [bad]})), 1, bad)

    def test_framing(self) -> None:
        """What says how a message is read stays as it is, in any spelling."""
        names = [*FRAMING, "CONTENT-LENGTH", "Transfer_Encoding", "content_length"]
        for name in names:
            for key in ("request_headers", "response_headers"):
                cases: tuple[Any, ...] = (
                    {"set": {name: "x"}},
                    {"add": {name: "x"}},
                    {"remove": [name]},
                )
                for value in cases:
                    (told,) = self.told(key, value)
                    self.assertIn(f"{name} cannot be changed here", told)
        for name in ("Host", "Expect"):
            self.assertEqual(len(refused("request_headers", {"remove": [name]})), 1)
            self.assertEqual(refused("response_headers", {"remove": [name]}), [])

    def test_between(self) -> None:
        """A field is not removed and set, nor set to nothing; names are given once."""
        wrong: tuple[Any, ...] = (
            {"set": {"X-A": "1"}, "remove": ["x_a"]},
            {"set": {"X-A": " "}},
            {"set": {"X-A": ""}},
            {"set": {"X-A": "1", "x-a": "2"}},
            {"sett": {}},
        )
        for value in wrong:
            self.assertEqual(len(refused("request_headers", value)), 1, value)

    def test_spelled(self) -> None:
        """Case and underscores are the same."""
        self.assertEqual(spelled("X_Forwarded-FOR"), "x-forwarded-for")
