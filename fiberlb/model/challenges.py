"""What proves to an authority that a name is ours, for as long as it asks."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

#: Where an authority asks over HTTP (RFC 8555, 8.3); a token follows.
HTTP_PREFIX = "/.well-known/acme-challenge/"
#: What it offers by ALPN where it asks over TLS (RFC 8737, 6.2).
ALPN = b"acme-tls/1"


@attrs.frozen
class Challenges:
    """
    Everything that is to be answered now.

    @ivar answers: the path asked for -> the body of the answer.
    @ivar certificates: server name -> certificate and key as PEM, shown to who offers L{ALPN}.
    """

    answers: Mapping[str, bytes] = attrs.field(factory=dict)
    certificates: Mapping[str, tuple[str, str]] = attrs.field(factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.answers or self.certificates)
