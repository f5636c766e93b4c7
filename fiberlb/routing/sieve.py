"""
Many rules' patterns searched for at once, to leave aside the rules that cannot match.

RE2 takes about as long for hundreds of patterns as for one. Patterns and texts
chosen to keep it from reusing what it has worked out make it slow, so a set
that is slow for long is left out, and the rules are tested one by one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from itertools import chain

from fiberlb.routing.candidates import Named
from fiberlb.routing.conditions import Aspect, CompiledRule, conjuncts
from fiberlb.routing.entries import Entry, Row
from fiberlb.routing.linear import LARGEST_SIEVE, Linear, Search
from fiberlb.routing.patterns import PERIOD, RULE_LIMIT, Budget, Clock
from fiberlb.routing.request import Request
from fiberlb.routing.rules import EXTRACT
from fiberlb.routing.tables import Collect

#: Fewer policies than this are not worth a search of their own.
LEAST_SIEVED = 8

#: Policies that are grouped in one step of compiling.
_SLICE = 500
#: Octets of the longest text that is searched.
LONGEST_TEXT = 1024
#: Seconds of one search that is slow.
SLOW = 0.0002


class Sieve:
    """
    Patterns of many rules.

    @param search: says which of them are found.
    @param owners: for each pattern, whose it is.
    @param clock: monotonic seconds, read afresh at each call.

    @ivar owners: each once.
    """

    __slots__ = ("_clock", "_owners", "_search", "_since", "_spent", "owners")

    def __init__(self, search: Search, owners: Sequence[int], clock: Clock) -> None:
        self._search = search
        self._owners = tuple(owners)
        self.owners = tuple(dict.fromkeys(owners))
        self._clock = clock
        self._since = float("-inf")
        self._spent = 0.0

    def find(self, text: bytes) -> Sequence[int] | None:
        """
        Whose patterns are found in a text.

        @return: C{None}: anybody's may be.
        """
        began = self._clock()
        if self._spent > RULE_LIMIT and 0 <= began - self._since < PERIOD:
            return None
        if len(text) > LONGEST_TEXT:
            return None
        found = self._search(text)
        taken = self._clock() - began
        if taken > SLOW:
            self._count(began, taken)
        return None if found is None else [self._owners[place] for place in found]

    def _count(self, began: float, taken: float) -> None:
        if not 0 <= began - self._since < PERIOD:
            self._since = began
            self._spent = 0.0
        self._spent += taken


def sieves(
    rules: Iterable[tuple[int, Sequence[bytes]]], linear: Linear, clock: Clock
) -> Generator[None, None, tuple[list[Sieve], list[int]]]:
    """
    Put rules into as few sieves as RE2 is fast with; yields between steps.

    @param rules: an owner and its patterns, in RE2's words, each.

    @return: the sieves, and the owners of patterns that are in none.
    """
    made: list[Sieve] = []
    left: list[int] = []
    patterns: list[bytes] = []
    owners: list[int] = []
    room = 0
    for owner, sources in chain(rules, [(-1, ())]):
        sizes = [linear.size(source) or LARGEST_SIEVE + 1 for source in sources]
        if sum(sizes) > LARGEST_SIEVE:
            left.append(owner)
            continue
        room -= sum(sizes)
        if patterns and (room < 0 or not sources):
            search = linear.search(patterns, large=True)
            if search is None:
                left += dict.fromkeys(owners)
            else:
                made.append(Sieve(search, owners, clock))
            patterns, owners = [], []
        if not patterns:
            room = LARGEST_SIEVE - sum(sizes)
        patterns += sources
        owners += [owner] * len(sources)
        yield
    return made, left


def sieved(
    entries: list[Entry], budget: Budget
) -> Generator[None, None, tuple[list[Collect], list[Entry]]]:
    """
    Sieve policies that nothing else can look up; yields between steps.

    @return: what finds those that can match, and the policies that are not sieved, in order.
    """
    groups: dict[Aspect, list[tuple[Entry, CompiledRule]]] = {}
    left: list[Entry] = []
    for number, entry in enumerate(entries):
        rule = _sievable(entry)
        if rule is None:
            left.append(entry)
        else:
            groups.setdefault(rule.aspect, []).append((entry, rule))
        if number % _SLICE == 0:
            yield
    found: list[Collect] = []
    for aspect, group in groups.items():
        linear = budget.engine() if len(group) >= LEAST_SIEVED else None
        if linear is None:
            left += [entry for entry, _ in group]
            continue
        rules = ((owner, _sources(rule)) for owner, (_, rule) in enumerate(group))
        made, others = yield from sieves(rules, linear, budget.clock)
        left += [group[owner][0] for owner in others]
        for one in made:
            rows = {owner: group[owner][0].row for owner in one.owners}
            found.append(_collecting(aspect, one, rows))
            yield
    return found, sorted(left, key=lambda entry: entry.position)


def _sievable(entry: Entry) -> CompiledRule | None:
    """A rule without which the policy does not match, and that RE2 can search for."""
    for rule in entry.rules:
        for leaf in conjuncts(rule):
            if leaf.complexity != "bounded":
                return leaf
    return None


def _sources(rule: CompiledRule) -> Sequence[bytes]:
    sources = rule.comparison.sources
    assert sources is not None
    return sources


def _collecting(aspect: Aspect, sieve: Sieve, rows: Mapping[int, Row]) -> Collect:
    """The rows of a sieve's owners, as far as their patterns are found."""
    kind, name = aspect
    source = EXTRACT[kind].source
    everybody = tuple(rows.values())

    def search(text: bytes, found: list[Row]) -> bool:
        owners = sieve.find(text)
        if owners is None:
            found += everybody
            return False
        found += [rows[owner] for owner in owners]
        return True

    if isinstance(source, Named):
        texts_of = source.texts

        def collect_several(request: Request, found: list[Row]) -> None:
            texts, more = texts_of(request, name)
            if all(search(text, found) for text in texts) and more:
                found += everybody

        return collect_several
    read = source

    def collect(request: Request, found: list[Row]) -> None:
        text = read(request)
        if text is not None:
            search(text, found)

    return collect
