"""Rules, compiled: each one a test of a request, nested ones of several tests."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence

from fiberlb.errors import ConfigurationError, Path, Problem
from fiberlb.model.l7 import KEYED, NESTING, CompareType, Condition, L7Rule, RuleType
from fiberlb.routing.candidates import Named
from fiberlb.routing.compare import COMPARE, LITERALLY, Comparison, Subject, ValueProblem
from fiberlb.routing.linear import Engine, installed
from fiberlb.routing.literals import EXACT, PREFIXES, SUFFIXES, How, Literals
from fiberlb.routing.patterns import Budget
from fiberlb.routing.request import Request
from fiberlb.routing.rules import EXTRACT, RequestTest

#: The classes of rules, in the order in which they are evaluated: a clear no from a cheap rule
#: saves a search, and leaves less undecided.
COMPLEXITIES = ("literal", "linear", "bounded")

#: What is looked at: a rule type, and a name where it has names.
Aspect = tuple[RuleType, bytes]


def _aspect(kind: RuleType, key: str) -> Aspect:
    source = EXTRACT[kind].source
    return kind, source.name(key) if isinstance(source, Named) else b""


#: Literals, and how they are compared with what is looked at.
Lead = tuple[How, Collection[bytes]]
#: A rule as it is evaluated: it holds where the test gives exactly the wanted outcome.
Wanted = tuple[RequestTest, bool]


class _Compiled:
    """
    What all rules have.

    @ivar id: of the rule, or of the one that it is nested in.
    @ivar invert: it holds where its test does not.
    """

    __slots__ = ("_test", "id", "invert")

    def __init__(self, ident: str, invert: bool) -> None:
        self.id = ident
        self.invert = invert
        self._test: RequestTest | None = None

    def _bound(self) -> RequestTest:
        raise AssertionError

    @property
    def test(self) -> RequestTest:
        """Whether what it looks for is there, before C{invert}."""
        if self._test is None:
            self._test = self._bound()
        return self._test

    @property
    def complexity(self) -> str:
        """One of L{COMPLEXITIES}."""
        raise AssertionError

    @property
    def doubtful(self) -> bool:
        """Whether it may stay undecided."""
        raise AssertionError

    @property
    def plain(self) -> bool:
        """It compares literals with what has no name, and nothing else."""
        return False

    def outcome(self, request: Request) -> str:
        """C{matched}, C{not} or C{undecided}."""
        found = self.test(request)
        return "undecided" if found is None else "not" if found is self.invert else "matched"

    def wanted(self, rejects: bool) -> Wanted:
        """
        The rule as its policy evaluates it.

        @param rejects: the policy does, so that an undecided rule holds; it
            does not in any other policy, inverted or not.
        """
        test, invert = self.test, self.invert
        if rejects and self.doubtful:
            return lambda request: test(request) is not invert, True
        return test, not invert


class CompiledRule(_Compiled):
    """
    One rule that looks at the request.

    @param comparison: of its values; C{None}: it holds wherever one of C{leads} is.

    @ivar aspect: what it looks at.
    @ivar key: its name, if it has one; else empty.
    @ivar leads: literals one of which whatever it holds for has; C{None}: none are known.
    """

    __slots__ = ("_comparison", "aspect", "key", "leads")

    def __init__(
        self,
        ident: str,
        invert: bool,
        aspect: Aspect,
        key: str,
        leads: tuple[Lead, ...] | None,
        comparison: Comparison | None = None,
    ) -> None:
        self.id = ident
        self.invert = invert
        self._test = None
        self.aspect = aspect
        self.key = key
        self.leads = leads
        self._comparison = comparison

    @property
    def comparison(self) -> Comparison:
        """Of its values."""
        if self._comparison is None:
            assert self.leads is not None
            ((_, kind), texts) = self.leads[0]
            self._comparison = Comparison((LITERALLY[_KINDS[kind]](texts),))
        return self._comparison

    def _bound(self) -> RequestTest:
        return EXTRACT[self.aspect[0]].bind(self.key, self.comparison.test)

    @property
    def sure(self) -> bool:
        """Whatever has one of the literals that lead to it matches, before C{invert}."""
        return self._comparison is None or self._comparison.sure

    @property
    def searches(self) -> bool:
        """It takes more than to compare literals."""
        return not self.sure

    @property
    def complexity(self) -> str:
        """See L{_Compiled.complexity}."""
        return COMPLEXITIES[0] if self._comparison is None else self._comparison.complexity

    @property
    def doubtful(self) -> bool:
        """See L{_Compiled.doubtful}."""
        return not self.plain

    @property
    def plain(self) -> bool:
        """See L{_Compiled.plain}."""
        comparison = self._comparison
        return self.key == "" and (comparison is None or comparison.sure)

    def leaves(self) -> tuple[CompiledRule, ...]:
        """Itself."""
        return (self,)


def _leading(comparison: Comparison, key: str) -> tuple[Lead, ...] | None:
    """
    What tells for which requests a comparison does not hold.

    @param key: not empty: it is enough for a request to have the name.
    """
    found: list[Lead] = []
    for some in comparison.needs or ():
        if some.parts or (not key and (b"" in some.prefixes or b"" in some.suffixes)):
            return None
        if some.exact:
            found.append((EXACT[some.fold], some.exact))
        if some.prefixes:
            found.append((PREFIXES[some.fold], some.prefixes))
        if some.suffixes:
            found.append((SUFFIXES[some.fold], some.suffixes))
    return None if comparison.needs is None else tuple(found)


class CompiledNest(_Compiled):
    """
    A rule that looks at others; C{not} is all of one, inverted.

    @ivar any: one of them is enough.
    """

    __slots__ = ("any", "rules")

    def __init__(self, ident: str, any: bool, invert: bool, rules: Sequence[AnyRule]) -> None:
        super().__init__(ident, invert)
        self.any = any
        self.rules = rules

    def _bound(self) -> RequestTest:
        tests = tuple([(rule.test, rule.invert) for rule in self.rules])
        return _some(tests) if self.any else _every(tests)

    @property
    def complexity(self) -> str:
        """See L{_Compiled.complexity}."""
        return max([rule.complexity for rule in self.rules], key=COMPLEXITIES.index)

    @property
    def doubtful(self) -> bool:
        """See L{_Compiled.doubtful}."""
        return any(rule.doubtful for rule in self.rules)

    def leaves(self) -> tuple[CompiledRule, ...]:
        """The rules within that look at the request."""
        return tuple([leaf for rule in self.rules for leaf in rule.leaves()])


AnyRule = CompiledRule | CompiledNest
_Tests = tuple[tuple[RequestTest, bool], ...]


def _some(tests: _Tests) -> RequestTest:
    """One that holds is enough, whatever is undecided; what is undecided might have been one."""

    def test(request: Request) -> bool | None:
        outcome: bool | None = False
        for one, invert in tests:
            found = one(request)
            if found is None:
                outcome = None
            elif found is not invert:
                return True
        return outcome

    return test


def _every(tests: _Tests) -> RequestTest:
    """One that does not hold is enough for a no."""

    def test(request: Request) -> bool | None:
        outcome: bool | None = True
        for one, invert in tests:
            found = one(request)
            if found is None:
                outcome = None
            elif found is invert:
                return False
        return outcome

    return test


def conjuncts(rule: AnyRule, negated: bool = False) -> Iterator[CompiledRule]:
    """The rules that look at the request and hold wherever this one does, as far as known."""
    if isinstance(rule, CompiledRule):
        if rule.invert is negated:
            yield rule
        return
    negated = negated is not rule.invert
    # None of several is the opposite of any of them (De Morgan).
    if rule.any is negated or len(rule.rules) == 1:
        for one in rule.rules:
            yield from conjuncts(one, negated)


@functools.lru_cache(maxsize=4096)
def complexity(rule: L7Rule, engine: Engine = installed) -> str:
    """
    The class of one rule, whether it is evaluated or not.

    @return: one of L{COMPLEXITIES}.

    @raise ConfigurationError: the rule cannot be compiled.
    """
    if rule.rule_type not in NESTING and rule.compare_type is not CompareType.REGEX:
        return COMPLEXITIES[0]
    return compile_rule(rule, Budget(lambda: 0.0, lambda rule_id, why: None, engine)).complexity


def compile_rule(rule: L7Rule, budget: Budget) -> AnyRule:
    """
    Compile a rule.

    @raise ConfigurationError: with every L{Problem} at C{("l7_rules", id, field)}.
    """
    problems: list[Problem] = []
    made = rule_or_problems(rule, budget, problems)
    if made is None:
        raise ConfigurationError(problems)
    return made


def rule_or_problems(rule: L7Rule, budget: Budget, problems: list[Problem]) -> AnyRule | None:
    """L{compile_rule}; C{None} after noting what is wrong, at C{("l7_rules", id, field)}."""
    ident = rule.id
    return _literal(rule, ident) or _compiled(rule, ident, ("l7_rules", ident), budget, problems)


def _literal(rule: Condition, ident: str) -> CompiledRule | None:
    """
    A rule that holds wherever one of the literals is that lead to it, as nearly all do.

    @return: C{None}: it is another one, or something is wrong with it.
    """
    value, key = rule.value, rule.key
    found = _LITERAL.get((rule.rule_type, rule.compare_type))
    if found is None or (value is None and not rule.values):
        return None
    aspect, how, compare, spell = found
    if aspect is None:
        if not key:
            return None
        aspect = _aspect(rule.rule_type, key)
    try:
        if value is not None:
            texts: tuple[bytes, ...] = (spell(compare, value),)
        else:
            texts = tuple([spell(compare, one) for one in rule.values])
    except ValueError:
        return None
    if how is not _EXACT and not key and b"" in texts:
        return None
    # What an index finds is not tested, so there is no more to make.
    return CompiledRule(ident, rule.invert, aspect, key or "", ((how, texts),))


def _compiled(
    rule: Condition, ident: str, at: Path, budget: Budget, problems: list[Problem]
) -> AnyRule | None:
    """Any rule; C{None} after noting what is wrong with it."""
    kind = rule.rule_type
    if kind in NESTING:
        within = [
            _literal(one, ident) or _compiled(one, ident, (*at, "rules", index), budget, problems)
            for index, one in enumerate(rule.rules)
        ]
        if not within:
            problems.append(Problem((*at, "rules"), "are needed", code="missing"))
        rules = tuple([one for one in within if one is not None])
        if not within or len(rules) < len(within):
            return None
        invert = rule.invert is not (kind is RuleType.NOT)
        return CompiledNest(ident, kind is RuleType.ANY, invert, rules)
    key = rule.key or ""
    if kind in KEYED and not key:
        problems.append(Problem((*at, "key"), "is needed", code="missing"))
        return None
    if kind not in KEYED and not rule.candidates:
        problems.append(Problem((*at, "value"), "is needed", code="missing"))
        return None
    try:
        comparison = _comparison(rule, ident, budget)
    except ValueProblem as why:
        field: Path = ("value",) if rule.value is not None else ("values", why.index)
        problems.append(Problem((*at, *field), why.message))
        return None
    aspect = _aspect(kind, key)
    return CompiledRule(ident, rule.invert, aspect, key, _leading(comparison, key), comparison)


def _comparison(rule: Condition, ident: str, budget: Budget) -> Comparison:
    if not rule.candidates:
        return _PRESENT
    extract = EXTRACT[rule.rule_type]
    compare = extract.compare or rule.compare_type
    return COMPARE[compare](rule.candidates, Subject(extract.spell, extract.fold, ident, budget))


#: Comparisons with literals that a request is looked up by.
_EXACT = EXACT[False]
_LEADING = {
    CompareType.EQUAL_TO: _EXACT,
    CompareType.STARTS_WITH: PREFIXES[False],
    CompareType.ENDS_WITH: SUFFIXES[False],
}
#: The same comparisons, by the word for how they compare.
_KINDS = {how[1]: compare for compare, how in _LEADING.items()}
#: That there is a candidate is enough.
_PRESENT = Comparison((Literals(prefixes=(b"",)),))
#: Type and comparison of a rule with literals that it is looked up by -> what it looks at,
#: C{None} where that has a name; how it compares, in both words; how its values are spelled.
_LITERAL = {
    (kind, given): (
        None if kind in KEYED else _aspect(kind, ""),
        _LEADING[extract.compare or given],
        extract.compare or given,
        extract.spell,
    )
    for kind, extract in EXTRACT.items()
    for given in CompareType
    if (extract.compare or given) in _LEADING
}
