"""The ring of FiberLB's own answers."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.observe.kept import LONGEST, Kept
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
