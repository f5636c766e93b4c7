"""How rules compare: each comparison compiled to one function of a candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from fiberlb.model.l7 import CompareType
from fiberlb.routing.literals import Literals
from fiberlb.routing.patterns import Bounded, Budget, compile_pattern

#: Whether a candidate matches; C{None}: undecided.
Test = Callable[[bytes], bool | None]


@attrs.frozen
class Comparison:
    """
    The values of one rule, compiled.

    @ivar test: C{True} if the candidate matches any of them.
    @ivar bounded: some of them run in the regular expression engine, within limits.
    """

    test: Test
    bounded: bool = False


@attrs.frozen
class Subject:
    """
    What is compared, as far as comparisons differ by it.

    @ivar spell: a rule's value as candidates are spelled; raises C{ValueError}.
    @ivar fold: candidates come in lower case.
    @ivar rule_id: named when a match stays undecided.
    """

    spell: Callable[[CompareType, str], bytes]
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


def _literally(compare: CompareType, make: Callable[[Sequence[bytes]], Literals]) -> Compile:
    def compiled(values: Sequence[str], subject: Subject) -> Comparison:
        spelled = []
        for index, value in enumerate(values):
            try:
                spelled.append(subject.spell(compare, value))
            except ValueError as why:
                raise ValueProblem(index, str(why)) from why
        return Comparison(make(spelled).predicate())

    return compiled


def _patterns(values: Sequence[str], subject: Subject) -> Comparison:
    plain, folding = Literals(), Literals(fold=True)
    patterns: list[Any] = []
    for index, value in enumerate(values):
        try:
            made = compile_pattern(value, subject.fold)
        except ValueError as why:
            raise ValueProblem(index, str(why)) from why
        if not isinstance(made, Literals):
            patterns.append(made)
        elif made.fold:
            folding = folding.union(made)
        else:
            plain = plain.union(made)
    tests: list[Test] = [found.predicate() for found in (plain, folding) if not found.empty]
    if patterns:
        # Last: what is quick to tell saves the search.
        tests.append(Bounded(subject.rule_id, patterns, subject.budget).search)
    return Comparison(_any_of(tests), bool(patterns))


def _any_of(tests: list[Test]) -> Test:
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


#: Comparison -> what compiles a rule's values; raises L{ValueProblem}.
COMPARE: Mapping[CompareType, Compile] = {
    CompareType.EQUAL_TO: _literally(
        CompareType.EQUAL_TO, lambda values: Literals(exact=frozenset(values))
    ),
    CompareType.STARTS_WITH: _literally(
        CompareType.STARTS_WITH, lambda values: Literals(prefixes=tuple(values))
    ),
    CompareType.ENDS_WITH: _literally(
        CompareType.ENDS_WITH, lambda values: Literals(suffixes=tuple(values))
    ),
    CompareType.CONTAINS: _literally(
        CompareType.CONTAINS, lambda values: Literals(parts=tuple(values))
    ),
    CompareType.REGEX: _patterns,
}
