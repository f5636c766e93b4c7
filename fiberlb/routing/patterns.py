"""
Regular expressions of rules: checked when written, bounded when matched.

A pattern is its author's, the text is any client's, so no match may take
long: what reduces to literals runs as string operations, everything else in
C{regex} under a time limit. Over the limit is neither a match nor none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import regex  # type: ignore[import-untyped]

from fiberlb.routing.literals import Literals, reduced

#: Seconds that one match may take.
MATCH_LIMIT = 0.001
#: Seconds that all matches of one request may take.
REQUEST_LIMIT = 0.002
#: Seconds that one rule may take within L{PERIOD}; then it is undecided until the period ends.
RULE_LIMIT = 0.020
PERIOD = 1.0
#: Octets of a candidate that are searched.
LONGEST_INPUT = 8 * 1024

# The library unrolls counted repeats when it compiles: a{1000} thrice nested takes gigabytes.
_LARGEST = 10_000
_DEEPEST = 50
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\{(?P<least>\d*)(?:,\d*)?\}|.", re.DOTALL
)
_IGNORE_CASE = "(?i)"

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
    """

    __slots__ = ("clock", "left", "report")

    def __init__(self, clock: Clock, report: Report) -> None:
        self.clock = clock
        self.report = report
        self.left = REQUEST_LIMIT

    def renew(self) -> None:
        """A new request begins."""
        self.left = REQUEST_LIMIT


def compile_pattern(text: str, fold: bool = False) -> Literals | Any:
    """
    Compile one pattern for searching in octets.

    @param text: encoded as UTF-8; C{$} is the end alone, C{.} any octet.
    @param fold: candidates come in lower case, so ignore the case of ASCII letters.

    @return: L{Literals}, in lower case if C{fold}, when it reduces to them; else
        a compiled pattern of C{regex}.

    @raise ValueError: it is not a regular expression, or one that costs too
        much to compile; the text says why.
    """
    insensitive = text.startswith(_IGNORE_CASE)
    literals = reduced(text[len(_IGNORE_CASE) :] if insensitive else text)
    if literals is not None:
        return literals.lowered(insensitive and not fold) if insensitive or fold else literals
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


class Bounded:
    """
    The patterns of one rule that need the engine, and what they may take.

    @param rule_id: named in reports.
    @param patterns: compiled by C{regex}; any of them may match.
    @param budget: of the listener the rule belongs to.
    """

    __slots__ = ("_budget", "_patterns", "_rule_id", "_since", "_spent")

    def __init__(self, rule_id: str, patterns: Sequence[Any], budget: Budget) -> None:
        self._rule_id = rule_id
        self._patterns = tuple(patterns)
        self._budget = budget
        self._since = float("-inf")
        self._spent = 0.0

    def search(self, candidate: bytes) -> bool | None:
        """Whether a pattern is found in the candidate; C{None}: undecided, and reported."""
        text = candidate[:LONGEST_INPUT]
        for pattern in self._patterns:
            found = self._search_one(pattern, text)
            if found is not False:
                return found
        if len(candidate) > LONGEST_INPUT:
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
