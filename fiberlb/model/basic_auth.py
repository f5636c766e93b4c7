"""Users with passwords (RFC 7617), in a file as C{htpasswd -B} writes it."""

from __future__ import annotations

import re
from typing import Any, Final

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Flag, Loading, Optional, Text, field

#: What passwords may be hashed with. The work that one check makes is bounded: a file that asks for
#: more would be a way to stop everything with a few requests.
_BCRYPT: Final = re.compile(r"\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}")
_ARGON2: Final = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,6}),t=(\d{1,2}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}"
)
#: KiB of memory, and passes over it.
_MOST_MEMORY: Final = 262144
_MOST_PASSES: Final = 20
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f:]{1,255}")
#: Users of one file.
MOST_USERS: Final = 10000


@attrs.frozen
class UsersFile:
    """
    What a file says.

    @ivar name: as the configuration has it.
    @ivar users: name and hash.
    """

    name: str
    users: tuple[tuple[str, str], ...] = attrs.field(repr=False)


class NotUsers(ValueError):
    """A text that is no list of users; a sentence that holds nothing of a password."""


def users_of(text: str) -> tuple[tuple[str, str], ...]:
    """
    The users of a file: C{name:hash} on a line, C{#} begins a comment.

    @raise NotUsers: with the line's number.
    """
    found: dict[str, str] = {}
    for number, one in enumerate(text.splitlines(), 1):
        one = one.strip()
        if not one or one.startswith("#"):
            continue
        name, _, hashed = one.partition(":")
        if not _NAME.fullmatch(name):
            raise NotUsers(f"line {number} has no name of a user before a colon")
        if name in found:
            raise NotUsers(f"line {number} names a user for the second time")
        if not _bounded(hashed):
            raise NotUsers(
                f"line {number}: the password is not hashed with bcrypt (cost 4 to 16) or"
                f" argon2id (up to 256 MiB, {_MOST_PASSES} passes); htpasswd -B does it"
            )
        found[name] = hashed
    if len(found) > MOST_USERS:
        raise NotUsers(f"has more than {MOST_USERS} users")
    return tuple(found.items())


def _bounded(hashed: str) -> bool:
    if _BCRYPT.fullmatch(hashed):
        return True
    argon = _ARGON2.fullmatch(hashed)
    if argon is None:
        return False
    memory, passes, lanes = map(int, argon.groups())
    return 8 * lanes <= memory <= _MOST_MEMORY and 1 <= passes <= _MOST_PASSES and 1 <= lanes <= 16


@attrs.frozen
class NamedUsers:
    """The name of a file with users; for the configuration file alone."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if not isinstance(value, str) or not value:
            return loading.refuse(path, "must be the path of a file")
        name = value.removeprefix("file:")
        if loading.read_file is None:
            return loading.refuse(path, "names a file: it is for the configuration file alone")
        loading.files[path] = name
        try:
            return UsersFile(name, users_of(loading.read_file(name)))
        except OSError as why:
            return loading.refuse(path, f"cannot read {name}: {why.strerror}")
        except UnicodeDecodeError:
            return loading.refuse(path, f"{name} is not text")
        except NotUsers as why:
            return loading.refuse(path, f"{name}: {why}")

    def dump(self, value: Any) -> Any:
        return value.name

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


@attrs.frozen(kw_only=True)
class BasicAuth:
    """
    Who is let in by password.

    @ivar realm: what browsers show when they ask for it.
    @ivar users_file: who there is; C{None}: nobody is asked.
    @ivar pass_on: members get the C{Authorization} field too.
    """

    realm: str = field(
        Text(255, 1, r"[ !#-\[\]-~]+", "printable ASCII without quotes and backslashes"), "FiberLB"
    )
    users_file: UsersFile | None = field(Optional(NamedUsers()), None)
    pass_on: bool = field(Flag(), False)

    @property
    def nothing(self) -> bool:
        """Nobody is asked: it only keeps what stands farther away from applying."""
        return self.users_file is None

    def check(self, path: Path, loading: Loading) -> None:
        """Either nothing is said, or who is let in."""
        if self.nothing and self != BasicAuth():
            loading.refuse((*path, "users_file"), "is needed: who is let in", code="missing")
