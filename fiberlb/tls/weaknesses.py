"""What of a listener's TLS is allowed, and yet not what anybody should want."""

from __future__ import annotations

from collections.abc import Iterator

from fiberlb.errors import Path
from fiberlb.model.listener import TlsConfig, TlsVersion


def weaknesses(tls: TlsConfig) -> Iterator[tuple[Path, str]]:
    """Each with its field, relative to the C{tls_config}; nothing for the defaults."""
    for index, name in enumerate(tls.cipher_suites):
        if name.startswith("TLS_"):
            continue
        at = ("cipher_suites", index)
        if not name.startswith(("ECDHE-", "DHE-")):
            yield at, f"{name} has no forward secrecy: a stolen key opens what was recorded"
        elif "GCM" not in name and "CHACHA20" not in name and "CCM" not in name:
            yield at, f"{name} authenticates after it encrypts (CBC), which has been attacked often"
        elif name.startswith("DHE-"):
            yield at, f"{name} is never agreed on: there are no parameters for DHE"
    if tls.max_version is TlsVersion.TLS12:
        yield ("max_version",), "TLS 1.3 is switched off"
