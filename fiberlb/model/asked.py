"""A request that nobody sends: what explanations and tests of a configuration are about."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import attrs

from fiberlb.errors import Path
from fiberlb.model.addresses import plain_ip
from fiberlb.model.fields import REFUSED, Loading, Optional, Several, Text, Words, field

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


@attrs.frozen
class _Address:
    """An IP address."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        try:
            return plain_ip(value if isinstance(value, str) else "")
        except ValueError:
            return loading.refuse(path, f"{value!r} is not an IP address")

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@attrs.frozen
class _Url:
    """C{https://host/path} or C{/path}; as it is in a request, not as it is shown to people."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        found = Text(16384, 1).load(value, path, loading)
        if found is REFUSED or found.startswith("/") or found == "*":
            return found
        try:
            parts = urlsplit(found)
            good = parts.scheme in ("http", "https", "tls") and parts.netloc and parts.port != 0
        except ValueError:
            good = False
        if not good:
            return loading.refuse(path, f"{value!r} is neither /path nor http://host/path")
        return found

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": 16384}


@attrs.frozen(kw_only=True)
class Asked:
    """
    One request, or one connection of a listener that understands no requests.

    @ivar method: as sent.
    @ivar url: C{https://host:port/path?query}, or the path alone.
    @ivar headers: names and values; a list of values: as many fields.
    @ivar from_ip: who has connected.
    @ivar sni: the server name of the handshake; null: the URL's host, over TLS.
    @ivar alpn: the protocols that the client offers.
    @ivar client_certificate: the attributes of the subject of the certificate that the client
        shows; null: it shows none.
    """

    method: str = field(Text(64, 1, _TOKEN, "a method"), "GET")
    url: str = field(_Url(), "/")
    headers: tuple[tuple[str, tuple[str, ...]], ...] = field(
        Words(Several(Text(16384), single=True, most=100)), ()
    )
    from_ip: str = field(_Address(), "192.0.2.1")
    sni: str | None = field(Optional(Text(255)), None)
    alpn: tuple[str, ...] = field(Several(Text(255, 1), single=True, most=20), ())
    client_certificate: tuple[tuple[str, str], ...] | None = field(Optional(Words(Text(255))), None)

    @property
    def scheme(self) -> str:
        """C{http} or C{https}; empty: the URL does not say."""
        return "" if self.url.startswith("/") else urlsplit(self.url).scheme

    @property
    def authority(self) -> str:
        """Host and port as the URL has them."""
        return urlsplit(self.url).netloc.rpartition("@")[2] if self.scheme else ""

    @property
    def host(self) -> str:
        """The URL's host, in lower case and without brackets; empty: it has none."""
        return (urlsplit(self.url).hostname or "") if self.scheme else ""

    @property
    def port(self) -> int | None:
        """The port that is connected to; C{None}: the URL does not say."""
        given = urlsplit(self.url).port if self.scheme else None
        return given or {"http": 80, "https": 443, "tls": 443}.get(self.scheme)

    @property
    def target(self) -> str:
        """Path and query, as sent."""
        if not self.scheme:
            return self.url
        rest = self.url.partition("://")[2].partition("#")[0]
        at = min((i for i in (rest.find("/"), rest.find("?")) if i >= 0), default=len(rest))
        uri = rest[at:]
        return uri if uri.startswith("/") else f"/{uri}"
