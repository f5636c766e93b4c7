"""The authorities that this machine trusts: where they are, and whether they have changed."""

from __future__ import annotations

import os
from collections.abc import Mapping

import attrs

#: Where systems keep one file with all of them: Debian and Alpine, Fedora, SUSE, older Fedora.
FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


@attrs.frozen
class SystemTrust:
    """
    The system's authorities as they are now; equal while they are the same.

    @ivar file: all of them, in PEM.
    @ivar directory: each in a file named by its hash, which OpenSSL looks up when needed.
    @ivar stamp: changes when they do.
    """

    file: str | None
    directory: str | None
    stamp: tuple[int, ...] = ()


def system_trust(environment: Mapping[str, str] = os.environ) -> SystemTrust | None:
    """
    Where the authorities are; C{None} when this machine has none.

    C{SSL_CERT_FILE} and C{SSL_CERT_DIR} win, as they do for OpenSSL's own programs.
    """
    file, directory = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    if not file and not directory:
        file = next((path for path in FILES if os.path.isfile(path)), None)
    if not file and not directory:
        return None
    stamp: list[int] = []
    for path in filter(None, (file, directory)):
        try:
            found = os.stat(path)
        except OSError:
            continue
        stamp += [found.st_ino, found.st_size, found.st_mtime_ns]
    return SystemTrust(file or None, directory or None, tuple(stamp))
