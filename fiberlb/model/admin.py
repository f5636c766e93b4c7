"""The admin API's surface: where it listens, who may use it (product page, decision 12)."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.access import Role, TokenSetting
from fiberlb.model.addresses import UNIX, load_unix
from fiberlb.model.convert import Nested
from fiberlb.model.fields import (
    Flag,
    Loading,
    Material,
    OneOf,
    Optional,
    Several,
    Text,
    Words,
    field,
)
from fiberlb.model.pool import split_address


@attrs.frozen
class AdminAddress:
    """C{HOST:PORT} with an IP address, or C{unix:/path}."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if isinstance(value, str) and re.fullmatch(r"unix:/.+", value, re.S):
            return load_unix(value, path, loading)
        found = split_address(value) if isinstance(value, str) else None
        if found is None or not 0 <= int(found[1]) <= 65535:
            return loading.refuse(path, f"{value!r} is not HOST:PORT or unix:/path")
        host = "127.0.0.1" if found[0] == "localhost" else found[0]
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return loading.refuse(path, f"{found[0]!r} is not an IP address")
        return f"[{host}]:{int(found[1])}" if ":" in host else f"{host}:{int(found[1])}"

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@attrs.frozen(kw_only=True)
class AdminListen:
    """
    One address of the admin API.

    @ivar plaintext: without TLS; C{None}: on loopback and Unix sockets, and nowhere else.
    @ivar group: whose members may open a Unix socket too, a name or a number.
    """

    address: str = field(AdminAddress())
    plaintext: bool | None = field(Optional(Flag()), None)
    group: str | None = field(Optional(Text(64, 1)), None)

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """The short form is the address itself."""
        return {"address": value} if isinstance(value, str) else value

    @property
    def unix(self) -> bool:
        """A Unix socket: who may open it may do everything."""
        return self.address.startswith(UNIX)

    @property
    def local(self) -> bool:
        """A Unix socket, or on loopback."""
        if self.unix:
            return True
        found = split_address(self.address)
        return found is not None and ipaddress.ip_address(found[0]).is_loopback

    @property
    def tls(self) -> bool:
        """Whether TLS is spoken there."""
        return not self.unix and not (self.local if self.plaintext is None else self.plaintext)

    def check(self, path: Path, loading: Loading) -> None:
        """Unix sockets know no TLS, others no groups."""
        if self.unix and self.plaintext is False:
            loading.refuse((*path, "plaintext"), "a Unix socket does without TLS")
        if self.group is not None and not self.unix:
            loading.refuse((*path, "group"), "goes with a Unix socket only")


@attrs.frozen
class ListenAt:
    """An L{AdminListen}: its address alone where nothing else is said of it."""

    nests: ClassVar[type] = AdminListen

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        return Nested(AdminListen).load(value, path, loading)

    def dump(self, value: Any) -> Any:
        long = Nested(AdminListen).dump(value)
        return value.address if value.plaintext is None and value.group is None else long

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, Nested(AdminListen).schema()]}


@attrs.frozen(kw_only=True)
class AdminTls:
    """
    TLS of the admin API.

    @ivar certificate: PEM, with its chain; may hold the key too.
    @ivar client_ca: PEM of who may vouch for clients; C{None}: they are not asked.
    @ivar client_role: of clients that C{client_roles} does not name; C{None}: admin where that
        is empty, else they may do nothing.
    @ivar client_roles: by a name in the certificate: the common name or an alternative one.
    """

    certificate: str = field(Material(), repr=False)
    private_key: str | None = field(Optional(Material(secret=True)), None, repr=False)
    client_ca: str | None = field(Optional(Material()), None, repr=False)
    client_role: Role | None = field(Optional(OneOf(Role)), None)
    client_roles: tuple[tuple[str, Role], ...] = field(Words(OneOf(Role)), ())

    @property
    def other_role(self) -> Role | None:
        """What clients may do that are not named; C{None}: nothing."""
        return (
            Role.ADMIN if self.client_role is None and not self.client_roles else self.client_role
        )

    def check(self, path: Path, loading: Loading) -> None:
        """Roles are for clients that are asked."""
        for key in ("client_role", "client_roles"):
            if self.client_ca is None and getattr(self, key):
                loading.refuse((*path, key), "needs client_ca: nobody else shows a certificate")


@attrs.frozen(kw_only=True)
class Admin:
    """
    The admin API's surface.

    @ivar listen: where; empty: no admin API.
    @ivar tls_config: for addresses that are not plaintext.
    @ivar allowed_hosts: names that the Host header may bear beside loopback and IP literals.
    @ivar tokens: beside those that are made while it runs.
    """

    LATER: ClassVar[frozenset[str]] = frozenset()

    listen: tuple[AdminListen, ...] = field(
        Several(ListenAt(), single=True, most=8), (AdminListen(address="127.0.0.1:9876"),)
    )
    tls_config: AdminTls | None = field(Optional(Nested(AdminTls)), None)
    allowed_hosts: tuple[str, ...] = field(Several(Text(255, 1), most=64), ())
    tokens: tuple[TokenSetting, ...] = field(
        Several(Nested(TokenSetting), single=True, most=64), ()
    )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens, addresses alone."""
        return tuple(one.address for one in self.listen)

    @property
    def asks_clients(self) -> bool:
        """Whether somebody can be known by a certificate."""
        return self.tls_config is not None and self.tls_config.client_ca is not None

    def check(self, path: Path, loading: Loading) -> None:
        """It is not open to everybody, and every name is one token's."""
        for index, one in enumerate(self.listen):
            at = (*path, "listen", index) if len(self.listen) > 1 else (*path, "listen")
            self._check_closed(one, at, loading)
        if self.tls_config is not None and not any(one.tls for one in self.listen):
            message = "no address uses it: on loopback it takes {address: ..., plaintext: false}"
            loading.refuse((*path, "tls_config"), message)
        names = [one.name for one in self.tokens if one.name]
        for name in sorted({name for name in names if names.count(name) > 1}):
            loading.refuse((*path, "tokens"), f"several are called {name!r}", code="duplicate")
        if len({one.token for one in self.tokens}) < len(self.tokens):
            loading.refuse((*path, "tokens"), "one is given twice", code="duplicate")

    def _check_closed(self, one: AdminListen, at: Path, loading: Loading) -> None:
        if one.tls and self.tls_config is None:
            message = f"{one.address} needs admin.tls_config"
            if not one.local:
                message += ", as it is not loopback (plaintext: true on it does without)"
            loading.refuse(at, message, code="open")
        elif not one.local and not self.tokens and not (one.tls and self.asks_clients):
            who = "admin.tokens, or a client_ca in admin.tls_config" if one.tls else "admin.tokens"
            message = (
                f"{one.address} is not loopback and needs {who}: it would be open to everybody"
            )
            loading.refuse(at, message, code="open")
