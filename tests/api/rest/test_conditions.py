"""Entity tags in requests."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.test.requesthelper import DummyRequest

from fiberlb.api.rest.conditions import condition, not_modified, quoted
from fiberlb.api.rest.problem import Refused
from fiberlb.control.operations import Condition
from tests.api.rest.asking import Asking


def request(**fields: str | list[str]) -> Any:
    """A request with these fields, C{_} for C{-}."""
    made = DummyRequest([b""])
    made.requestHeaders = Headers()
    for name, value in fields.items():
        lines = value if isinstance(value, list) else [value]
        made.requestHeaders.setRawHeaders(name.replace("_", "-"), lines)
    return made


class ConditionTests(SynchronousTestCase):
    """If-Match and If-None-Match."""

    def test_absent(self) -> None:
        """No field, no condition."""
        self.assertEqual(condition(request()), Condition())

    def test_tags(self) -> None:
        """One or several, in one line or in several, with a comma within; or anything."""
        for field, tags in (
            ('"1"', ("1",)),
            ('"1", "2-a"', ("1", "2-a")),
            ('"1","a,b"', ("1", "a,b")),
            (['"1"', '"2"'], ("1", "2")),
            ('""', ("",)),
            ("*", ("*",)),
        ):
            self.assertEqual(condition(request(if_match=field)).match, tags)

    def test_weak(self) -> None:
        """Weak tags count in one comparison, not in the other."""
        found = condition(request(if_match='W/"1", "2"', if_none_match='W/"1"'))
        self.assertEqual(found, Condition(("2",), ("1",)))
        self.assertEqual(condition(request(if_match='W/"1"')).match, ())

    def test_malformed(self) -> None:
        """Anything else is refused rather than ignored."""
        for field in ("1", '"1', '"1" "2"', '"1";', '*, "1"', ",", 'w/"1"'):
            self.assertRaises(Refused, condition, request(if_match=field))

    def test_not_modified(self) -> None:
        """A reader who has the tag, or anything."""
        for field, known in (('"1", W/"2"', True), ('"3"', False), ("*", True)):
            self.assertEqual(not_modified(request(if_none_match=field), "2"), known)
        self.assertFalse(not_modified(request(), "2"))
        self.assertEqual(quoted("2"), '"2"')


class MalformedTests(Asking):
    """As an answer."""

    def test_answer(self) -> None:
        """400."""
        self.refusal(self.ask("POST", "/v1/pools", {}, If_Match="1"), 400, "invalid")
        self.refusal(self.ask("GET", "/v1/pools", If_None_Match="1"), 400, "invalid")
