"""The settings of the access log."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

import attrs

from fiberlb.errors import Path, nearest
from fiberlb.model.fields import Loading, Text, field
from fiberlb.model.written import plain

#: Of a format of one's own, in characters.
LONGEST_FORMAT = 4096
#: What stands in a format of one's own for a value, or for a percent sign.
_PLACE = re.compile(r"%%|%\{([^{}]*)\}|%")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f]")

#: What is known of a request: the keys of a JSON line, in their order.
KEYS = (
    "time", "listener", "client", "client_port", "user", "method", "target", "version",
    "host", "status", "sent", "received", "pool", "member", "policy", "reason", "detail",
    "request_id", "tries", "sni", "tls", "head", "queued", "connect", "response", "total",
    "referer", "user_agent",
)  # fmt: skip


class AccessLogFormat(Enum):
    """How a request is written down."""

    OFF = "off"
    JSON = "json"
    COMBINED = "combined"
    HAPROXY = "haproxy"


@attrs.frozen
class Piece:
    """
    A part of a format of one's own.

    @ivar text: what stands there as it is, or one of L{KEYS}.
    @ivar key: C{text} is a key.
    """

    text: str
    key: bool = False


def pieces(text: str) -> list[Piece]:
    """
    The parts of a format of one's own: text, and C{%{KEY}}; C{%%} is a percent sign.

    @raise ValueError: with a sentence; it has a C{suggestion} where there is a guess.
    """
    found: list[Piece] = []
    end = 0
    for place in _PLACE.finditer(text):
        found.append(Piece(text[end : place.start()]))
        end = place.end()
        if place[0] == "%%":
            found.append(Piece("%"))
        elif place[0] == "%":
            raise ValueError("% begins a value, as in %{status}; %% is a percent sign")
        elif place[1] not in KEYS:
            raise ValueError(f"there is no value %{{{place[1]}}}", nearest(place[1], KEYS))
        else:
            found.append(Piece(place[1], True))
    return [piece for piece in [*found, Piece(text[end:])] if piece.text]


@attrs.frozen
class LogFormat:
    """One of the words of L{AccessLogFormat}, or a text with C{%{KEY}}."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        words = [member.value for member in AccessLogFormat]
        if not isinstance(value, str):
            return loading.refuse(path, f"must be one of {', '.join(words)}, or a text")
        word = value.strip().lower()
        if word in words:
            return AccessLogFormat(word)
        if "%" not in value:
            message = (
                f"must be one of {', '.join(words)}, or a text with values such as %{{status}}"
            )
            return loading.refuse(path, message, loading.guess(word, words))
        if len(value) > LONGEST_FORMAT:
            return loading.refuse(path, f"must have at most {LONGEST_FORMAT} characters")
        if _CONTROL.search(value):
            return loading.refuse(path, "must be one line without control characters but tabs")
        try:
            pieces(value)
        except ValueError as why:
            message, guess, *_ = (*why.args, None)
            return loading.refuse(path, message, guess)
        return value

    def dump(self, value: Any) -> Any:
        return value.value if isinstance(value, AccessLogFormat) else value

    def schema(self) -> dict[str, Any]:
        words = {"enum": [member.value for member in AccessLogFormat]}
        return {"anyOf": [words, {"type": "string", "pattern": "%", "maxLength": LONGEST_FORMAT}]}


@attrs.frozen
class Share:
    """A number from 0 to 1."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        number = plain(value)
        if isinstance(number, bool) or not isinstance(number, int | float):
            return loading.refuse(path, "must be a number from 0 to 1")
        if not 0 <= number <= 1:
            return loading.refuse(path, "must be a number from 0 to 1")
        return float(number)

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": 0, "maximum": 1}


@attrs.frozen(kw_only=True)
class AccessLog:
    """
    The log of requests.

    @ivar format: one of the known ones, or a text as of L{pieces}.
    @ivar path: C{stdout} or a file, absolute once loaded.
    @ivar sample: the share of requests that is written; what did not go well is in any case.
    """

    format: AccessLogFormat | str = field(LogFormat(), AccessLogFormat.COMBINED)
    path: str = field(Text(4096, 1), "stdout")
    sample: float = field(Share(), 1.0)

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """The format alone is short for a log to the standard output."""
        return {"format": value} if isinstance(value, str) else value

    @property
    def word(self) -> str:
        """The format as it is given."""
        return self.format.value if isinstance(self.format, AccessLogFormat) else self.format


def format_of(word: str) -> AccessLogFormat | str:
    """The inverse of L{AccessLog.word}."""
    known = {member.value: member for member in AccessLogFormat}
    return known.get(word, word)
