"""C{basic_auth}: who is let in by password."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from typing import Any, Final

from fiberlb.model.basic_auth import BasicAuth
from fiberlb.routing.request import Request
from fiberlb.treatment.draft import Asked, Draft, Reply
from fiberlb.wire.field_lines import cutter

_fields: Final = re.compile(rb"\n(?i:authorization):[ \t]*([^\r\n]*?)[ \t]*\r").findall
_basic: Final = re.compile(rb"(?i:basic) +([A-Za-z0-9+/]+={0,2})").fullmatch
#: Takes the field out of the head for the member.
without_authorization: Final = cutter(["Authorization"])
#: Octets of a name and a password.
_LONGEST: Final = 1024


def authorization(asked: Asked) -> bytes | None:
    """The one Authorization field of a request; C{None}: there is none, or more than one."""
    found = _fields(asked.block())
    return found[0] if len(found) == 1 else None


def ask_for_passwords(value: BasicAuth, draft: Draft) -> None:
    """Let those pass who know a password."""
    if value.users_file is None:
        return
    users = {name.encode(): hashed for name, hashed in value.users_file.users}
    challenge = f'WWW-Authenticate: Basic realm="{value.realm}", charset="UTF-8"\r\n'.encode()
    refused = Reply(reason="auth_failed", lines=challenge)

    def gate(asked: Asked, request: Request) -> Any:
        found = _credentials(asked)
        if found is None:
            return refused
        name, password = found
        guards = asked.cell.services.guards
        return guards.passwords.judged(asked.client, users, name, password, judge(asked, name))

    def judge(asked: Asked, name: bytes) -> Any:
        def judged(right: bool) -> Reply | None:
            if not right:
                return refused
            asked.user = name
            if not value.pass_on:
                asked.out = without_authorization(asked.out)
            return None

        return judged

    draft.gates.append(gate)


def _credentials(asked: Asked) -> tuple[bytes, bytes] | None:
    """Name and password, if they are given and could be right."""
    field = authorization(asked)
    basic = None if field is None else _basic(field)
    if basic is None or len(basic[1]) > 2 * _LONGEST:
        return None
    try:
        name, colon, password = b64decode(basic[1], validate=True).partition(b":")
    except Error:
        return None
    if not colon or len(name) + len(password) > _LONGEST:
        return None
    return name, password
