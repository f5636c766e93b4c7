"""Who may do what through the admin API: roles, and tokens that stand for them."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading, OneOf, Optional, Text, field
from fiberlb.model.quantities import Duration

#: Characters that a token has at least: what is shorter could be guessed.
SHORTEST_TOKEN = 16
LONGEST_TOKEN = 512
#: What can stand behind C{Bearer} (RFC 6750 section 2.1), C{~} and its like included.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=:@-]+")
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._@-]*[A-Za-z0-9])?"
#: A name as it stands in the history, in addresses and in logs.
TOKEN_NAME = Text(64, 1, _NAME, "letters, digits and ._@- between them")


class Role(Enum):
    """What somebody may do; each may do what the ones before it may."""

    READ = "read"
    OPERATE = "operate"
    WRITE = "write"
    ADMIN = "admin"

    def allows(self, needed: Role) -> bool:
        """Whether who has this role may do what takes another one."""
        return _RANK[self] >= _RANK[needed]


_RANK = {role: rank for rank, role in enumerate(Role)}


def digest(token: str) -> str:
    """
    What is kept of a token.

    A fast hash: what it is made of has more possibilities than anybody can try, so there is
    nothing that a slow one would protect (L{SHORTEST_TOKEN}).
    """
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


@attrs.frozen
class TokenText:
    """A token, C{file:PATH} of one, or its L{digest}, which is all that is held."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if not isinstance(value, str):
            return loading.refuse(path, "must be a text, or file:PATH")
        text = str(value)
        if text.startswith("file:"):
            if loading.read_file is None:
                return loading.refuse(path, "file: is for the configuration file")
            loading.files[path] = text[5:]
            try:
                text = loading.read_file(text[5:]).strip()
            except OSError as why:
                return loading.refuse(path, f"cannot read {value[5:]}: {why.strerror}")
            except UnicodeDecodeError:
                return loading.refuse(path, f"{value[5:]} is not text")
        if _DIGEST.fullmatch(text):
            return text
        if not SHORTEST_TOKEN <= len(text) <= LONGEST_TOKEN:
            message = f"must have {SHORTEST_TOKEN} to {LONGEST_TOKEN} characters"
            return loading.refuse(path, f"{message}: openssl rand -hex 32 makes one")
        if not _TOKEN.fullmatch(text):
            return loading.refuse(path, "must consist of letters, digits and ._~+/=:@-")
        return digest(text)

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@attrs.frozen
class Moment:
    """A time, RFC 3339 with its zone; the model holds seconds since the epoch."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        try:
            found = datetime.fromisoformat(str(value) if isinstance(value, str) else "")
        except ValueError:
            return loading.refuse(path, "must be a time such as 2027-01-31T08:00:00Z")
        if found.tzinfo is None:
            return loading.refuse(path, f"has no zone: write {value}Z for UTC")
        return found.timestamp()

    def dump(self, value: Any) -> Any:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


@attrs.frozen(kw_only=True)
class TokenSetting:
    """
    A token of the configuration file.

    @ivar name: who uses it, for the history; C{None}: by its place in the list.
    @ivar token: its L{digest}.
    @ivar project: the only one it is for, of the Octavia API; C{None}: any.
    @ivar expires_at: seconds since the epoch; C{None}: never.
    """

    name: str | None = field(Optional(TOKEN_NAME), None)
    role: Role = field(OneOf(Role), Role.ADMIN)
    token: str = field(TokenText(), repr=False)
    project: str | None = field(Optional(Text(255, 1)), None)
    expires_at: float | None = field(Optional(Moment()), None)

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """The short form is the token itself."""
        return {"token": value} if isinstance(value, str) else value


@attrs.frozen(kw_only=True)
class NewToken:
    """
    A token that is to be made; its text is chosen by FiberLB.

    @ivar name: who will use it, for the history.
    @ivar role: what they may do.
    @ivar project: the only one it is for, of APIs that have projects.
    @ivar expires_at: when its time is over; C{None}: never.
    """

    name: str = field(TOKEN_NAME)
    role: Role = field(OneOf(Role))
    project: str | None = field(Optional(Text(255, 1)), None)
    expires_at: float | None = field(Optional(Moment()), None)


@attrs.frozen(kw_only=True)
class TokenRotation:
    """
    A token that is to get a new text.

    @ivar grace: for how long the one that it has stays good.
    """

    grace: float = field(Duration(positive=False), 0.0)
