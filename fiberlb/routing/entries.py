"""Policies as entries of an index: by which literals they are found, and what is left to test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from fiberlb.model.l7 import PolicyAction
from fiberlb.routing.actions import Decision
from fiberlb.routing.conditions import AnyRule, Aspect, CompiledRule, Lead, Wanted
from fiberlb.routing.literals import EXACT, How
from fiberlb.routing.policies import CompiledPolicy
from fiberlb.routing.request import Request

#: A policy as it is evaluated: its place in the order, what is left to test, its decision.
Row = tuple[int, tuple[Wanted, ...], Decision]
_WHOLE = EXACT[False][1]
_REJECT = PolicyAction.REJECT
T = TypeVar("T")


class Way:
    """
    What leads to a policy: it matches no request for which none of some rules' tests holds.

    @ivar leaves: those rules.
    @ivar rule: the policy's rule that they are part of, or that the only one is.
    @ivar sure: where one of them is found by its literals, C{rule} holds.
    """

    __slots__ = ("_rank", "leaves", "rule", "sure")

    def __init__(self, leaves: tuple[CompiledRule, ...], rule: AnyRule, sure: bool) -> None:
        self.leaves = leaves
        self.rule = rule
        self.sure = sure
        self._rank: tuple[bool, bool, int] | None = None

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """How bad it is among ways that as many share: neither whole nor long."""
        if self._rank is None:
            leads = self.leaves[0].leads or ()
            keyed = self.leaves[0].key != ""
            for leaf in self.leaves[1:]:
                leads += leaf.leads or ()
                keyed = keyed or leaf.key != ""
            open_ended = False
            shortest = -1
            for how, texts in leads:
                open_ended = open_ended or how[1] != _WHOLE
                for text in texts:
                    length = len(text)
                    if length < shortest or shortest < 0:
                        shortest = length
            self._rank = (open_ended, keyed, -max(shortest, 0))
        return self._rank


def ways_of(rules: Iterable[AnyRule]) -> tuple[Way, ...]:
    """The ways that lead to a policy with these rules."""
    ways: list[Way] = []
    for rule in rules:
        if isinstance(rule, CompiledRule):
            if rule.leads is not None and not rule.invert:
                ways.append(Way((rule,), rule, rule.sure))
        else:
            ways += [Way(leaves, rule, sure) for leaves, sure in _ways(rule)]
    return tuple(ways)


def _ways(rule: AnyRule, negated: bool = False) -> Iterator[tuple[tuple[CompiledRule, ...], bool]]:
    """
    The ways to a rule: some leaves each, and whether to find one of them is enough.

    @param negated: to where the rule does not hold.
    """
    if isinstance(rule, CompiledRule):
        if rule.invert is negated and rule.leads is not None:
            yield (rule,), rule.sure
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


def literals_of(rule: CompiledRule) -> tuple[Lead, ...]:
    """The literals that lead to a rule."""
    return rule.leads or ()


class Entry:
    """
    A policy somewhere in an index.

    @ivar rules: what is not known to hold here.
    @ivar ways: those that lead to it, but did not yet.
    @ivar leaf: its only rule, where to find that one by its literals is all; C{rules} and C{ways}
        are then what is left where it was found.
    """

    __slots__ = ("_after", "_row", "_way", "leaf", "policy", "position", "rules", "ways")

    def __init__(
        self,
        position: int,
        policy: CompiledPolicy,
        rules: tuple[AnyRule, ...],
        ways: tuple[Way, ...],
        leaf: CompiledRule | None = None,
    ) -> None:
        self.leaf = leaf
        self.position = position
        self.policy = policy
        self.rules = rules
        self.ways = ways
        self._row: Row | None = None
        self._way: Way | None = None
        self._after: Entry | None = None

    @classmethod
    def of(cls, position: int, policy: CompiledPolicy) -> Entry:
        """A policy that nothing has led to yet; that of an index before where it says the same."""
        made: Entry | None = policy.kept
        if made is None or made.position != position:
            leaf = _alone(policy)
            if leaf is not None:
                made = cls(position, policy, (), (), leaf)
            else:
                ways = ways_of(policy.rules) if made is None else made.ways
                made = cls(position, policy, policy.rules, ways)
            policy.kept = made
        return made

    def found_by(self, way: Way) -> Entry:
        """The same where one of its ways has led to it."""
        after = self._after
        if after is None or self._way is not way:
            rules, ways = self.rules, self.ways
            if way.sure:
                rules = _without(rules, way.rule)
            after = Entry(self.position, self.policy, rules, _without(ways, way))
            self._way, self._after = way, after
        return after

    @property
    def row(self) -> Row:
        """As it is evaluated."""
        if self._row is None:
            wanted = self.policy.wanted(self.rules)
            self._row = (self.position, wanted, self.policy.decision)
        return self._row


def _alone(policy: CompiledPolicy) -> CompiledRule | None:
    """The rule that is all there is to most policies, as L{Entry} has it."""
    if len(policy.rules) > 1:
        return None
    rule = policy.rules[0]
    if not isinstance(rule, CompiledRule) or rule.leads is None or rule.invert or not rule.sure:
        return None
    # What rejects is looked at where not all candidates are, too.
    return None if policy.policy.action is _REJECT else rule


def _without(several: tuple[T, ...], one: T) -> tuple[T, ...]:
    """The others."""
    if len(several) == 1:
        return () if several[0] is one else several
    if len(several) == 2:
        # Nearly always: there are few policies of more than two rules.
        first, second = several
        return (second,) if first is one else (first,) if second is one else several
    return tuple([other for other in several if other is not one])


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
        for how, literals in leaf.leads or ():
            texts = self.literals.get(how)
            if texts is None:
                texts = self.literals[how] = {}
            for text in literals:
                entries = texts.get(text)
                if entries is None:
                    texts[text] = [after]
                else:
                    entries.append(after)
                count += 1
        if entry.policy.policy.action is _REJECT:
            self.rejecting.append(entry)
        return count


class Shares:
    """How many policies share each literal."""

    def __init__(self) -> None:
        self._counts: dict[Aspect, dict[How, dict[bytes, int]]] = {}

    def add(self, way: Way) -> int:
        """
        Count the literals of one way.

        @return: how many there are.
        """
        return sum(map(self.add_leaf, way.leaves))

    def add_leaf(self, leaf: CompiledRule) -> int:
        """Count those of one leaf."""
        count = 0
        by_how = self._counts.get(leaf.aspect)
        if by_how is None:
            by_how = self._counts[leaf.aspect] = {}
        for how, literals in leaf.leads or ():
            count += len(literals)
            counts = by_how.get(how)
            if counts is None:
                counts = by_how[how] = {}
            for text in literals:
                counts[text] = counts.get(text, 0) + 1
        return count

    def best(self, ways: Sequence[Way]) -> Way:
        """The one with the least score, the first of equals."""
        best = ways[0]
        least = self._most(best)
        for way in ways[1:]:
            most = self._most(way)
            if most < least or (most == least and way.rank < best.rank):
                best, least = way, most
        return best

    def score(self, way: Way) -> tuple[int, tuple[bool, bool, int]]:
        """How bad a way is: shared by many, and then by its rank."""
        return self._most(way), way.rank

    def _most(self, way: Way) -> int:
        """How many share the literal that most do."""
        most = 0
        for leaf in way.leaves:
            by_how = self._counts[leaf.aspect]
            for how, literals in leaf.leads or ():
                counts = by_how[how]
                for text in literals:
                    shared = counts[text]
                    if shared > most:
                        most = shared
        return most


def first(request: Request, rows: Iterable[Row]) -> Decision | None:
    """The decision of the first row that a request matches."""
    for _, tests, decision in rows:
        for test, wanted in tests:
            if test(request) is not wanted:
                break
        else:
            return decision
    return None
