"""An authority in memory, which does what the test says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from fiberlb.acme.client import AcmeError, Answer
from fiberlb.acme.jws import AccountKey
from tests.support.certificates import authority

DIRECTORY = "https://ca.test/dir"


class StageAuthority:
    """
    The client's side of an authority: posts are answered at once.

    @ivar posts: what was posted, in order.
    @ivar looks: called when it is told to look at a name.
    @ivar offered: challenges that it takes.
    @ivar verdict: what it finds, C{valid} or C{invalid}.
    @ivar domains: what it signs; C{None}: what the request says.
    """

    def __init__(self) -> None:
        self.key = AccountKey.made()
        self.posts: list[str] = []
        self.looks: Callable[[], None] = lambda: None
        self.offered: tuple[str, ...] = ("http-01", "tls-alpn-01", "dns-01")
        self.verdict = "valid"
        self.domains: list[str] | None = None
        self._names: list[str] = []
        self._proved: dict[str, str] = {}
        self._chain = b""
        self._ready = 2

    async def post(self, name: str, payload: Any) -> Answer:
        """A signed request."""
        self.posts.append(name)
        kind, _, rest = name.partition("/")
        found = getattr(self, f"_{kind}")(rest, payload)
        if isinstance(found, bytes):
            return Answer(found, "", 0.0)
        return Answer(json.dumps(found).encode(), "order/1", 0.0)

    def _newOrder(self, rest: str, payload: Any) -> Any:
        self._names = [each["value"] for each in payload["identifiers"]]
        return self._order("", None)

    def _order(self, rest: str, payload: Any) -> Any:
        waiting = any(self._proved.get(name) != "valid" for name in self._names)
        status = "pending" if waiting else "ready"
        if self._chain:
            # It takes a while to sign.
            self._ready -= 1
            status = "processing" if self._ready > 0 else "valid"
        return {
            "status": status,
            "authorizations": [f"authz/{name}" for name in self._names],
            "finalize": "finalize/1",
            "certificate": "certificate/1",
        }

    def _authz(self, name: str, payload: Any) -> Any:
        error = {"type": "urn:ietf:params:acme:error:unauthorized", "detail": "not\nyours"}
        status = self._proved.get(name, "pending")
        challenges = [
            {"type": kind, "url": f"challenge/{name}", "token": f"token-{name.replace('.', '-')}"}
            for kind in self.offered
        ]
        if status == "invalid":
            challenges[0]["error"] = error  # type: ignore[assignment]
        identifier = {"type": "dns", "value": name}
        return {"identifier": identifier, "status": status, "challenges": challenges}

    def _challenge(self, name: str, payload: Any) -> Any:
        self.looks()
        self._proved[name] = self.verdict
        return {}

    def _finalize(self, rest: str, payload: Any) -> Any:
        data = payload["csr"]
        der = base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
        request = x509.load_der_x509_csr(der)
        wanted = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = self.domains or wanted.value.get_values_for_type(x509.DNSName)
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(authority().certificate.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=90))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), True)
            .sign(authority().key, hashes.SHA256())
        )
        self._chain = made.public_bytes(Encoding.PEM) + authority().pem.encode()
        return {}

    def _certificate(self, rest: str, payload: Any) -> Any:
        return self._chain


class Refusing(StageAuthority):
    """One that takes no orders."""

    async def post(self, name: str, payload: Any) -> Answer:
        """Refused."""
        raise AcmeError("rateLimited: too many", "rateLimited", 600.0)
