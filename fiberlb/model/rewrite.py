"""What members are asked for, where that is not what the client has asked for."""

from __future__ import annotations

import re
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import REFUSED, Loading, Optional, Text, field

_TEXT = Text(1024, 1)
#: What may stand in a path as it is written: no query, no fragment, nothing that needs an escape.
_PATH = re.compile(r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9._~!$&'()*+,;=:@/-])*")
#: A group of a pattern in its replacement.
GROUP = re.compile(r"[\\$]([0-9])")
_HOST = r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,64}\])(?::[0-9]{1,5})?"


@attrs.frozen
class _Pair:
    """Two texts."""

    what: str

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if not isinstance(value, list) or len(value) != 2:
            return loading.refuse(path, f"must be a list of two: {self.what}")
        found = tuple(_TEXT.load(one, (*path, n), loading) for n, one in enumerate(value))
        return REFUSED if REFUSED in found else found

    def dump(self, value: Any) -> Any:
        return list(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": _TEXT.schema(), "minItems": 2, "maxItems": 2}


@attrs.frozen(kw_only=True)
class Rewrite:
    """
    How a request is changed before a member gets it; rules and the access log see it as it came.

    @ivar prefix: how a path begins, by segments, and what stands there instead.
    @ivar regex: a pattern that is searched in the path, and what stands there instead;
        C{\\1} or C{$1}: its first group.
    @ivar host: C{keep}, C{member} (the member's own name), or a name.
    """

    prefix: tuple[str, str] | None = field(Optional(_Pair("the old prefix, the new one")), None)
    regex: tuple[str, str] | None = field(Optional(_Pair("the pattern, the replacement")), None)
    host: str = field(Text(261, 1, _HOST, "keep, member, or a host with or without a port"), "keep")

    def check(self, path: Path, loading: Loading) -> None:
        """One way to change the path, and paths that are some."""
        if self.prefix is not None and self.regex is not None:
            loading.refuse((*path, "regex"), "does not go with prefix; give one of them")
        for number, text in enumerate(self.prefix or ()):
            if not text.startswith("/") or not _PATH.fullmatch(text):
                message = "must be a path: it begins with a slash and ends before any query"
                loading.refuse((*path, "prefix", number), message)
        if self.regex is not None and not _PATH.fullmatch(GROUP.sub("", self.regex[1])):
            message = "contains a character that a path cannot; write it as %XX"
            loading.refuse((*path, "regex", 1), message)
