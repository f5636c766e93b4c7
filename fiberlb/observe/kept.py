"""Answers that FiberLB made itself, kept for whoever asks why by the id that they bear."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

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
        if found is None:
            return None
        entry = Entry(*found[0])
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
                for member, reason, detail, after in found[1]
            ],
            "times": {
                name: round(getattr(entry, name), 6)
                for name in ("head", "queued", "connect", "response", "total")
            },
        }


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")
