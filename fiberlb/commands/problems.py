"""Problem documents (RFC 9457) in lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.commands.exits import REFUSED, STALE, Failed

#: What helps against some codes, or statuses.
_HINTS = {
    "stale": "Somebody else changed it since it was read: look again, then repeat the command",
    "store_unavailable": "Nothing was changed unless this says otherwise; traffic goes on",
}
_BY_STATUS = {
    401: "See FIBERLB_TOKEN, --token-file and --client-cert",
}


def failed(status: int, document: Any) -> Failed:
    """
    What ends a command when an answer is a problem: its detail first, then what it says of
    each field, then whatever else helps.
    """
    if not isinstance(document, Mapping):
        return Failed(f"the answer was {status}", REFUSED)
    detail = str(document.get("detail") or document.get("title") or f"the answer was {status}")
    lines = [*_fields(document.get("errors") or (), detail), *_more(document, detail)]
    hint = _HINTS.get(str(document.get("code"))) or _BY_STATUS.get(status)
    if hint:
        lines.append(hint)
    return Failed(detail, STALE if status == 412 else REFUSED, tuple(lines))


def _fields(errors: Any, detail: str) -> list[str]:
    """A line for each field; none where the detail says the same already."""
    lines = []
    for error in errors:
        path, message = error.get("path") or "/", error.get("message", "")
        suggestion = error.get("suggestion")
        hint = f" (did you mean {suggestion!r}?)" if suggestion else ""
        if len(errors) > 1 or not detail.endswith(f"{message}{hint}"):
            lines.append(f"  {path}: {message}{hint}")
    return lines


def _more(document: Mapping[str, Any], detail: str) -> list[str]:
    """What is known beside the detail, and not said there."""
    lines = []
    for user in document.get("used_by") or ():
        name = user.get("name") or user.get("id")
        if f"{name} of {user.get('collection')}" not in detail:
            lines.append(f"  used by {name} of {user.get('collection')}")
    if document.get("ids"):
        lines.append("  ids: " + ", ".join(map(str, document["ids"])))
    if document.get("file") and str(document["file"]) not in detail:
        lines.append(f"  see {document['file']}:{document.get('line', 1)}")
    return lines
