"""
Regular expressions of rules: checked when written, bounded when matched.

A pattern is its author's, the text is any client's, so no match may take
long: what reduces to literals runs as string operations, what RE2 takes runs
there as long as pattern and text are not both large, everything else in
C{regex} under a time limit. Over the limit is neither a match nor none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import regex  # type: ignore[import-untyped]

from fiberlb.routing.branches import reduced, required
from fiberlb.routing.linear import LARGEST_PROGRAM, Engine, Linear, Search, installed, translated
from fiberlb.routing.literals import Literals

#: Seconds that one match may take.
MATCH_LIMIT = 0.001
#: Seconds that all matches of one request may take.
REQUEST_LIMIT = 0.002
#: Seconds that one rule may take within L{PERIOD}; then it is undecided until the period ends.
RULE_LIMIT = 0.020
PERIOD = 1.0
#: Octets of a candidate that are searched.
LONGEST_INPUT = 8 * 1024
#: What one search may be worth in RE2, octets times instructions (and a hundred more for each
#: octet, whatever is searched for): at the worst, a pattern and a text made for it, a millisecond.
MATCH_WORK = 100_000
_OCTET_WORK = 100
#: The same of all searches of one request; what is beyond has the other engine's time limits.
REQUEST_WORK = 4 * MATCH_WORK

# The library unrolls counted repeats when it compiles: a{1000} thrice nested takes gigabytes.
_LARGEST = 10_000
_DEEPEST = 50
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\{(?P<least>\d*)(?:,\d*)?\}|.", re.DOTALL
)
_IGNORE_CASE = "(?i)"
#: What may look at text that it does not take; more than does, which costs nothing.
_LOOKS_AHEAD = re.compile(r"\$|\\[bBmMXZ]|\(\?(?:<?[=!]|\()")

#: Called with the rule's id and why it was undecided, at every such match: count
#: each, but log few.
Report = Callable[[str, str], None]
#: Monotonic seconds, read afresh at each call (not a clock cached for a poll).
Clock = Callable[[], float]


class Budget:
    """
    What the matches of one request may still take, shared by a listener's rules.

    One request is evaluated at a time, so one of these serves them all.

    @ivar left: seconds.
    @ivar work: in RE2.
    @ivar engine: gives RE2, if there is one.
    """

    __slots__ = ("clock", "engine", "left", "report", "work")

    def __init__(self, clock: Clock, report: Report, engine: Engine = installed) -> None:
        self.clock = clock
        self.report = report
        self.engine = engine
        self.left = REQUEST_LIMIT
        self.work = REQUEST_WORK

    def agrees(self, other: Budget) -> bool:
        """Whether what was compiled with one can go on with the other."""
        mine = (self.clock, self.report, self.engine)
        return mine == (other.clock, other.report, other.engine)

    def renew(self) -> None:
        """A new request begins."""
        self.left = REQUEST_LIMIT
        self.work = REQUEST_WORK


@attrs.frozen
class Pattern:
    """
    A pattern that needs an engine.

    @ivar compiled: by C{regex}.
    @ivar needs: one of these is in every text that it is found in; C{None}: unknown.
    @ivar source: in RE2's words; C{None}: not for RE2.
    @ivar looks_ahead: whether it is found may depend on what follows, or that nothing does.
    """

    compiled: Any
    needs: Literals | None
    source: bytes | None
    looks_ahead: bool


def compile_pattern(text: str, fold: bool = False) -> Literals | Pattern:
    """
    Compile one pattern for searching in octets.

    @param text: encoded as UTF-8; C{$} is the end alone, C{.} any octet.
    @param fold: candidates come in lower case, so ignore the case of ASCII letters.

    @return: L{Literals}, in lower case if C{fold}, when it reduces to them.

    @raise ValueError: it is not a regular expression, or one that costs too
        much to compile; the text says why.
    """
    insensitive = text.startswith(_IGNORE_CASE)
    plain = text[len(_IGNORE_CASE) :] if insensitive else text
    ignoring = insensitive or fold

    def cased(literals: Literals) -> Literals:
        return literals.lowered(insensitive and not fold) if ignoring else literals

    literals = reduced(plain)
    if literals is not None:
        return cased(literals)
    compiled = _compiled(text, fold)
    needs = required(plain)
    return Pattern(
        compiled,
        None if needs is None else cased(needs),
        translated(plain.encode(), ignoring),
        _LOOKS_AHEAD.search(plain) is not None,
    )


def compile_groups(text: str) -> Any:
    """
    A pattern whose groups are wanted, compiled by C{regex}; match it with a time limit.

    @raise ValueError: as of L{compile_pattern}.
    """
    return _compiled(text, False)


def _compiled(text: str, fold: bool) -> Any:
    pieces = [found[0] for found in _TOKEN.finditer(text)]
    _check_size(text)
    source = "".join(r"\Z" if piece == "$" else piece for piece in pieces).encode()
    flags = regex.DOTALL | (regex.IGNORECASE if fold else 0)
    try:
        compiled = regex.compile(source, flags)
    except Exception as why:
        # Texts of strangers reach every corner of the library's parser, whatever it raises.
        raise ValueError(f"is not a regular expression: {why}") from why
    if compiled.flags & regex.VERSION1:
        # Its nested sets hide which dollar signs are anchors.
        raise ValueError("uses the flag V1, which is not supported")
    return compiled


def _check_size(text: str) -> None:
    """
    Refuse what would be huge once repeats are unrolled.

    @raise ValueError: it would.
    """
    sizes = [0]
    last = 0
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token == "(":
            sizes.append(0)
            last = 0
        elif token == ")" and len(sizes) > 1:
            last = sizes.pop() + 1
            sizes[-1] += last
        elif found["least"]:
            added = last * (int(found["least"][:9]) - 1)
            sizes[-1] += max(added, 0)
            last += max(added, 0)
        elif token[0] != "{":
            last = 1
            sizes[-1] += 1
        if sum(sizes) > _LARGEST:
            raise ValueError(f"repeats more than {_LARGEST} pieces")
        if len(sizes) > _DEEPEST:
            raise ValueError(f"nests groups more than {_DEEPEST} deep")


class Searched:
    """
    The patterns of one rule that need an engine, and what they may take.

    @param rule_id: named in reports.
    @param patterns: any of them may match.
    @param budget: of the listener the rule belongs to.

    @ivar linear: all of them are RE2's, so that only long texts can stay undecided.
    @ivar needs: what every text holds that matches any of them; C{None}: unknown.
    @ivar sources: all of them in RE2's words; C{None} unless C{linear}.
    """

    __slots__ = (
        "_budget",
        "_longest",
        "_octet_work",
        "_patterns",
        "_rule_id",
        "_search",
        "_since",
        "_spent",
        "linear",
        "needs",
        "sources",
    )

    def __init__(self, rule_id: str, patterns: Sequence[Pattern], budget: Budget) -> None:
        self._rule_id = rule_id
        self._patterns = tuple((one.compiled, one.looks_ahead) for one in patterns)
        self._budget = budget
        self._since = float("-inf")
        self._spent = 0.0
        self.needs = _all_needs(patterns)
        self.sources: tuple[bytes, ...] | None = None
        self._search: Search | None = None
        self._octet_work, self._longest = 0, -1
        linear = budget.engine()
        sized = None if linear is None else _sized(patterns, linear)
        if linear is not None and sized is not None:
            self._search = linear.search(sized[0])
            if self._search is not None:
                self.sources, size = sized
                self._octet_work = size + _OCTET_WORK
                self._longest = MATCH_WORK // self._octet_work
        self.linear = self._search is not None

    def search(self, candidate: bytes) -> bool | None:
        """
        Whether a pattern is found in a candidate; C{None}: undecided, and reported.

        @param candidate: one that holds what is needed.
        """
        length = len(candidate)
        if length <= self._longest:
            budget = self._budget
            budget.work -= length * self._octet_work
            if budget.work >= 0:
                assert self._search is not None
                found = self._search(candidate)
                if found is not None:
                    return bool(found)
        return self._search_bounded(candidate)

    def _search_bounded(self, candidate: bytes) -> bool | None:
        text = candidate[:LONGEST_INPUT]
        cut = len(candidate) > LONGEST_INPUT
        for pattern, looks_ahead in self._patterns:
            found = self._search_one(pattern, text)
            if found is None or (found and not (cut and looks_ahead)):
                return found
        if cut:
            # What was cut off could have matched, and padding must not pass a rule that rejects.
            return self._undecided(f"no match in the first {LONGEST_INPUT} bytes of a longer value")
        return False

    def _search_one(self, pattern: Any, text: bytes) -> bool | None:
        budget = self._budget
        began = budget.clock()
        if not 0 <= began - self._since < PERIOD:
            self._since = began
            self._spent = 0.0
        if self._spent > RULE_LIMIT:
            return self._undecided(f"took more than {RULE_LIMIT * 1000:.0f} ms within a second")
        limit = min(MATCH_LIMIT, budget.left)
        if limit <= 0:
            return self._undecided(
                f"matches of one request took more than {REQUEST_LIMIT * 1000:.0f} ms"
            )
        least = 0.0
        try:
            return pattern.search(text, timeout=limit) is not None
        except TimeoutError:
            least = limit
            return self._undecided(f"a match took more than {limit * 1000:.3g} ms")
        finally:
            taken = max(least, budget.clock() - began)
            budget.left -= taken
            self._spent += taken

    def _undecided(self, why: str) -> bool | None:
        self._budget.report(self._rule_id, why)
        return None


def _all_needs(patterns: Iterable[Pattern]) -> tuple[Literals, ...] | None:
    """Of any of some patterns: those compared as they are, and those in lower case."""
    needs: dict[bool, Literals] = {}
    for pattern in patterns:
        if pattern.needs is None:
            return None
        fold = pattern.needs.fold
        needs[fold] = needs.get(fold, Literals(fold=fold)).union(pattern.needs)
    return tuple(needs.values())


def _sized(patterns: Iterable[Pattern], linear: Linear) -> tuple[tuple[bytes, ...], int] | None:
    """All the patterns in RE2's words, and their size, if RE2 takes them."""
    sources = []
    total = 0
    for pattern in patterns:
        size = None if pattern.source is None else linear.size(pattern.source)
        if size is None or total + size > LARGEST_PROGRAM:
            return None
        assert pattern.source is not None
        sources.append(pattern.source)
        total += size
    return tuple(sources), total
