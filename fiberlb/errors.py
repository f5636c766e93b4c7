"""
Whose fault it was, and what is said about it.

Three shapes cover everything: a L{Problem} is one sentence about one field of
a configuration or of an API body; a L{ConfigurationError} carries all of them
at once; a L{Fault} is a failure while traffic flows, with the stable reason
code that stands in the access log and in the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from enum import Enum
from typing import Final

import attrs

#: Where a field is: the keys and indices from the root of the document.
Path = tuple[str | int, ...]


@attrs.frozen
class Position:
    """
    A place in a file.

    @ivar line: counted from 1.
    @ivar column: counted from 1.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@attrs.frozen
class Problem:
    """
    One thing wrong with one field.

    @ivar path: the field, from the root of the document it stands in.
    @ivar message: what is wrong, one sentence without a final stop.
    @ivar suggestion: what was probably meant; C{None} when there is no guess.
    @ivar code: a stable word for programs (C{invalid}, C{unknown_key},
        C{duplicate}, C{missing}, C{not_supported}, C{unresolved}, ...).
    @ivar position: where the field stands, when it came from a file.
    """

    path: Path
    message: str
    suggestion: str | None = None
    code: str = "invalid"
    position: Position | None = None

    @property
    def field(self) -> str:
        """The path as a person writes it: C{listeners[0].port}."""
        text = ""
        for step in self.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text

    @property
    def pointer(self) -> str:
        """The path as a JSON Pointer (RFC 6901): C{/listeners/0/port}."""
        return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in self.path)

    def __str__(self) -> str:
        where = f"{self.position}: " if self.position else ""
        what = f"{self.field}: " if self.path else ""
        hint = f" (did you mean {self.suggestion!r}?)" if self.suggestion else ""
        return f"{where}{what}{self.message}{hint}"


#: Problems that a log tells of one refusal, and characters of each: a file that is another one than
#: was meant has hundreds of thousands, and all else would wait for their lines.
MOST_TOLD: Final = 100
LONGEST_LINE: Final = 1000


class ConfigurationError(Exception):
    """
    A configuration or an API body that is refused, whole.

    @ivar problems: every field that is wrong, at least one, in document order.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__()

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))

    def told(self, most: int = MOST_TOLD) -> Iterator[str]:
        """A line for each of so many problems, and one that counts the others."""
        for problem in self.problems[:most]:
            line = str(problem)
            yield line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "..."
        if len(self.problems) > most:
            yield f"and {len(self.problems) - most} more"


class AddressInUse(Exception):
    """
    A listener's address cannot be bound.

    @ivar listener_id: which listener wants it.
    @ivar host: the address without brackets.
    @ivar message: one sentence for the person who asked, without a final stop.
    @ivar code: C{address_in_use}; C{needs_privilege} (a port below 1024 without
        the right) and C{address_unavailable} (not an address of this host) are
        answered alike, as a conflict.
    """

    def __init__(
        self,
        listener_id: str,
        host: str,
        port: int,
        message: str,
        code: str = "address_in_use",
    ) -> None:
        super().__init__(message)
        self.listener_id = listener_id
        self.host = host
        self.port = port
        self.message = message
        self.code = code


class Source(Enum):
    """Whose fault a L{Fault} is."""

    CLIENT = "client"
    MEMBER = "member"
    CONFIGURATION = "configuration"
    INTERNAL = "internal"


#: Reason code -> status of the answer that FiberLB makes itself (spec: product, "Reason codes").
#: C{None}: the exchange ends without an answer of ours.
REASONS: Mapping[str, int | None] = {
    "bad_request": 400,
    "ambiguous_path": 400,
    "header_timeout": 408,
    "body_timeout": 408,
    "body_too_large": 413,
    "uri_too_long": 414,
    "misdirected": 421,
    "rejected": 403,
    "denied_address": 403,
    "auth_failed": 401,
    "rate_limited": 429,
    "head_too_large": 431,
    "internal": 500,
    "not_implemented": 501,
    "connect_refused": 502,
    "member_tls": 502,
    "member_reset": 502,
    "member_bad_response": 502,
    "member_closed": 502,
    "no_route": 503,
    "pool_disabled": 503,
    "no_members": 503,
    "all_members_down": 503,
    "queue_full": 503,
    "queue_timeout": 503,
    "overloaded": 503,
    "shutting_down": 503,
    "connect_timeout": 504,
    "member_timeout": 504,
    "version": 505,
    "client_abort": None,
    "client_write_timeout": None,
    "truncated": None,
    "tunnel_timeout": None,
    "rule_undecided": None,
}


class Fault(Exception):
    """
    A failure while traffic flows.

    @ivar reason: a key of L{REASONS}.
    @ivar source: whose fault it was.
    @ivar detail: for the log only, never for the client.
    @ivar retryable: nothing has reached a member, another one may be tried.
    """

    def __init__(
        self,
        reason: str,
        source: Source = Source.CLIENT,
        detail: str = "",
        *,
        retryable: bool = False,
    ) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.source = source
        self.detail = detail
        self.retryable = retryable

    @property
    def status(self) -> int | None:
        """The status of the answer, C{None} where there is none."""
        return REASONS[self.reason]


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The one of C{words} that was probably meant by C{word}, or C{None}."""
    matches = get_close_matches(word, list(words), n=1, cutoff=0.6)
    return matches[0] if matches else None
