"""Policies as entries of an index: by which literals they are found, and what is left to test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from fiberlb.routing.actions import Decision
from fiberlb.routing.conditions import AnyRule, Aspect, CompiledRule, Wanted
from fiberlb.routing.policies import CompiledPolicy
from fiberlb.routing.request import Request

#: A policy as it is evaluated: its place in the order, what is left to test, its decision.
Row = tuple[int, tuple[Wanted, ...], Decision]
#: How a literal is compared: with texts in lower case or as they are, and C{exact} and so on.
How = tuple[bool, str]

_EXACT = ((False, "exact"), (True, "exact"))
_PREFIXES = ((False, "prefixes"), (True, "prefixes"))
_SUFFIXES = ((False, "suffixes"), (True, "suffixes"))


class Way:
    """
    What leads to a policy: it matches no request for which none of some rules' tests holds.

    @ivar leaves: those rules.
    @ivar rule: the policy's rule that they are part of, or that the only one is.
    @ivar sure: where one of them is found by its literals, C{rule} holds.
    """

    __slots__ = ("leaves", "rule", "sure")

    def __init__(self, leaves: tuple[CompiledRule, ...], rule: AnyRule, sure: bool) -> None:
        self.leaves = leaves
        self.rule = rule
        self.sure = sure


def ways_of(rules: Iterable[AnyRule]) -> tuple[Way, ...]:
    """The ways that lead to a policy with these rules."""
    ways: list[Way] = []
    for rule in rules:
        if isinstance(rule, CompiledRule):
            if not rule.invert and leads(rule):
                ways.append(Way((rule,), rule, rule.comparison.sure))
        else:
            ways += [Way(leaves, rule, sure) for leaves, sure in _ways(rule)]
    return tuple(ways)


def _ways(rule: AnyRule, negated: bool = False) -> Iterator[tuple[tuple[CompiledRule, ...], bool]]:
    """
    The ways to a rule: some leaves each, and whether to find one of them is enough.

    @param negated: to where the rule does not hold.
    """
    if isinstance(rule, CompiledRule):
        if rule.invert is negated and leads(rule):
            yield (rule,), rule.comparison.sure
        return
    negated = negated is not rule.invert
    # That none of them holds is that each one does not (De Morgan).
    if rule.any is negated or len(rule.rules) == 1:
        for one in rule.rules:
            for leaves, sure in _ways(one, negated):
                yield leaves, sure and len(rule.rules) == 1
        return
    found = [next(_ways(one, negated), None) for one in rule.rules]
    known = [way for way in found if way is not None]
    if len(known) == len(found):
        together = tuple([leaf for leaves, _ in known for leaf in leaves])
        yield together, all(sure for _, sure in known)


def leads(rule: CompiledRule) -> bool:
    """Whether a rule tells by its literals which requests its test does not hold for."""
    needs = rule.comparison.needs
    if needs is None:
        return False
    for some in needs:
        if some.parts or (not rule.key and (b"" in some.prefixes or b"" in some.suffixes)):
            return False
    return True


def literals_of(rule: CompiledRule) -> Iterator[tuple[How, Collection[bytes]]]:
    """The literals that lead to a rule."""
    for some in rule.comparison.needs or ():
        if some.exact:
            yield _EXACT[some.fold], some.exact
        if some.prefixes:
            yield _PREFIXES[some.fold], some.prefixes
        if some.suffixes:
            yield _SUFFIXES[some.fold], some.suffixes


class Entry:
    """
    A policy somewhere in an index.

    @ivar rules: what is not known to hold here.
    @ivar ways: those that lead to it, but did not yet.
    """

    __slots__ = ("_row", "policy", "position", "rules", "ways")

    def __init__(
        self,
        position: int,
        policy: CompiledPolicy,
        rules: tuple[AnyRule, ...],
        ways: tuple[Way, ...],
    ) -> None:
        self.position = position
        self.policy = policy
        self.rules = rules
        self.ways = ways
        self._row: Row | None = None

    def found_by(self, way: Way) -> Entry:
        """The same where one of its ways has led to it."""
        known = way.rule if way.sure else None
        rules = tuple([rule for rule in self.rules if rule is not known])
        ways = tuple([rule for rule in self.ways if rule is not way])
        return Entry(self.position, self.policy, rules, ways)

    @property
    def row(self) -> Row:
        """As it is evaluated."""
        if self._row is None:
            wanted = self.policy.wanted(self.rules)
            self._row = (self.position, wanted, self.policy.decision)
        return self._row


def rows_of(entries: Iterable[Entry]) -> tuple[Row, ...]:
    """Entries as they are evaluated."""
    return tuple([entry.row for entry in entries])


class Table:
    """
    The entries of one aspect.

    @ivar literals: the entries of each literal.
    @ivar rejecting: those that reject whoever has more candidates than are looked at.
    """

    def __init__(self) -> None:
        self.literals: dict[How, dict[bytes, list[Entry]]] = {}
        self.rejecting: list[Entry] = []

    def add(self, entry: Entry, after: Entry, leaf: CompiledRule) -> int:
        """
        Enter a policy by a leaf of a way.

        @param after: the same where that way has led to it.

        @return: by how many literals.
        """
        count = 0
        for how, literals in literals_of(leaf):
            texts = self.literals.setdefault(how, {})
            for text in literals:
                texts.setdefault(text, []).append(after)
                count += 1
        if entry.policy.rejects:
            self.rejecting.append(entry)
        return count


class Shares:
    """How many policies share each literal."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Aspect, How], Counter[bytes]] = {}

    def add(self, way: Way) -> int:
        """
        Count the literals of one way.

        @return: how many there are.
        """
        count = 0
        for leaf in way.leaves:
            for how, literals in literals_of(leaf):
                count += len(literals)
                place = (leaf.aspect, how)
                if place not in self._counts:
                    self._counts[place] = Counter()
                self._counts[place].update(literals)
        return count

    def score(self, way: Way) -> tuple[int, bool, bool, int]:
        """
        How bad a way is: shared by many, and then neither whole nor long.
        """
        most = shortest = 0
        open_ended = keyed = False
        for leaf in way.leaves:
            keyed = keyed or bool(leaf.key)
            for how, literals in literals_of(leaf):
                counts = self._counts[leaf.aspect, how]
                most = max(most, *[counts[text] for text in literals])
                shortest = min([shortest or 2000, *[len(text) for text in literals]])
                open_ended = open_ended or how not in _EXACT
        return most, open_ended, keyed, -shortest


def first(request: Request, rows: Iterable[Row]) -> Decision | None:
    """The decision of the first row that a request matches."""
    for _, tests, decision in rows:
        for test, wanted in tests:
            if test(request) is not wanted:
                break
        else:
            return decision
    return None
