"""POST /v1/transactions: several operations in one revision, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.rest import changed
from fiberlb.api.rest.bodies import LARGEST_WHOLE, parsed, read_text
from fiberlb.api.rest.conditions import quoted
from fiberlb.api.rest.lists import flag, query_of
from fiberlb.api.rest.reply import Reply
from fiberlb.api.rest.resource import AN_OBJECT, LONGEST_REASON, MONITORS
from fiberlb.api.rest.tables import ALIASES, MONITOR, TOP, WITHIN
from fiberlb.control.operations import Applied, Condition, Op, Operation, Outcome
from fiberlb.control.service import ControlService
from fiberlb.errors import ConfigurationError, Path
from fiberlb.model.fields import Loading
from fiberlb.model.pool import Pool

#: Operations of one transaction.
MOST = 100_000
_OPS = {op.value: op for op in (Op.CREATE, Op.REPLACE, Op.PATCH, Op.DELETE, Op.SET_STATE)}
_KEYS = ("op", "path", "if_match", "body")
_STATE = "state"


async def post(control: ControlService, request: IRequest) -> Reply:
    """Do them; the answer has what each came to, and every object that changed."""
    dry = flag(query_of(request, ("dry_run",)), "dry_run")
    text = read_text(request, largest=LARGEST_WHOLE)
    size = len(text) // AN_OBJECT
    reason, operations = await control.beside(lambda: read(parsed(text)), size)
    origin = changed.origin_of(request)
    if reason:
        origin = attrs.evolve(origin, reason=reason)
    outcome = await control.write(operations, origin, dry)
    results = [
        _result(operation, applied, outcome, dry)
        for operation, applied in zip(operations, outcome.applied, strict=True)
    ]
    more = {"results": results}
    return await changed.reply(control, outcome, dry, more, changed.minimal(request))


def _result(operation: Operation, applied: Applied, outcome: Outcome, dry: bool) -> dict[str, Any]:
    collection = Pool.COLLECTION if operation.collection == MONITORS else operation.collection
    word = "" if operation.op is Op.REPLACE_ALL else applied.id
    tag = None if dry else outcome.tags.get((collection, word))
    return {
        "id": applied.id,
        "created": applied.created,
        "etag": None if tag is None else quoted(tag),
    }


def read(document: Any) -> tuple[str, list[Operation]]:
    """
    The reason and the operations of a transaction's document.

    @raise ConfigurationError: with everything that is wrong with their form.
    """
    loading = Loading()
    if not isinstance(document, dict):
        loading.refuse((), "must be a mapping")
        document = {}
    _known(document, ("reason", "operations"), (), loading)
    reason = document.get("reason") or ""
    if not isinstance(reason, str) or len(reason) > LONGEST_REASON or not _is_line(reason):
        message = f"must be a line of at most {LONGEST_REASON} characters"
        loading.refuse(("reason",), message)
    several = document.get("operations")
    if not isinstance(several, list) or not 1 <= len(several) <= MOST:
        loading.refuse(("operations",), f"must be a list of 1 to {MOST} operations")
        several = []
    done = [_operation(each, ("operations", i), loading) for i, each in enumerate(several)]
    if loading.problems:
        raise ConfigurationError(loading.problems)
    return reason, [operation for operation in done if operation is not None]


def _is_line(text: str) -> bool:
    return not any(ord(character) < 32 or ord(character) == 127 for character in text)


def _known(document: Mapping[str, Any], keys: tuple[str, ...], at: Path, loading: Loading) -> None:
    for key in document:
        if key not in keys:
            guess = loading.guess(str(key), keys)
            loading.refuse((*at, str(key)), f"unknown key {str(key)!r}", guess, "unknown_key")


def _operation(document: Any, at: Path, loading: Loading) -> Operation | None:
    if not isinstance(document, dict):
        loading.refuse(at, "must be a mapping")
        return None
    before = len(loading.problems)
    _known(document, _KEYS, at, loading)
    word = document.get("op")
    op = _OPS.get(word) if isinstance(word, str) else None
    if op is None:
        guess = loading.guess(word, list(_OPS)) if isinstance(word, str) else None
        loading.refuse((*at, "op"), f"must be one of {', '.join(_OPS)}", guess)
    if op is Op.DELETE and document.get("body") is not None:
        loading.refuse((*at, "body"), "does not go with delete")
    condition = _condition(document.get("if_match"), (*at, "if_match"), loading)
    place = _place(document.get("path"))
    if place is None:
        loading.refuse((*at, "path"), "must be the path of an object or a list, such as /pools/web")
    elif op is not None:
        _fitting(op, place, (*at, "path"), loading)
    if op is None or place is None or len(loading.problems) > before:
        return None
    whole = op is Op.REPLACE and not place.word and place.collection != MONITORS
    return Operation(
        op=Op.REPLACE_ALL if whole else op,
        collection=place.collection,
        word=place.word,
        parent=place.parent,
        body=document.get("body"),
        condition=condition,
        at=(*at, "body"),
        place=at,
    )


def _condition(value: Any, at: Path, loading: Loading) -> Condition:
    if value is None:
        return Condition()
    if not isinstance(value, str) or not value:
        loading.refuse(at, 'must be an entity tag, such as "12", or *')
        return Condition()
    return Condition(match=(value.strip('"'),))


@attrs.frozen
class _Place:
    """
    What a path leads to.

    @ivar state: it is the state of that member.
    @ivar replaceable: the list may be replaced.
    """

    collection: str
    parent: str = ""
    word: str = ""
    state: bool = False
    replaceable: bool = False


def _place(path: Any) -> _Place | None:
    """The place of a path as of the API's addresses, with or without C{/v1}."""
    if not isinstance(path, str) or not path.startswith("/"):
        return None
    words = [unquote(word) for word in path.removeprefix("/v1").strip("/").split("/")]
    words[0] = ALIASES.get(words[0], words[0])
    if not all(words) or words[0] not in TOP:
        return None
    state = len(words) in (3, 5) and words[-1] == _STATE and words[-3] == "members"
    if state:
        words = words[:-1]
    if len(words) <= 2:
        return _Place(TOP[words[0]].collection, "", "".join(words[1:]), state)
    if words[0] == "pools" and words[2:] == [MONITOR]:
        return _Place(MONITORS, words[1])
    table = WITHIN.get((words[0], words[2]))
    if table is None or len(words) > 4:
        return None
    parent, word = words[1], "".join(words[3:])
    return _Place(table.collection, parent, word, state, table.replaceable)


def _fitting(op: Op, place: _Place, at: Path, loading: Loading) -> None:
    """Note that an operation does not go with what its path leads to."""
    single = bool(place.word) or place.collection == MONITORS
    checks: Mapping[Op, tuple[Callable[[], bool], str]] = {
        Op.CREATE: (lambda: not single, "create needs the path of a list, such as /pools"),
        Op.REPLACE: (
            lambda: single or place.replaceable,
            "replace needs the path of an object, or of the members of a pool or the rules of a"
            " policy",
        ),
        Op.PATCH: (lambda: single, "patch needs the path of an object"),
        Op.DELETE: (lambda: single, "delete needs the path of an object"),
        Op.SET_STATE: (
            lambda: place.collection == "members" and single,
            "set_state needs the path of a member, such as /pools/web/members/one",
        ),
    }
    fits, message = checks[op]
    if not fits() or (place.state and op is not Op.SET_STATE):
        loading.refuse(at, message if not fits() else "goes with set_state only")
