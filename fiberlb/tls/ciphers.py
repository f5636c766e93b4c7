"""Cipher suites: OpenSSL keeps two lists, one for TLS 1.3 and one for what is older."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import attrs
from OpenSSL import SSL

from fiberlb.errors import ConfigurationError, Path, Problem, nearest

#: For TLS 1.2 where nothing else is said: forward secret and authenticated (RFC 9325 section 4.2).
#: As in Mozilla's lists AES-128 is first: its hash is the one that processors have instructions
#: for, so a handshake costs less; nobody can break either.
INTERMEDIATE = b"ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20"
#: The same for TLS 1.3: of RFC 8446 section 9.1 the mandatory one, then those one should have.
MODERN = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"


@attrs.frozen
class Suites:
    """
    The two lists as OpenSSL takes them.

    @ivar tls12: never empty.
    @ivar tls13: never empty.
    """

    tls12: bytes = INTERMEDIATE
    tls13: bytes = MODERN

    def apply(self, context: SSL.Context) -> None:
        """Set them on a context that has no connection yet."""
        context.set_cipher_list(self.tls12)
        context.set_tls13_ciphersuites(self.tls13)


@cache
def supported() -> tuple[str, ...]:
    """Every suite that can be named: what OpenSSL has with a certificate and encryption."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_cipher_list(b"ALL:!aNULL:!eNULL:!PSK:!SRP:!aDSS")
    context.set_tls13_ciphersuites(b":".join(_TLS13))
    return tuple(SSL.Connection(context, None).get_cipher_list())


#: RFC 8446 appendix B.4, but the two CCM suites' 8-byte tag is only for constrained devices.
_TLS13 = (
    b"TLS_AES_256_GCM_SHA384",
    b"TLS_CHACHA20_POLY1305_SHA256",
    b"TLS_AES_128_GCM_SHA256",
    b"TLS_AES_128_CCM_SHA256",
)


def suites(names: Sequence[str], path: Path) -> Suites:
    """
    Suites by their OpenSSL names, in order of preference.

    Where only suites of one version are named the other keeps its default:
    versions are switched off by C{min_version} and C{max_version} alone.

    @param path: of the list, for the problems.

    @raise ConfigurationError: a name is none of L{supported}; groups such as
        C{HIGH} are refused too, as they may mean anything after an upgrade.
    """
    known = supported()
    problems = [
        Problem((*path, index), f"{name!r} is not a cipher suite here", nearest(name, known))
        for index, name in enumerate(names)
        if name not in known
    ]
    if problems:
        raise ConfigurationError(problems)
    modern = [name.encode() for name in names if name.startswith("TLS_")]
    older = [name.encode() for name in names if not name.startswith("TLS_")]
    return Suites(b":".join(older) or INTERMEDIATE, b":".join(modern) or MODERN)
