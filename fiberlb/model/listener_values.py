"""Kinds of values that only listeners have."""

from __future__ import annotations

import re
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.addresses import FD, SCOPED, UNIX, load_unix, plain_ip, unbracketed
from fiberlb.model.fields import Flag, Loading, Whole
from fiberlb.model.written import plain


@attrs.frozen
class ListenAddress:
    """
    An IP address to listen on, C{unix:/path}, or C{fd:NUMBER} or C{fd:NAME} of a socket that the
    process was started with; the other forms come later and are refused as such.
    """

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if isinstance(value, str) and value.startswith(UNIX):
            return load_unix(value, path, loading)
        if isinstance(value, str) and value.startswith(FD):
            return self._inherited(value, path, loading)
        if isinstance(value, str) and re.match(r"[a-z0-9]+:[^:]*$", value):
            scheme = value.split(":")[0]
            return loading.refuse(
                path, f"{scheme}: known, not supported by this version", code="not_supported"
            )
        if isinstance(value, str) and "%" in value:
            return loading.refuse(path, SCOPED, code="not_supported")
        try:
            return plain_ip(value if isinstance(value, str) else "")
        except ValueError:
            return loading.refuse(path, f"{value!r} is not an IP address", unbracketed(value))

    @staticmethod
    def _inherited(value: str, path: Path, loading: Loading) -> Any:
        word = value.removeprefix(FD)
        if word.isdecimal() and word.isascii() and 3 <= int(word) < 1 << 20:
            return f"{FD}{int(word)}"
        if re.fullmatch(r"(?![0-9]+$)[A-Za-z0-9._@\\-]{1,255}", word):
            return value
        message = f"{value!r} is not fd: with a number from 3, or with a name as systemd has it"
        return loading.refuse(path, message)

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@attrs.frozen
class Setting:
    """A flag that Octavia's clients write as a text."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        return Flag().load(value, path, loading)

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return Flag().schema()


@attrs.frozen
class ConnectionLimit:
    """A number of connections; -1 is no limit, and 0 would be a listener that answers nobody."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        found = Whole(-1, 10_000_000).load(value, path, loading)
        if found == 0:
            return loading.refuse(path, "must be -1 (no limit) or at least 1")
        return found

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": -1}, Whole(1, 10_000_000).schema()]}


@attrs.frozen
class RedirectStatus:
    """C{false}, C{true} (308) or a redirect's status; the model holds 0 for C{false}."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        found = plain(value)
        if isinstance(found, bool):
            return 308 if found else 0
        if str(value) in ("301", "302", "307", "308"):
            return int(value)
        return loading.refuse(path, "must be true, false, 301, 302, 307 or 308")

    def dump(self, value: Any) -> Any:
        return value or False

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, {"enum": [301, 302, 307, 308]}]}
