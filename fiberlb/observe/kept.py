"""Answers that FiberLB made itself, kept for whoever asks why by the id that they bear."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

import attrs

from fiberlb.observe.entry import Entry, Row

#: Answers kept, and octets that they take, about; the oldest go first.
MOST: Final = 10_000
MOST_OCTETS: Final = 8 * 1024 * 1024
#: Octets of a target that are kept.
LONGEST: Final = 2048
#: Octets that an answer takes beside its texts, about.
_FRAME: Final = 600

#: One member that was tried in vain: its name, the reason code, the words, and after which time.
Failure = tuple[str, str, str, float]


@attrs.frozen
class Sought:
    """
    Which of the answers are wanted; what is empty does not matter.

    @ivar listener: its name.
    @ivar client: the client's address.
    @ivar status: of the answer: C{503}, or C{5xx} for all of a class.
    @ivar reason: the reason code.
    @ivar since: they ended then or later, wall-clock seconds.
    """

    listener: str = ""
    client: str = ""
    status: str = ""
    reason: str = ""
    since: float = 0.0

    def takes(self, entry: Entry) -> bool:
        """Whether an answer is one of them."""
        status = str(entry.status)
        if self.status.endswith("xx"):
            status = f"{status[:1]}xx"
        return (
            self.listener in ("", entry.listener)
            and self.client in ("", entry.client)
            and self.status in ("", status)
            and self.reason in ("", entry.reason)
            and self.since <= ended(entry)
        )


def ended(entry: Entry) -> float:
    """When the last byte of an answer was sent, wall-clock seconds."""
    return entry.started + entry.total


class Kept:
    """
    The last answers of one process.

    @param most: of answers.
    @param octets: that they may take.
    """

    def __init__(self, most: int = MOST, octets: int = MOST_OCTETS) -> None:
        self._most = most
        self._octets = octets
        self._used = 0
        self._answers: OrderedDict[str, tuple[Row, tuple[Failure, ...], int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def keep(self, row: Row, failures: tuple[Failure, ...]) -> None:
        """Keep an answer; its head is not, for it may hold what is secret."""
        ident = row[15]
        if not ident or ident in self._answers:
            return
        target = row[5][:LONGEST]
        size = _FRAME + len(target) + len(row[23]) + sum(100 + len(one[2]) for one in failures)
        self._answers[ident] = ((*row[:5], target, row[6], b"", *row[8:]), failures, size)
        self._used += size
        while len(self._answers) > self._most or self._used > self._octets:
            _, (_, _, gone) = self._answers.popitem(last=False)
            self._used -= gone

    def find(self, ident: str) -> dict[str, Any] | None:
        """An answer as a document; C{None}: it is not kept, or not any more."""
        found = self._answers.get(ident)
        return None if found is None else self._document(ident)

    def last(self, sought: Sought, before: str = "") -> Iterator[dict[str, Any]]:
        """
        The answers that are sought as documents, the last one first.

        @param before: those before the answer of this id, as far as that is kept.
        """
        idents = reversed(self._answers)
        if before in self._answers:
            for ident in idents:
                if ident == before:
                    break
        for ident in idents:
            entry = Entry(*self._answers[ident][0])
            if sought.takes(entry):
                yield self._document(ident)

    def _document(self, ident: str) -> dict[str, Any]:
        row, failures, _ = self._answers[ident]
        entry = Entry(*row)
        return {
            "id": ident,
            "at": entry.started,
            "listener": entry.listener,
            "client": entry.client,
            "client_port": entry.client_port,
            "method": _text(entry.method),
            "target": _text(entry.target),
            "secure": entry.secure,
            "sni": None if entry.sni is None else _text(entry.sni),
            "status": entry.status or None,
            "reason": entry.reason,
            "detail": entry.detail,
            "policy": entry.policy or None,
            "pool": entry.pool or None,
            "member": entry.member or None,
            "tries": entry.tries,
            "attempts": [
                {"member": member, "reason": reason, "detail": detail, "after": round(after, 6)}
                for member, reason, detail, after in failures
            ],
            "times": {
                name: round(getattr(entry, name), 6)
                for name in ("head", "queued", "connect", "response", "total")
            },
        }


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")
