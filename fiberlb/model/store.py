"""Where the store is: a file, this process' memory, or an etcd."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, ClassVar
from urllib.parse import urlsplit

import attrs

from fiberlb.errors import Path
from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import REFUSED, Loading, Material, OneOf, Optional, Several, Text, field

#: Where an etcd answers clients unless it is told otherwise.
PORT = 2379
#: What everything that FiberLB keeps in an etcd begins with.
PREFIX = "/fiberlb/"
_ETCD = "etcd:"
_FORMS = "must be sqlite:PATH, memory:, etcd:http://HOST:PORT,... or {type: etcd, endpoints: [...]}"


@attrs.frozen
class Endpoint:
    """C{http://HOST[:PORT]} or C{https://HOST[:PORT]}; the model holds it with its port."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        text = value if isinstance(value, str) else ""
        try:
            found = urlsplit(text)
            port = found.port or PORT
        except ValueError:
            found, port = urlsplit(""), PORT
        plain = not found.query and not found.fragment and found.path in ("", "/")
        if found.username is not None:
            message = "a name and a password belong into the keys username and password"
            return loading.refuse(path, message)
        if found.scheme not in ("http", "https") or not found.hostname or not plain:
            return loading.refuse(path, f"{value!r} is not http://HOST:PORT or https://HOST:PORT")
        host = f"[{found.hostname}]" if ":" in found.hostname else found.hostname
        return f"{found.scheme}://{host}:{port}"

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


def _directory(prefix: str) -> str:
    """A prefix ends like a directory, so that no other one begins with it by accident."""
    return prefix if prefix.endswith("/") else f"{prefix}/"


def _one_line(password: str | None) -> str | None:
    """A password without the line end that its file has."""
    return None if password is None else password.rstrip("\r\n")


class StoreType(Enum):
    """What kind of store a mapping describes."""

    ETCD = "etcd"


@attrs.frozen(kw_only=True)
class EtcdSettings:
    """
    An etcd as the store, shared with other nodes.

    @ivar endpoints: members of one cluster, asked in this order.
    @ivar prefix: what all keys begin with; ends with a slash.
    @ivar username: C{None}: the etcd asks for no name.
    @ivar ca: PEM of the authorities that its certificates are verified with; C{None}: the
        system's.
    @ivar certificate: PEM, shown to an etcd that asks for one, with C{private_key}.
    """

    type: StoreType = field(OneOf(StoreType), StoreType.ETCD)
    endpoints: tuple[str, ...] = field(Several(Endpoint(), single=True, most=16))
    prefix: str = field(Text(255, 1), PREFIX, converter=_directory)
    username: str | None = field(Optional(Text(255, 1)), None)
    password: str | None = field(
        Optional(Material(secret=True)), None, repr=False, converter=_one_line
    )
    ca: str | None = field(Optional(Material()), None, repr=False)
    certificate: str | None = field(Optional(Material()), None, repr=False)
    private_key: str | None = field(Optional(Material(secret=True)), None, repr=False)

    def __str__(self) -> str:
        return f"etcd at {', '.join(self.endpoints)}"


@attrs.frozen
class StoreSetting:
    """C{sqlite:PATH}, C{memory:} or C{etcd:URL,URL}, which a mapping says in more detail."""

    #: What the schema of the file has to describe as well.
    nests: ClassVar[type] = EtcdSettings

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if isinstance(value, dict):
            return self._etcd(value, path, loading)
        if isinstance(value, str) and (value == "memory:" or re.fullmatch(r"sqlite:.+", value)):
            return value
        if isinstance(value, str) and value.startswith(_ETCD):
            endpoints = value.removeprefix(_ETCD).split(",")
            return self._checked({"endpoints": endpoints}, path, loading)
        return loading.refuse(path, _FORMS)

    def _etcd(self, value: dict[str, Any], path: Path, loading: Loading) -> Any:
        if "type" not in value:
            return loading.refuse((*path, "type"), "must be etcd")
        return self._checked(value, path, loading)

    @staticmethod
    def _checked(value: dict[str, Any], path: Path, loading: Loading) -> Any:
        made = structure(EtcdSettings, value, path, loading)
        if made is None:
            return REFUSED
        if not made.endpoints:
            return loading.refuse((*path, "endpoints"), "must name at least one")
        if (made.username is None) != (made.password is None):
            return loading.refuse(path, "username and password go together")
        if (made.certificate is None) != (made.private_key is None):
            return loading.refuse(path, "certificate and private_key go together")
        return made

    def dump(self, value: Any) -> Any:
        return unstructure(value) if isinstance(value, EtcdSettings) else value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/EtcdSettings"}]}
