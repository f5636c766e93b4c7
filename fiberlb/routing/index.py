"""
Policies by what a request must have to match them.

A rule that compares with literals, or whose pattern needs some, makes its
policy a candidate for the requests alone that have one of them. Candidates
are looked up, put in order and evaluated like any policies, so the outcome is
that of evaluating all; what it costs hardly depends on how many there are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator, Sequence
from operator import itemgetter
from typing import TypeVar

from fiberlb.model.l7 import RuleType
from fiberlb.routing import tables
from fiberlb.routing.actions import Decision
from fiberlb.routing.candidates import Named
from fiberlb.routing.conditions import Aspect
from fiberlb.routing.entries import Entry, Row, Shares, Table, first, rows_of
from fiberlb.routing.patterns import Budget
from fiberlb.routing.policies import CompiledPolicy
from fiberlb.routing.request import Request
from fiberlb.routing.rules import EXTRACT
from fiberlb.routing.sieve import sieved
from fiberlb.routing.tables import Collect, Find

T = TypeVar("T")
Decide = Callable[[Request], Decision]

#: Policies behind one literal that are looked up by a second rule, rather than evaluated.
MANY = 8
#: Literals by which policies are entered a second time, for each policy there is.
ROOM = 100
#: Literals, or rows, that are entered in one step of compiling.
_SLICE = 200

_Steps = Generator[None, None, T]
#: Policies by what leads to them, those that nothing leads to, how many literals the others have.
_Assigned = tuple[dict[Aspect, Table], list[Entry], int]


class Index:
    """
    Compiled policies, looked up.

    @param policies: in order of evaluation.
    @param default: for what none of them takes.
    """

    def __init__(
        self, policies: Sequence[CompiledPolicy], default: Decision, budget: Budget
    ) -> None:
        self._policies = policies
        self._default = default
        self._budget = budget
        #: What is made for entries is made once, and keeps them, so that no other has their ids.
        self._made: dict[tuple[int, ...], tuple[list[Entry], Collect]] = {}
        # Entries may multiply where rules have long lists of values; an end to that.
        self._room = ROOM * len(policies)
        self._done = 0

    def build(self) -> _Steps[Decide | None]:
        """
        The function that decides; yields between steps.

        @return: C{None} if no policy can be looked up.
        """
        entries = yield from self._entries()
        by_aspect, rest, _ = yield from self._assigned(entries)
        probes, rest = yield from self._node(by_aspect, rest)
        if not probes:
            return None
        return _deciding(tuple(probes), rows_of(rest), self._default)

    def _due(self, work: int) -> bool:
        """Whether a step has been long enough."""
        self._done += work
        if self._done < _SLICE:
            return False
        self._done = 0
        return True

    def _entries(self) -> _Steps[list[Entry]]:
        entries: list[Entry] = []
        for start in range(0, len(self._policies), _SLICE):
            some = self._policies[start : start + _SLICE]
            entries += map(Entry.of, range(start, start + len(some)), some)
            yield
        return entries

    def _node(
        self, by_aspect: dict[Aspect, Table], rest: list[Entry]
    ) -> _Steps[tuple[list[Collect], list[Entry]]]:
        """What looks some policies up, and those that cannot be."""
        probes = yield from self._probes(by_aspect)
        sieving, rest = yield from sieved(rest, self._budget)
        return probes + sieving, rest

    def _assigned(self, entries: list[Entry], found_once: bool = False) -> _Steps[_Assigned]:
        """
        Each policy by the rule that it shares with the fewest others.

        @param found_once: one rule has led to each of them already.

        @return: also the policies without such a rule, and how many literals the others have.
        """
        shares = yield from self._shares(entries, found_once)
        count = 0
        found: dict[Aspect, Table] = {}
        rest = []
        for entry in entries:
            ways = entry.ways
            leaf = entry.leaf
            entered = 1
            if leaf is not None and not found_once:
                table = found.get(leaf.aspect)
                if table is None:
                    table = found[leaf.aspect] = Table()
                entered = table.add(entry, entry, leaf)
                count += entered
            elif ways:
                way = ways[0] if len(ways) == 1 else shares.best(ways)
                after = entry.found_by(way)
                entered = 0
                for leaf in way.leaves:
                    table = found.get(leaf.aspect)
                    if table is None:
                        table = found[leaf.aspect] = Table()
                    entered += table.add(entry, after, leaf)
                count += entered
            else:
                rest.append(entry)
            self._done += entered
            if self._done > _SLICE:
                self._done = 0
                yield
        return found, rest, count

    def _shares(self, entries: list[Entry], found_once: bool) -> _Steps[Shares]:
        """Counted only where there is a choice."""
        shares = Shares()
        if max(map(_ways, entries), default=0) < 2:
            return shares
        yield
        for entry in entries:
            leaf = entry.leaf
            if leaf is not None and not found_once:
                work = shares.add_leaf(leaf)
            else:
                work = sum(map(shares.add, entry.ways))
            if self._due(work):
                yield
        return shares

    def _probes(self, by_aspect: dict[Aspect, Table]) -> _Steps[list[Collect]]:
        probes = []
        named: dict[RuleType, tables.Names] = {}
        for (kind, name), table in by_aspect.items():
            finds = yield from self._finds(table)
            source = EXTRACT[kind].source
            if isinstance(source, Named):
                named.setdefault(kind, {})[name] = (finds, rows_of(table.rejecting))
            else:
                probes.append(tables.one(source, finds))
        for kind, names in named.items():
            source = EXTRACT[kind].source
            assert isinstance(source, Named)
            probes.append(tables.several(source, names))
        return probes

    def _finds(self, table: Table) -> _Steps[list[Find]]:
        finds = []
        for (fold, kind), texts in table.literals.items():
            rows: tables.Rows = dict(texts)
            further: dict[bytes, Collect] = {}
            for text, entries in texts.items():
                if len(entries) > MANY:
                    collect = yield from self._further(entries)
                    if collect is not None:
                        rows[text] = ()
                        further[text] = collect
                if self._due(1):
                    yield
            find = yield from tables.FINDS[kind](rows, further)
            finds.append(tables.folding(find) if fold else find)
        return finds

    def _further(self, entries: list[Entry]) -> _Steps[Collect | None]:
        """What looks up many policies behind one literal, if they have more to look up."""
        if not any(entry.ways for entry in entries):
            return None
        key = tuple(map(id, entries))
        if key not in self._made:
            if self._room <= 0:
                return None
            by_aspect, rest, count = yield from self._assigned(entries, found_once=True)
            self._room -= count
            probes, rest = yield from self._node(by_aspect, rest)
            self._made[key] = (entries, tables.together(tuple(probes), rows_of(rest)))
        return self._made[key][1]


def _deciding(probes: tuple[Collect, ...], always: tuple[Row, ...], default: Decision) -> Decide:
    """
    The first policy that matches, of those that are looked up and those that cannot be.

    @param always: in order.
    """
    positions = [row[0] for row in always]

    def decide(request: Request) -> Decision:
        found: list[Row] = []
        for probe in probes:
            probe(request, found)
        if len(found) > 1:
            found.sort(key=_position)
        passed = 0
        last = -1
        for row in found:
            position, tests, decision = row
            if position == last:
                continue
            last = position
            if always:
                before = bisect_left(positions, position, passed)
                taken = first(request, always[passed:before])
                if taken is not None:
                    return taken
                passed = before
            for test, wanted in tests:
                if test(request) is not wanted:
                    break
            else:
                return decision
        if always:
            return first(request, always[passed:]) or default
        return default

    return decide


_position = itemgetter(0)


def _ways(entry: Entry) -> int:
    return len(entry.ways)
