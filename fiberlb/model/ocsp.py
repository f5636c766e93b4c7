"""Whether and how a certificate is shown with word of its authority that it is not revoked."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import REFUSED, Loading

#: Nothing is stapled.
NONE = "none"
#: The responder that the certificate names is asked, again and again.
AUTO = "auto"
#: How L{source} calls a response that is configured itself.
GIVEN = "given"
#: Octets of a response; ordinary ones have 500 to 3,000.
MOST_RESPONSE = 32 << 10

_LABEL = "OCSP RESPONSE"
_ARMOURED = re.compile(rf"-----BEGIN {_LABEL}-----([^-]*)-----END {_LABEL}-----", re.ASCII)
_OBSERVED = frozenset({"status", "this_update", "next_update", "next_try", "last_error"})


@attrs.frozen
class Staple:
    """
    A response (RFC 6960) that has been found good for one certificate.

    @ivar response: as it goes to clients, DER.
    @ivar since: when it begins to be good, seconds since the epoch.
    @ivar until: when it ends to be; it must not be shown from then on.
    """

    response: bytes = attrs.field(repr=False)
    since: float
    until: float

    def good(self, now: float) -> bool:
        """Whether it may be shown; C{now}: seconds since the epoch."""
        return self.since <= now < self.until


def source(ocsp: str) -> str:
    """Where the response is from, as the API says it: L{NONE}, L{AUTO} or L{GIVEN}."""
    return ocsp if ocsp in (NONE, AUTO) else GIVEN


def response(ocsp: str) -> bytes:
    """The octets of a response that is configured itself; empty when it is no base64."""
    found = _ARMOURED.search(ocsp)
    try:
        return base64.b64decode("".join((found[1] if found else ocsp).split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def armoured(data: bytes) -> str:
    """A response as text."""
    body = base64.encodebytes(data).decode()
    return f"-----BEGIN {_LABEL}-----\n{body}-----END {_LABEL}-----\n"


@attrs.frozen
class Stapling:
    """
    C{none}, C{auto}, C{file:PATH} with a response in DER or PEM, or the response as PEM or base64.

    The model holds L{NONE}, L{AUTO} or PEM. What the response says is no matter here: one that
    does not fit is not shown, and does not keep the certificate from being served.
    """

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if isinstance(value, dict):
            return self._answered(value, path, loading)
        if value is None:
            return NONE
        if not isinstance(value, str):
            return loading.refuse(path, "must be none, auto or file:PATH")
        if value.startswith("file:"):
            return self._read(value[5:], path, loading)
        word = value.strip().lower()
        if word in (NONE, AUTO):
            return word
        if len(value) > 2 * MOST_RESPONSE:
            return loading.refuse(path, f"must have at most {2 * MOST_RESPONSE} characters")
        data = response(value)
        if data[:1] != b"\x30":  # a sequence, as every response is
            return loading.refuse(
                path,
                "must be none, auto, file:PATH or an OCSP response (PEM, or base64 of DER)",
                loading.guess(word, (NONE, AUTO)) if len(word) < 10 else None,
            )
        return armoured(data)

    def _answered(self, value: dict[str, Any], path: Path, loading: Loading) -> Any:
        """What an answer of the API had: what is observed is not looked at."""
        for key in value.keys() - _OBSERVED - {"source", "response"}:
            loading.refuse((*path, str(key)), f"unknown key {str(key)!r}", code="unknown_key")
            return REFUSED
        word = value.get("source")
        if word == GIVEN:
            return self.load(value.get("response") or "", path, loading)
        if word not in (NONE, AUTO):
            return loading.refuse((*path, "source"), "must be none, auto or given")
        return word

    def _read(self, name: str, path: Path, loading: Loading) -> Any:
        if loading.read_file is None:
            message = "file: is for the configuration file; send the response in PEM"
            return loading.refuse(path, message)
        loading.files[path] = name
        try:
            text = loading.read_file(name)
        except OSError as why:
            return loading.refuse(path, f"cannot read {name}: {why.strerror}")
        except UnicodeDecodeError as why:
            data = why.object
        else:
            # Text that is no PEM: a response of a few octets in DER, or none at all.
            data = (response(text) if _ARMOURED.search(text) else b"") or text.encode()
        if len(data) > MOST_RESPONSE:
            message = f"{name} is larger than a response can be ({MOST_RESPONSE // 1024}KiB)"
            return loading.refuse(path, message)
        return armoured(data)

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": [NONE, AUTO]}, {"type": "string"}]}
