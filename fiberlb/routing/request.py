"""A request as rules and redirects see it."""

from __future__ import annotations

from typing import Any

from fiberlb.routing.path import PLAIN_TARGET, readings

_match_plain = PLAIN_TARGET.match


def host_name(authority: bytes) -> bytes:
    """The name of C{host[:port]}: lower case, without port and final dot; brackets stay."""
    name = authority.lower()
    if b":" in name:
        name = name[: name.find(b"]") + 1] if name[:1] == b"[" else name[: name.index(b":")]
    return name[:-1] if name[-1:] == b"." else name


def origin_form(target: bytes) -> bytes:
    """Path and query of a target as sent: an absolute-form loses its scheme and authority."""
    if target[:1] == b"/" or b"://" not in target:
        return target
    rest = target[target.index(b"://") + 3 :]
    starts = [at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0]
    if not starts:
        return b"/"
    uri = rest[min(starts) :]
    return uri if uri[:1] == b"/" else b"/" + uri


class Request:
    """
    One request, built by whoever read its head, only where policies exist.

    What is derived is computed when first asked for and kept.

    @ivar method: as sent.
    @ivar target: as sent: origin-form, absolute-form or C{*}.
    @ivar authority: the Host field or the authority of an absolute-form, as
        sent; C{b""} if there is none.
    @ivar block: the validated field lines: C{b"\\r\\nName: value\\r\\n"}, each ending
        with CRLF, and C{b"\\r\\n"} when there are none.
    @ivar sni: the server name of the handshake; C{None} without one.
    @ivar secure: the request came over TLS.
    @ivar port: of the listener; 0 where it has none.
    @ivar path: the normal form (L{fiberlb.routing.path}), what rules compare.
    @ivar other: the path's second reading, C{b""} if the path must not pass,
        C{None} for nearly every path: it has one reading.
    """

    __slots__ = (
        "_folded",
        "_host",
        "_kept",
        "authority",
        "block",
        "method",
        "other",
        "path",
        "port",
        "secure",
        "sni",
        "target",
    )

    def __init__(
        self,
        method: bytes,
        target: bytes,
        authority: bytes,
        block: bytes,
        sni: bytes | None,
        secure: bool,
        port: int,
    ) -> None:
        self.method = method
        self.target = target
        self.authority = authority
        self.block = block
        self.sni = sni
        self.secure = secure
        self.port = port
        self._host: bytes | None = None
        self._folded: bytes | None = None
        self._kept: dict[bytes, Any] | None = None
        # Every evaluation begins with the path, so this is not worth a later call.
        plain = _match_plain(target)
        self.path: bytes
        self.other: bytes | None
        if plain is not None:
            self.path = plain[1]
            self.other = None
        else:
            self.path, self.other = readings(self.uri.partition(b"?")[0])

    @property
    def host(self) -> bytes:
        """The name without port, in lower case; C{b""} if the request names none."""
        host = self._host
        if host is None:
            host = self._host = host_name(self.authority)
        return host

    @property
    def uri(self) -> bytes:
        """Path and query exactly as sent, also of an absolute-form."""
        return origin_form(self.target)

    @property
    def query(self) -> bytes | None:
        """What follows the first question mark, as sent; C{None} without one."""
        _, mark, query = self.uri.partition(b"?")
        return query if mark else None

    @property
    def folded(self) -> bytes:
        """The field lines in lower case, to find names in; offsets are those of C{block}."""
        folded = self._folded
        if folded is None:
            folded = self._folded = self.block.lower()
        return folded

    @property
    def kept(self) -> dict[bytes, Any]:
        """What rules have read of the field lines, for the next rule that needs it."""
        kept = self._kept
        if kept is None:
            kept = self._kept = {}
        return kept
