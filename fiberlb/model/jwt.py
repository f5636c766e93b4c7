"""Tokens of an identity provider (RFC 7519, RFC 6750)."""

from __future__ import annotations

from typing import Final

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading, Optional, Several, Text, Words, field
from fiberlb.model.forward_auth import URL
from fiberlb.model.header_edits import RequestHeaders, spelled

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


@attrs.frozen(kw_only=True)
class Jwt:
    """
    Whose tokens let in.

    @ivar jwks_url: where the provider's keys are (RFC 7517); C{None}: nobody is asked for a token.
    @ivar issuer: that tokens name.
    @ivar audience: one of these a token must name; empty: none that names any is taken.
    @ivar claims_to_headers: claim -> the field that members get it in.
    """

    jwks_url: str | None = field(Optional(Text(2048, 8, URL, "an http or https URL")), None)
    issuer: str | None = field(Optional(Text(2048, 1)), None)
    audience: tuple[str, ...] = field(Several(Text(2048, 1), single=True, most=100), ())
    claims_to_headers: tuple[tuple[str, str], ...] = field(
        Words(Text(255, 1, _TOKEN, "a header name")), ()
    )

    @property
    def nothing(self) -> bool:
        """Nobody is asked: it only keeps what stands farther away from applying."""
        return self.jwks_url is None

    def check(self, path: Path, loading: Loading) -> None:
        """Either nothing is said, or whose tokens are meant; no field that frames a message."""
        if self != Jwt():
            for key in ("jwks_url", "issuer"):
                if getattr(self, key) is None:
                    loading.refuse((*path, key), "is needed: whose tokens count", code="missing")
        taken: set[str] = set()
        for claim, name in self.claims_to_headers:
            at = (*path, "claims_to_headers", claim)
            if spelled(name) in RequestHeaders.FIXED:
                loading.refuse(at, f"{name} cannot be set: it says how the message is read")
            if spelled(name) in taken:
                loading.refuse(at, f"{name} is set by two claims", code="duplicate")
            taken.add(spelled(name))
