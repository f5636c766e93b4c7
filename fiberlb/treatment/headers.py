"""C{request_headers} and C{response_headers}: fields set, added and removed."""

from __future__ import annotations

from collections.abc import Callable

from fiberlb.model.header_edits import HeaderEdits
from fiberlb.treatment.draft import Asked, Draft
from fiberlb.treatment.variables import Template, template
from fiberlb.wire.field_lines import cutter, line

_Lines = Callable[[Asked], bytes]
_Cut = Callable[[bytes], bytes]


def edit_requests(edits: HeaderEdits, draft: Draft) -> None:
    """Members see these fields otherwise."""
    if edits.nothing:
        return
    cut, lines, passing = _compiled(edits)
    draft.repeats = draft.repeats and not passing

    def edited(asked: Asked, head: bytes) -> bytes:
        return cut(head)[:-2] + lines(asked) + b"\r\n"

    draft.requests.append(edited)


def edit_answers(edits: HeaderEdits, draft: Draft) -> None:
    """Clients see these fields otherwise, whoever answers."""
    if edits.nothing:
        return
    cut, lines, _ = _compiled(edits)
    draft.answers.append(lambda asked, head: cut(head) + lines(asked))


def _compiled(edits: HeaderEdits) -> tuple[_Cut, _Lines, bool]:
    """What cuts, what is put in, and whether that is another text for each request."""
    names = [*edits.remove, *(name for name, _ in edits.set)]
    named = [(n.encode(), template(text)) for n, text in (*edits.set, *edits.add)]
    passing = any(value.passing for _, value in named)
    return (cutter(names) if names else _as_it_is), _lines(named), passing


def _as_it_is(head: bytes) -> bytes:
    return head


def _lines(named: list[tuple[bytes, Template]]) -> _Lines:
    if all(value.constant is not None for _, value in named):
        made = b"".join([line(name, value.constant or b"") for name, value in named])
        return lambda asked: made
    return lambda asked: b"".join([line(name, value.render(asked)) for name, value in named])
