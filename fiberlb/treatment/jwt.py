"""C{jwt}: who is let in by a token of an identity provider (RFC 6750)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fiberlb.model.jwt import Jwt
from fiberlb.routing.request import Request
from fiberlb.treatment.basic_auth import authorization
from fiberlb.treatment.draft import Asked, Draft, Reply
from fiberlb.wire.field_lines import cutter, line, put

_bearer: Final = re.compile(
    rb"(?i:bearer) +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)"
).fullmatch
#: Octets of a token.
_LONGEST: Final = 16384
#: No token at all is no error (RFC 6750, 3.1).
_ASKED: Final = Reply(reason="auth_failed", lines=b"WWW-Authenticate: Bearer\r\n")


def refusal(why: str) -> Reply:
    """A token that is not taken; C{why}: words of ours, nothing of the token."""
    told = f'WWW-Authenticate: Bearer error="invalid_token", error_description="{why}"\r\n'
    return Reply(reason="auth_failed", lines=told.encode("ascii"))


def ask_for_tokens(value: Jwt, draft: Draft) -> None:
    """Let those pass who have a token."""
    if value.nothing:
        return
    names = [(claim, name.encode()) for claim, name in value.claims_to_headers]
    cut = cutter(name for _, name in value.claims_to_headers) if names else None

    def gate(asked: Asked, request: Request) -> Any:
        field = authorization(asked)
        if field is None:
            return _ASKED
        token = _bearer(field)
        if token is None or len(field) > _LONGEST:
            return refusal("this is no token")
        return asked.cell.services.guards.tokens.judged(value, token[1].decode(), judge(asked))

    def judge(asked: Asked) -> Any:
        def judged(claims: Mapping[str, Any] | str) -> Reply | None:
            if isinstance(claims, str):
                return refusal(claims)
            asked.user = said(claims.get("sub"))
            if cut is not None:
                told = [line(name, said(claims.get(claim))) for claim, name in names]
                asked.out = put(cut(asked.out), b"".join(told))
            return None

        return judged

    draft.gates.append(gate)


def said(value: Any) -> bytes:
    """
    A claim as a field's value: a text, a number, a truth, or several of them with commas between.

    C{b""} for what cannot be told so that it is read as it was meant.
    """
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, (str, int, float)):
        return str(value).encode("utf-8", "replace")
    if isinstance(value, list):
        parts = [said(one) for one in value if not isinstance(one, list)]
        if len(parts) == len(value) and all(part and b"," not in part for part in parts):
            return b",".join(parts)
    return b""
