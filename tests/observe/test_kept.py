"""The ring of FiberLB's own answers."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.observe.kept import LONGEST, Kept, Sought
from tests.observe.rows import entry


class KeptTests(SynchronousTestCase):
    """What is found, and what is not any more."""

    def row(self, ident: str, **fields: Any) -> Any:
        """A row with an id."""
        return tuple(entry(request_id=ident, **fields))

    def test_found(self) -> None:
        """All of it but the head of the request."""
        kept = Kept()
        secret = b"\r\nAuthorization: x\r\n"
        kept.keep(
            self.row("a", reason="connect_refused", target=b"/\xff", block=secret, total=1.25),
            (("m1", "connect_refused", "refused", 0.5),),
        )
        found = kept.find("a")
        assert found is not None
        self.assertEqual((found["reason"], found["target"]), ("connect_refused", "/\\xff"))
        self.assertEqual(
            found["attempts"],
            [{"member": "m1", "reason": "connect_refused", "detail": "refused", "after": 0.5}],
        )
        self.assertEqual(found["times"]["total"], 1.25)
        self.assertNotIn("Authorization", str(found))
        self.assertIsNone(kept.find("b"))

    def test_last(self) -> None:
        """The last ones first, those that are sought, from a place on."""
        kept = Kept()
        for index, ident in enumerate("abcd"):
            fields = {"status": 503 if index % 2 else 502, "reason": "no_members"}
            row = self.row(ident, started=float(index), total=0.5, **fields)
            kept.keep(row, ())

        def found(before: str = "", **sought: Any) -> str:
            return "".join(one["id"] for one in kept.last(Sought(**sought), before))

        self.assertEqual(found(), "dcba")
        self.assertEqual(found("c"), "ba")
        self.assertEqual(found("gone"), "dcba")
        self.assertEqual(found(since=2.4), "dc")
        self.assertEqual(found(status="503"), "db")
        self.assertEqual((found(status="5xx"), found(status="4xx")), ("dcba", ""))
        both = {"listener": "front", "client": "192.0.2.7", "reason": "no_members"}
        self.assertEqual(found(**both), "dcba")
        for name in both:
            self.assertEqual(found(**{**both, name: "other"}), "", name)

    def test_without_id(self) -> None:
        """What bears no id is not kept."""
        kept = Kept()
        kept.keep(self.row(""), ())
        self.assertEqual(len(kept), 0)

    def test_bounds(self) -> None:
        """The oldest go when there are too many, or too large ones."""
        kept = Kept(most=3)
        for ident in "abcd":
            kept.keep(self.row(ident), ())
        self.assertEqual([kept.find(i) is not None for i in "abcd"], [False, True, True, True])
        kept = Kept(octets=3 * LONGEST)
        for ident in "abcd":
            kept.keep(self.row(ident, target=b"x" * 10 * LONGEST), ())
        self.assertEqual(len(kept), 2)
        self.assertEqual(len(kept.find("d")["target"]), LONGEST)  # type: ignore[index]
