"""Tokens: which there are, making, exchanging and taking them away. A text is told once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from twisted.web.iweb import IRequest

from fiberlb.api.access.identity import identity_of
from fiberlb.api.rest.bodies import no_body, read_json
from fiberlb.api.rest.lists import query_of
from fiberlb.api.rest.problem import Refused, invalid
from fiberlb.api.rest.reply import NO_CONTENT, Reply
from fiberlb.api.rest.resource import dry_of, dry_reply, reason_of
from fiberlb.api.rest.route import Role, Route, Served
from fiberlb.control.commits import time_text
from fiberlb.control.refusals import NotFound
from fiberlb.control.service import ControlService
from fiberlb.control.tokens import Token
from fiberlb.errors import ConfigurationError
from fiberlb.model.access import NewToken, TokenRotation, TokenSetting
from fiberlb.model.access import Role as Known
from fiberlb.model.admin import Admin
from fiberlb.model.convert import structure
from fiberlb.model.fields import Loading

PATH = "/v1/tokens"
B = TypeVar("B")


def listing(control: ControlService, request: IRequest) -> Reply:
    """GET: those of the file, then those that were made since."""
    query_of(request, ())
    items = _of_file(control)
    items += [document(control, one) for one in control.operating.tokens.every]
    return Reply(document={"items": items})


def get(control: ControlService, request: IRequest, word: str) -> Reply:
    """GET of one that was made, or of one of the file by its name."""
    query_of(request, ())
    try:
        return Reply(document=document(control, control.operating.tokens.find(word)))
    except NotFound:
        for one in _of_file(control):
            if one["name"] == word:
                return Reply(document=one)
        raise


async def create(control: ControlService, request: IRequest) -> Reply:
    """
    POST: the answer has its text, unless it is a dry run.

    @raise Refused: 409, the file has one of that name, or nobody could be admin any more.
    """
    dry = dry_of(request)
    wanted = _body(NewToken, request)
    if any(one.name == wanted.name for one in _admin(control).tokens):
        raise Refused(409, "exists", f"the file has a token called {wanted.name!r}")
    if wanted.expires_at is not None and wanted.expires_at <= control.wall():
        raise invalid("is over already", ("expires_at",))
    roles = [*_able(control), *([wanted.role] if wanted.role is Known.ADMIN else [])]
    _not_locked_out(control, roles, True)
    made, text = await control.operating.tokens.create(
        wanted.name,
        wanted.role,
        wanted.project,
        wanted.expires_at,
        identity_of(request).name,
        reason_of(request),
        dry,
    )
    if dry:
        return dry_reply(control, document(control, made))
    headers = {"Location": f"{PATH}/{made.id}"}
    return Reply(201, {**document(control, made), "token": text}, headers)


async def rotate(control: ControlService, request: IRequest, word: str) -> Reply:
    """POST .../rotate: the answer has the new text."""
    dry = dry_of(request)
    wanted = _body(TokenRotation, request)
    _stored(control, word)
    author = identity_of(request).name
    made, text = await control.operating.tokens.rotate(
        word, wanted.grace, author, reason_of(request), dry
    )
    if dry:
        return dry_reply(control, document(control, made))
    return Reply(document={**document(control, made), "token": text})


async def delete(control: ControlService, request: IRequest, word: str) -> Reply:
    """
    DELETE: it is good for nothing from now on.

    @raise Refused: 409, nobody could be admin any more.
    """
    dry = dry_of(request)
    no_body(request)
    tokens = control.operating.tokens
    found = _stored(control, word)
    some = bool(_admin(control).tokens) or len(tokens.every) > 1
    _not_locked_out(control, _able(control, found), some)
    reason = reason_of(request)
    if dry:
        return dry_reply(control, None)
    await tokens.delete(found.id, identity_of(request).name, reason)
    return Reply(NO_CONTENT)


def _admin(control: ControlService) -> Admin:
    return control.state.file.settings.admin


def _of_file(control: ControlService) -> list[dict[str, Any]]:
    return [_filed(number, one) for number, one in enumerate(_admin(control).tokens, 1)]


def _stored(control: ControlService, word: str) -> Token:
    """
    One that was made, and so can be changed.

    @raise Refused: 409, it stands in the configuration file.
    """
    try:
        return control.operating.tokens.find(word)
    except NotFound:
        if any(one["name"] == word for one in _of_file(control)):
            detail = f"the token {word!r} stands in admin.tokens of the configuration file"
            raise Refused(409, "owned_by_file", f"{detail}: change it there") from None
        raise


def _able(control: ControlService, gone: Token | None = None) -> list[Known]:
    """Admins that could come in with a token, without one of them."""
    now = control.wall()
    stored = [one for one in control.operating.tokens.every if one != gone and one.valid(now)]
    filed = [
        one for one in _admin(control).tokens if one.expires_at is None or now < one.expires_at
    ]
    several: Iterable[Token | TokenSetting] = (*stored, *filed)
    return [one.role for one in several if one.role is Known.ADMIN]


def _not_locked_out(control: ControlService, able: list[Known], some: bool) -> None:
    """
    Make sure that somebody can be admin.

    @param some: whether there will be tokens: without any loopback is open.
    """
    admin = _admin(control)
    tls = admin.tls_config
    known = (
        tls is not None
        and tls.client_ca is not None
        and (tls.other_role is Known.ADMIN or Known.ADMIN in dict(tls.client_roles).values())
    )
    if not some or able or known or any(one.unix for one in admin.listen):
        return
    detail = (
        "then nobody could be admin: with a token there is, loopback takes one. Have one of the"
        " role admin first, or listen on a unix socket too"
    )
    raise Refused(409, "would_lock_out", detail)


def _body(cls: type[B], request: IRequest) -> B:
    loading = Loading()
    found = structure(cls, read_json(request), (), loading)
    if found is None:
        raise ConfigurationError(loading.problems)
    return found


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else time_text(seconds)


def document(control: ControlService, token: Token) -> dict[str, Any]:
    """A token without its text."""
    now = control.wall()
    in_grace = token.old_until is not None and now < token.old_until
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role.value,
        "project": token.project,
        "managed_by": "api",
        "created_at": _time(token.created_at),
        "created_by": token.created_by,
        "reason": token.reason,
        "rotated_at": _time(token.rotated_at),
        "old_until": _time(token.old_until) if in_grace else None,
        "expires_at": _time(token.expires_at),
        "expired": not token.valid(now),
        "last_used_at": _time(control.operating.tokens.used(token.id)),
    }


def _filed(number: int, one: TokenSetting) -> dict[str, Any]:
    return {
        "id": None,
        "name": one.name or f"token-{number}",
        "role": one.role.value,
        "project": one.project,
        "managed_by": "file",
        "expires_at": _time(one.expires_at),
    }


_Call = Callable[[ControlService, IRequest, str], Any]


def _one(work: _Call) -> Callable[[Served, IRequest, Mapping[str, str]], Any]:
    return lambda served, request, words: work(served.control, request, words["token"])


ROUTES = (
    Route(
        method="GET",
        path=PATH,
        operation="listTokens",
        role=Role.ADMIN,
        summary="Who may use the API; never the tokens themselves",
        call=lambda served, request, words: listing(served.control, request),
        gives={200: "TokenList"},
    ),
    Route(
        method="POST",
        path=PATH,
        operation="createToken",
        role=Role.ADMIN,
        summary="Make one; the answer has its text, which nobody can tell again",
        call=lambda served, request, words: create(served.control, request),
        takes="NewToken",
        gives={201: "MadeToken"},
        query=("dry_run",),
    ),
    Route(
        method="GET",
        path=f"{PATH}/{{token}}",
        operation="getToken",
        role=Role.ADMIN,
        summary="One of them",
        call=_one(get),
        gives={200: "Token"},
    ),
    Route(
        method="DELETE",
        path=f"{PATH}/{{token}}",
        operation="deleteToken",
        role=Role.ADMIN,
        summary="Take it away, at once",
        call=_one(delete),
        gives={204: ""},
        query=("dry_run",),
    ),
    Route(
        method="POST",
        path=f"{PATH}/{{token}}/rotate",
        operation="rotateToken",
        role=Role.ADMIN,
        summary="Give it a new text; the old one stays good for a while if so asked",
        call=_one(rotate),
        takes="TokenRotation",
        gives={200: "MadeToken"},
        query=("dry_run",),
    ),
)
