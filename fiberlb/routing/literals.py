"""
Literal texts to compare with, as a function and as entries of an index.

Most patterns that people write for routing, such as C{^/api/} or
C{\\.(js|css)$}, say no more than "begins with" or "ends with one of". They
run as string operations: an order of magnitude faster than an expression, and
without any need for a time limit.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

#: Whether a candidate matches.
Predicate = Callable[[bytes], bool]
#: How a literal is compared: with texts in lower case or as they are, and C{exact} and so on.
How = tuple[bool, str]
#: By whether texts are compared in lower case.
EXACT: tuple[How, How] = ((False, "exact"), (True, "exact"))
PREFIXES: tuple[How, How] = ((False, "prefixes"), (True, "prefixes"))
SUFFIXES: tuple[How, How] = ((False, "suffixes"), (True, "suffixes"))


@attrs.frozen
class Literals:
    """
    A test that is any of these.

    @ivar exact: the whole candidate is one of them.
    @ivar prefixes: it begins with one.
    @ivar suffixes: it ends with one.
    @ivar parts: it contains one.
    @ivar fold: the candidate's ASCII letters are compared in lower case.
    """

    exact: frozenset[bytes] = frozenset()
    prefixes: tuple[bytes, ...] = ()
    suffixes: tuple[bytes, ...] = ()
    parts: tuple[bytes, ...] = ()
    fold: bool = False

    @property
    def empty(self) -> bool:
        """Nothing matches."""
        return not (self.exact or self.prefixes or self.suffixes or self.parts)

    def union(self, other: Literals) -> Literals:
        """Either of two that fold alike."""
        return Literals(
            self.exact | other.exact,
            self.prefixes + other.prefixes,
            self.suffixes + other.suffixes,
            self.parts + other.parts,
            self.fold,
        )

    def lowered(self, fold: bool) -> Literals:
        """The same in lower case, for candidates that are so already or, to C{fold}, become so."""
        return Literals(
            frozenset(text.lower() for text in self.exact),
            tuple(text.lower() for text in self.prefixes),
            tuple(text.lower() for text in self.suffixes),
            tuple(text.lower() for text in self.parts),
            fold,
        )

    def predicate(self) -> Predicate:
        """The cheapest function that tests for them; it returns C{True} or C{False} itself."""
        test = self._predicate()
        return (lambda candidate: test(candidate.lower())) if self.fold else test

    def _predicate(self) -> Predicate:
        exact, prefixes = self.exact, self.prefixes
        suffixes, parts = self.suffixes, self.parts
        if b"" in prefixes + suffixes + parts:
            return lambda candidate: True
        kinds = [bool(exact), bool(prefixes), bool(suffixes), bool(parts)]
        if kinds == [True, False, False, False]:
            return exact.__contains__
        if kinds == [False, True, False, False]:
            return lambda candidate: candidate.startswith(prefixes)
        if kinds == [False, False, True, False]:
            return lambda candidate: candidate.endswith(suffixes)
        if kinds == [False, False, False, True]:
            return _containing(parts)
        contains = _containing(parts)
        return lambda candidate: (
            candidate in exact
            or candidate.startswith(prefixes)
            or candidate.endswith(suffixes)
            or contains(candidate)
        )


def _containing(parts: tuple[bytes, ...]) -> Predicate:
    if len(parts) == 1:
        (part,) = parts
        return lambda candidate: part in candidate

    def contains(candidate: bytes) -> bool:
        for part in parts:  # noqa: SIM110 (any() costs a generator per call)
            if part in candidate:
                return True
        return False

    return contains
