"""Certificates that are ordered and renewed by themselves (RFC 8555), as they are configured."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import REFUSED, Loading, Material, OneOf, Optional, Several, Text, field
from fiberlb.model.quantities import Duration

#: Let's Encrypt, in production.
DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory"
#: Names in one certificate; public authorities take no more.
MOST_DOMAINS = 100
_DAY = 86400.0
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+{_LABEL}")
_URL = r"https://[^\s/?#@]+(?:/[^\s]*)?"


class ChallengeKind(Enum):
    """How an authority sees that a name is ours."""

    HTTP_01 = "http-01"
    TLS_ALPN_01 = "tls-alpn-01"


@attrs.frozen
class _Domain:
    """A host name as certificates have it; the model holds it in lower case."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        text = value.lower().removesuffix(".") if isinstance(value, str) else ""
        if text.startswith("*."):
            message = f"{value!r}: a wildcard needs the challenge dns-01, which is not supported"
            return loading.refuse(path, message, code="not_supported")
        if not text.isascii():
            return loading.refuse(path, f"{value!r} must be written in ASCII (xn--...)")
        if not _DOMAIN.fullmatch(text) or text.rsplit(".", 1)[-1].isdecimal():
            return loading.refuse(path, f"{value!r} is not a domain name")
        return text

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@attrs.frozen
class _Domains:
    """A list of names, each once; at least one."""

    names = Several(_Domain(), single=True, most=MOST_DOMAINS)

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        found = self.names.load(value, path, loading)
        if found is REFUSED:
            return found
        if not found:
            return loading.refuse(path, "must name at least one domain", code="missing")
        return tuple(dict.fromkeys(found))

    def dump(self, value: Any) -> Any:
        return list(value)

    def schema(self) -> dict[str, Any]:
        return self.names.schema()


@attrs.frozen
class _Roots:
    """C{system}, or PEM text of roots, or C{file:PATH}; the model holds C{system} or PEM."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if value == "system":
            return value
        text = Material().load(value, path, loading)
        if text is not REFUSED and "-----BEGIN CERTIFICATE-----" not in text:
            return loading.refuse(path, "must be system, or hold a PEM certificate")
        return text

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


_CHALLENGE = OneOf(ChallengeKind, {"http_01": "http-01", "tls_alpn_01": "tls-alpn-01"})
_EMAIL = Text(254, 3, r"[^@\s,?&]+@[^@\s,?&]+", "an e-mail address")
_DIRECTORY = Text(2048, 1, _URL, "an https: address")


@attrs.frozen(kw_only=True)
class AcmeSettings:
    """
    What all certificates go by, unless they say otherwise; of the process.

    @ivar directory: of the authority.
    @ivar email: where it writes when something is wrong; C{None}: nowhere.
    @ivar ca: roots that its own certificate is judged by: C{system}, or PEM.
    @ivar renew_before: seconds before the end at which a certificate is renewed.
    @ivar challenge: C{None}: as the listeners suggest.
    """

    email: str | None = field(Optional(_EMAIL), None)
    directory: str = field(_DIRECTORY, DIRECTORY)
    ca: str = field(_Roots(), "system", repr=False)
    renew_before: float = field(Duration(), 30 * _DAY)
    challenge: ChallengeKind | None = field(Optional(_CHALLENGE), None)


@attrs.frozen(kw_only=True)
class Acme:
    """
    A certificate that is ordered by itself.

    The other fields are those of L{AcmeSettings}; C{None}: as it says.

    @ivar domains: what the certificate is for; lower case.
    """

    domains: tuple[str, ...] = field(_Domains())
    email: str | None = field(Optional(_EMAIL), None)
    directory: str | None = field(Optional(_DIRECTORY), None)
    ca: str | None = field(Optional(_Roots()), None, repr=False)
    renew_before: float | None = field(Optional(Duration()), None)
    challenge: ChallengeKind | None = field(Optional(_CHALLENGE), None)

    def within(self, settings: AcmeSettings) -> AcmeSettings:
        """The settings in force for this certificate."""
        own = {name: getattr(self, name) for name in attrs.fields_dict(AcmeSettings)}
        return attrs.evolve(settings, **{n: v for n, v in own.items() if v is not None})
