"""What applies to a route."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import L7Policy, PolicyAction
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.pool import Pool
from fiberlb.treatment.draft import Surroundings
from fiberlb.treatment.treatment import Treatment, faults, treatment
from tests.support.treated import loaded
from tests.treatment.test_variables import asked

HEAD = b"HTTP/1.1 200 OK\r\n"


def edit(value: str) -> dict[str, Any]:
    """C{X} set to this in requests."""
    return {"request_headers": {"set": {"X": value}}}


class NearestTests(SynchronousTestCase):
    """Of each key the nearest applies."""

    def made(self, listener: Any = None, pool: Any = None, policy: Any = None) -> Treatment | None:
        """The treatment of a route through objects with these keys."""
        given: dict[str, Any] = {"id": "l", "port": 1, "protocol": ListenerProtocol.HTTP}
        return treatment(
            Listener(**given, **loaded(**(listener or {}))),
            None if pool is None else Pool(id="p", **loaded(**pool)),
            None
            if policy is None
            else L7Policy(id="q", action=PolicyAction.REJECT, **loaded(**policy)),
            Surroundings(None, {}),
        )

    def sent(self, *objects: Any) -> bytes:
        """What members get after the request line."""
        found = self.made(*objects)
        assert found is not None
        return found.request(asked(), b"GET / HTTP/1.1\r\n\r\n")[16:]

    def test_nothing(self) -> None:
        """Where nobody says anything there is no treatment at all."""
        self.assertIsNone(self.made({}, {}, {}))
        self.assertIsNone(self.made())

    def test_nearest(self) -> None:
        """Policy before pool before listener, and they do not add up."""
        one, two, three = (edit(word) for word in ("one", "two", "three"))
        self.assertEqual(self.sent(one), b"X: one\r\n\r\n")
        self.assertEqual(self.sent(one, two), b"X: two\r\n\r\n")
        self.assertEqual(self.sent(one, two, three), b"X: three\r\n\r\n")
        self.assertEqual(self.sent(one, {}, three), b"X: three\r\n\r\n")
        self.assertEqual(self.sent(one, {}, {}), b"X: one\r\n\r\n")
        self.assertIsNone(self.made(one, {"request_headers": {}}))

    def test_each_key(self) -> None:
        """One object's key does not hide another one's other key."""
        found = self.made(edit("one"), {"response_headers": {"set": {"Y": "2"}}})
        assert found is not None
        self.assertEqual(found.request(asked(), b"A\r\n\r\n"), b"A\r\nX: one\r\n\r\n")
        self.assertEqual(found.answer(asked(added=b""), HEAD), HEAD + b"Y: 2\r\n")

    def test_added(self) -> None:
        """Lines of gates come before the configuration's last word."""
        found = self.made({"response_headers": {"remove": ["Z"]}})
        assert found is not None
        self.assertEqual(found.answer(asked(added=b"Z: 1\r\nW: 2\r\n"), HEAD), HEAD + b"W: 2\r\n")

    def test_repeats(self) -> None:
        """Only what is another value for each request has to be looked at each time."""
        for value, repeats in (("a", True), ("{client_ip}{host}", True), ("{request_id}", False)):
            found = self.made(edit(value))
            assert found is not None
            self.assertEqual(found.repeats, repeats)

    def test_faults(self) -> None:
        """What only compiling shows; of these keys nothing."""
        self.assertEqual(faults(Pool(id="p", **loaded(**edit("a")))), [])
