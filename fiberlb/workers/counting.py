"""
What is counted in which place of a page: written by workers, added up by control.

A member has one place, a pool with limits one, a listener three, the reason codes share a few; what
each of the four numbers means is said here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from fiberlb.errors import REASONS
from fiberlb.model.l7 import L7Policy
from fiberlb.model.listener import Listener
from fiberlb.model.mirror import targets
from fiberlb.model.pool import Pool
from fiberlb.relay.states import Load
from fiberlb.snapshot import Snapshot
from fiberlb.workers.pages import BEAT, NOTHING, Figures, Page, Places, total

#: Names of a member's numbers: two gauges, two totals.
MEMBER = ("sessions", "in_flight", "requests", "failures")
#: Of a listener's first place: a gauge, a number not in use, two totals.
LISTENER = ("connections", "", "accepted", "requests")
#: Of its others, all totals: answers by the first digit of their status, then octets of bodies.
FURTHER = (
    ("answers_none", "answers_1xx", "answers_2xx", "answers_3xx"),
    ("answers_4xx", "answers_5xx", "sent", "received"),
)
#: Of a listener of datagrams, two more, all totals.
OF_DATAGRAMS = (
    ("datagrams_received", "datagrams_sent", "dropped_denied", "dropped_limit"),
    ("dropped_no_member", "dropped_too_large", "dropped_buffer_full", "dropped_unreachable"),
)
#: How a worker keeps up: two gauges, a total; then microseconds that what is ready waits.
LOAD, LAG = "load", "lag"
#: A place whose name has this in it holds nothing but totals.
_TOTALS = "/"
_REASONS = tuple(sorted(REASONS))
_GROUPS = [_REASONS[start : start + 4] for start in range(0, len(_REASONS), 4)]


def listener_rows(ident: str, cell: Any) -> Iterator[tuple[str, Figures]]:
    """What a listener's cell (L{fiberlb.relay.runtime.Cell}) has counted, for its places."""
    found = cell.figures()
    yield ident, (found["connections"], 0, found["accepted"], found["requests"])
    rows = (*FURTHER, *OF_DATAGRAMS) if OF_DATAGRAMS[0][0] in found else FURTHER
    for number, (one, two, three, four) in enumerate(rows, 1):
        figures = (found[one], found[two], found[three], found[four])
        yield f"{ident}{_TOTALS}{number}", figures


def reason_rows(reasons: Mapping[str, int]) -> Iterator[tuple[str, Figures]]:
    """How often each reason code was given, as rows."""
    for number, group in enumerate(_GROUPS):
        counts = [reasons.get(reason, 0) for reason in group]
        one, two, three, four = [*counts, 0, 0, 0][:4]
        if one or two or three or four:
            yield f"reasons{_TOTALS}{number}", (one, two, three, four)


def load_rows(load: Any) -> Iterator[tuple[str, Figures]]:
    """How a worker keeps up (L{fiberlb.relay.states.Load}), as rows."""
    yield LOAD, (load.closing, load.refusing, load.periods, 0)
    yield LAG, (int(load.lag * 1_000_000), 0, 0, 0)


def queue_name(pool_id: str) -> str:
    """What the place of a pool's queue is called; its first number: how many wait."""
    return f"queue {pool_id}"


def copies_name(pool_id: str) -> str:
    """What the place of a pool's copies of requests is called: sent, dropped, failed."""
    return f"copies{_TOTALS}{pool_id}"


def _mirrors(snapshot: Snapshot) -> list[str]:
    """The pools that get copies of requests."""
    all_of = snapshot.configuration.all
    return targets(chain.from_iterable(all_of(c).values() for c in (Listener, Pool, L7Policy)))


def counted(snapshot: Snapshot) -> list[str]:
    """The names of everything that has a place while a snapshot is in force."""
    names = [LOAD, LAG]
    names += [m.id for plan in snapshot.pools.values() for m in plan.members]
    names += [queue_name(ident) for ident, plan in snapshot.pools.items() if plan.limited]
    names += [copies_name(ident) for ident in _mirrors(snapshot)]
    for ident, listener in snapshot.listeners.items():
        names.append(ident)
        rows = len(FURTHER) + (len(OF_DATAGRAMS) if listener.listener.datagrams else 0)
        names += [f"{ident}{_TOTALS}{number}" for number in range(1, rows + 1)]
    return [*names, *(f"reasons{_TOTALS}{number}" for number, _ in enumerate(_GROUPS))]


class Counting:
    """
    Control's side: the sums over all workers, also over those that have ended.

    @param pages: the pages of the workers that live.

    @ivar places: which object has which place.
    """

    def __init__(self, pages: Callable[[], Iterable[Page]]) -> None:
        self.places = Places()
        self._pages = pages
        self._past: dict[str, Figures] = {}
        self._past_beat: Figures = NOTHING

    def assign(self, names: Collection[str], serial: int, oldest: int) -> Mapping[str, int]:
        """
        Places for these, as of L{Places.assign}.

        @return: all that are held.
        """
        for place in self.places.assign(names, serial, oldest):
            for page in self._pages():
                page.write(place, NOTHING)
        held = self.places.held
        self._past = {name: past for name, past in self._past.items() if name in held}
        return dict(held)

    def keep(self, page: Page) -> None:
        """A worker has ended: its totals stay."""
        beat = page.read(BEAT)
        self._past_beat = (0, 0, self._past_beat[2] + beat[2], self._past_beat[3] + beat[3])
        for name, place in self.places.held.items():
            found = page.read(place)
            if found != NOTHING:
                gauges = NOTHING if _TOTALS in name else (found[0], found[1], 0, 0)
                past = total([self._past.get(name, NOTHING), found])
                self._past[name] = (past[0] - gauges[0], past[1] - gauges[1], past[2], past[3])

    def sum(self, name: str) -> Figures:
        """The numbers of one name; all zero if it is not known."""
        place = self.places.held.get(name)
        past = self._past.get(name, NOTHING)
        return total([past, *(p.read(place) for p in self._pages())]) if place else past

    def member(self, ident: str) -> Mapping[str, int]:
        """What a member has, by the names of L{MEMBER}."""
        return dict(zip(MEMBER, self.sum(ident), strict=True))

    def pool(self, ident: str) -> Mapping[str, int]:
        """What a pool has: C{queued}, and what became of copies of requests."""
        sent, dropped, failed, _ = self.sum(copies_name(ident))
        copies = {"copies_sent": sent, "copies_dropped": dropped, "copies_failed": failed}
        return {"queued": self.sum(queue_name(ident))[0], **copies}

    def listener(self, ident: str) -> Mapping[str, int]:
        """What a listener has, by the names of L{LISTENER}, L{FURTHER} and L{OF_DATAGRAMS}."""
        found = dict(zip(LISTENER, self.sum(ident), strict=True))
        del found[""]
        last = f"{ident}{_TOTALS}{len(FURTHER) + len(OF_DATAGRAMS)}"
        rows = (*FURTHER, *OF_DATAGRAMS) if last in self.places.held else FURTHER
        for number, names in enumerate(rows, 1):
            found.update(zip(names, self.sum(f"{ident}{_TOTALS}{number}"), strict=True))
        return found

    def reasons(self) -> Mapping[str, int]:
        """How often each reason code was given, those that were."""
        found: dict[str, int] = {}
        for number, group in enumerate(_GROUPS):
            sums = self.sum(f"reasons{_TOTALS}{number}")
            found.update({r: count for r, count in zip(group, sums, strict=False) if count})
        return found

    def load(self) -> Load:
        """How the workers keep up."""
        closing, refusing, periods, _ = self.sum(LOAD)
        place = self.places.held.get(LAG)
        longest = max([p.read(place)[0] for p in self._pages()], default=0) if place else 0
        return Load(closing, refusing, periods, longest / 1_000_000)

    def processes(self) -> tuple[float, int]:
        """Seconds of processor time of all workers, and lines of the access log that were lost."""
        _, _, spent, lost = total([self._past_beat, *(p.read(BEAT) for p in self._pages())])
        return spent / 1000, lost
