"""Entity tags and the conditions that clients put on them (RFC 9110, section 13)."""

from __future__ import annotations

import re

from twisted.web.iweb import IRequest

from fiberlb.api.rest.problem import invalid
from fiberlb.control.operations import ANY, Condition

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*')


def quoted(tag: str) -> str:
    """A tag as C{ETag} has it."""
    return f'"{tag}"'


def condition(request: IRequest) -> Condition:
    """
    The conditions of a write.

    @raise fiberlb.api.rest.problem.Refused: 400, a field is malformed.
    """
    return Condition(
        _tags(request, "if-match", weak=False), _tags(request, "if-none-match", weak=True)
    )


def not_modified(request: IRequest, tag: str) -> bool:
    """
    Whether a reader has this state already.

    @raise fiberlb.api.rest.problem.Refused: 400, the field is malformed.
    """
    known = _tags(request, "if-none-match", weak=True)
    return known is not None and (ANY in known or tag in known)


def _tags(request: IRequest, name: str, weak: bool) -> tuple[str, ...] | None:
    """The tags of a field; weak ones never match in a strong comparison (section 8.8.3.2)."""
    lines = request.requestHeaders.getRawHeaders(name)
    if not lines:
        return None
    text = ",".join(line.strip() for line in lines)
    if text == ANY:
        return (ANY,)
    found = []
    for part in _parts(text, name):
        if weak or not part[1]:
            found.append(part[2])
    return tuple(found)


def _parts(text: str, name: str) -> list[re.Match[str]]:
    parts = []
    at = 0
    while at < len(text):
        part = _TAG.match(text, at)
        if part is None or text[part.end() : part.end() + 1] not in ("", ","):
            raise invalid(f'{name} must be * or entity tags in quotes, such as "12"')
        parts.append(part)
        at = part.end() + 1
    return parts
