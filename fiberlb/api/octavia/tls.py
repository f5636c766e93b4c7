"""TLS attributes that listeners and pools share: versions, ciphers and ALPN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fiberlb.api.octavia.attributes import Attribute, several, text, word_of
from fiberlb.api.octavia.faults import Fault, invalid
from fiberlb.model.listener import Alpn, TlsVersion

#: Octavia's default: OWASP's suites of class B.
DEFAULT_CIPHERS = (
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
)
VERSIONS = {"TLSv1.2": TlsVersion.TLS12, "TLSv1.3": TlsVersion.TLS13}
_OLD = ("SSLv3", "TLSv1", "TLSv1.1")
_ALPN = ("h2", "http/1.1", "http/1.0")

ATTRIBUTES = {
    "tls_versions": Attribute(several(word_of(*_OLD, *VERSIONS))),
    "tls_ciphers": Attribute(text(2048, r"[A-Za-z0-9\-+!:@=_.]+")),
    "alpn_protocols": Attribute(several(word_of(*_ALPN))),
}


def versions(names: Sequence[str] | None) -> tuple[str | None, str | None]:
    """
    The least and the newest version, in words of ours, of a list of Octavia's.

    @raise Fault: 400, it is empty, or has one that nobody should speak.
    """
    if names is None:
        return None, None
    if not names:
        raise invalid("Empty TLS versions list is not allowed.")
    old = [name for name in names if name in _OLD]
    if old:
        raise Fault(
            400,
            f"Requested TLS versions are less than the minimum: {', '.join(old)} < TLSv1.2",
        )
    wanted = [version for name, version in VERSIONS.items() if name in names]
    newest = None if wanted[-1] is TlsVersion.TLS13 else wanted[-1].value
    return wanted[0].value, newest


def shown_versions(least: TlsVersion, newest: TlsVersion | None) -> list[str]:
    """The versions between two, by Octavia's names."""
    order = list(VERSIONS.values())
    last = order.index(newest) if newest is not None else len(order) - 1
    return list(VERSIONS)[order.index(least) : last + 1]


def ciphers(text: str | None) -> list[str]:
    """Suites by their OpenSSL names; none for the default."""
    return [] if text is None or text == DEFAULT_CIPHERS else text.split(":")


def shown_ciphers(suites: Sequence[str]) -> str:
    """A list of suites, or what stands for the default."""
    return ":".join(suites) or DEFAULT_CIPHERS


def protocols(names: Sequence[str] | None) -> list[str] | None:
    """
    What is offered of a list: what this version serves.

    @raise Fault: 400, it is empty.
    """
    if names is None:
        return None
    if not names:
        raise invalid("Empty ALPN protocol list is not allowed.")
    served = {one.value for one in Alpn}
    return [name for name in names if name in served] or None


def any_given(given: dict[str, Any] | Any) -> bool:
    """Whether any of these attributes says something."""
    return any(given.get(name) is not None for name in ATTRIBUTES)
