"""How rules compare: each comparison compiled to one function of a candidate."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from fiberlb.model.l7 import CompareType
from fiberlb.routing.linear import literal
from fiberlb.routing.literals import Literals
from fiberlb.routing.patterns import Budget, Pattern, Searched, compile_pattern

#: Whether a candidate matches; C{None}: undecided.
Test = Callable[[bytes], bool | None]
#: A rule's value as candidates are spelled.
Spell = Callable[[CompareType, str], bytes]


class Comparison:
    """
    The values of one rule, compiled.

    Whatever an index has tested needs no function of its own, so there may
    never be one.

    @param literals: candidates match that match any of these.
    @param searched: candidates match that any of its patterns is found in.
    """

    __slots__ = ("_literals", "_searched", "_test")

    def __init__(self, literals: tuple[Literals, ...], searched: Searched | None = None) -> None:
        self._literals = literals
        self._searched = searched
        self._test: Test | None = None

    @property
    def test(self) -> Test:
        """C{True} if the candidate matches."""
        if self._test is None:
            tests: list[Test] = [some.predicate() for some in self._literals]
            if self._searched is not None:
                # Last: what is quick to tell saves the search.
                tests.append(_guarded(self._searched))
            self._test = _any_of(tests)
        return self._test

    @property
    def complexity(self) -> str:
        """C{literal} (string operations), C{linear} (RE2) or C{bounded} (within limits)."""
        if self._searched is None:
            return "literal"
        return "bounded" if self._searched.sources is None else "linear"

    @property
    def needs(self) -> tuple[Literals, ...] | None:
        """
        What every candidate has that matches; C{None}: nothing is known.
        """
        if self._searched is None:
            return self._literals
        needs = self._searched.needs
        return None if needs is None else self._literals + needs

    @property
    def sure(self) -> bool:
        """A candidate that has what is needed matches."""
        return self._searched is None

    @property
    def sources(self) -> tuple[bytes, ...] | None:
        """The values in RE2's words; C{None}: it does not take them all."""
        own = () if self._searched is None else self._searched.sources
        if own is None:
            return None
        return tuple([source for some in self._literals for source in _sources(some)]) + own


class Subject(NamedTuple):
    """
    What is compared, as far as comparisons differ by it.

    @ivar spell: a rule's value as candidates are spelled; raises C{ValueError}.
    @ivar fold: candidates come in lower case.
    @ivar rule_id: named when a match stays undecided.
    """

    spell: Spell
    fold: bool
    rule_id: str
    budget: Budget


class ValueProblem(Exception):
    """
    A value that cannot be compared with.

    @ivar index: which of the rule's values.
    @ivar message: one sentence without its subject and a final stop.
    """

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index
        self.message = message


Compile = Callable[[Sequence[str], Subject], Comparison]
MakeLiterals = Callable[[Collection[bytes]], Literals]


def spelled(compare: CompareType, values: Sequence[str], spell: Spell) -> tuple[bytes, ...]:
    """
    Values as candidates are.

    @raise ValueProblem: one cannot be spelled.
    """
    found = []
    for value in values:
        try:
            found.append(spell(compare, value))
        except ValueError as why:
            raise ValueProblem(len(found), str(why)) from why
    return tuple(found)


def _literally(compare: CompareType, make: MakeLiterals) -> Compile:
    return lambda values, subject: Comparison((make(spelled(compare, values, subject.spell)),))


def _patterns(values: Sequence[str], subject: Subject) -> Comparison:
    literals: dict[bool, Literals] = {}
    patterns: list[Pattern] = []
    for index, value in enumerate(values):
        try:
            made = compile_pattern(value, subject.fold)
        except ValueError as why:
            raise ValueProblem(index, str(why)) from why
        if isinstance(made, Pattern):
            patterns.append(made)
        else:
            literals[made.fold] = literals.get(made.fold, Literals(fold=made.fold)).union(made)
    searched = Searched(subject.rule_id, patterns, subject.budget) if patterns else None
    return Comparison(tuple(literals.values()), searched)


def _guarded(searched: Searched) -> Test:
    """The search, unless what every match holds is not there."""
    search = searched.search
    if searched.needs is None:
        return search
    may_match = _any_of([literals.predicate() for literals in searched.needs])

    def test(candidate: bytes) -> bool | None:
        return search(candidate) if may_match(candidate) else False

    return test


def _sources(literals: Literals) -> list[bytes]:
    spelled = [(rb"\A%b\z", literals.exact), (rb"\A%b", literals.prefixes)]
    spelled += [(rb"%b\z", literals.suffixes), (b"%b", literals.parts)]
    return [form % literal(text, literals.fold) for form, texts in spelled for text in texts]


def _any_of(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test(candidate: bytes) -> bool | None:
        found: bool | None = False
        for one in tests:
            found = one(candidate)
            if found is not False:
                break
        return found

    return test


#: Comparisons with literals -> what makes them of values that are spelled.
LITERALLY: Mapping[CompareType, MakeLiterals] = {
    CompareType.EQUAL_TO: lambda values: Literals(frozenset(values)),
    CompareType.STARTS_WITH: lambda values: Literals(prefixes=tuple(values)),
    CompareType.ENDS_WITH: lambda values: Literals(suffixes=tuple(values)),
    CompareType.CONTAINS: lambda values: Literals(parts=tuple(values)),
    CompareType.UNDER: lambda values: Literals(
        exact=frozenset(values) - {b""}, prefixes=tuple([value + b"/" for value in values])
    ),
}
#: Comparison -> what compiles a rule's values; raises L{ValueProblem}.
COMPARE: Mapping[CompareType, Compile] = {
    **{compare: _literally(compare, make) for compare, make in LITERALLY.items()},
    CompareType.REGEX: _patterns,
}
