"""One order, from the names to the certificate (RFC 8555, 7.4 and 7.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from fiberlb.acme.challenge import Shown
from fiberlb.acme.client import LONGEST, SHORTEST, AcmeError, Answer, Speaks, problem
from fiberlb.acme.issued import Issue, key_text
from fiberlb.acme.jws import encoded
from fiberlb.errors import ConfigurationError
from fiberlb.model.acme import ChallengeKind
from fiberlb.model.certificate import Certificate
from fiberlb.tls.material import inspect

#: Seconds that an authority may take to look at a name, or to sign.
DEADLINE = 300.0
_TOKEN = r"[A-Za-z0-9_-]{1,256}"


class Order:
    """
    An order of one certificate.

    @param kinds: challenges that can be answered, the preferred one first.
    """

    def __init__(
        self,
        client: Speaks,
        shown: Shown,
        clock: IReactorTime,
        kinds: Sequence[ChallengeKind],
        directory: str,
    ) -> None:
        self._client = client
        self._shown = shown
        self._clock = clock
        self._kinds = kinds
        self._directory = directory

    async def run(self, domains: Sequence[str]) -> Issue:
        """
        Order, prove every name, collect.

        @raise AcmeError: it did not come to a certificate.
        """
        names = [{"type": "dns", "value": domain} for domain in domains]
        answer = await self._client.post("newOrder", {"identifiers": names})
        order, url = answer.document(), answer.location
        for authorization in _texts(order, "authorizations"):
            await self._prove(authorization)
        if order.get("status") != "valid":
            order = await self._until(url, ("pending",), "the order")
        key = ec.generate_private_key(ec.SECP256R1())
        csr = {"csr": encoded(_request(domains, key))}
        await self._client.post(_text(order, "finalize"), csr)
        order = await self._until(url, ("pending", "ready", "processing"), "the order")
        chain = (await self._client.post(_text(order, "certificate"), None)).body
        return _issue(chain, key, tuple(domains), self._directory)

    async def _prove(self, url: str) -> None:
        """Show that one name is ours."""
        found = (await self._client.post(url, None)).document()
        if found.get("status") == "valid":
            return
        domain = str((found.get("identifier") or {}).get("value", ""))
        kind, challenge = self._chosen(found)
        token = _text(challenge, "token")
        if not re.fullmatch(_TOKEN, token):
            raise AcmeError("the authority sent a token that is none")
        proof = f"{token}.{self._client.key.thumbprint}"
        try:
            await self._shown.show(kind, domain, token, proof)
            # Only now: it may look at once, and at any of our processes.
            await self._client.post(_text(challenge, "url"), {})
            await self._until(url, ("pending",), domain)
        finally:
            await self._shown.hide(kind, domain, token)

    def _chosen(self, authorization: Mapping[str, Any]) -> tuple[ChallengeKind, dict[str, Any]]:
        offered = {
            str(each.get("type")): each
            for each in authorization.get("challenges") or ()
            if isinstance(each, dict)
        }
        for kind in self._kinds:
            if kind.value in offered:
                return kind, offered[kind.value]
        can = " or ".join(kind.value for kind in self._kinds)
        raise AcmeError(f"the authority takes {', '.join(offered)}, we can answer {can}")

    async def _until(self, url: str, waiting: Sequence[str], what: str) -> dict[str, Any]:
        """Read a resource until it is no longer in one of these states; then it must be good."""
        end = self._clock.seconds() + DEADLINE
        pause = SHORTEST
        while True:
            answer = await self._client.post(url, None)
            found = answer.document()
            status = found.get("status")
            if status in ("valid", "ready") and status not in waiting:
                return found
            if status not in waiting:
                raise _failed(found, what)
            if self._clock.seconds() > end:
                raise AcmeError(f"{what} is still {status} after {DEADLINE:.0f} s")
            await deferLater(self._clock, _pause(answer, pause))
            pause = min(pause * 1.5, LONGEST)


def _pause(answer: Answer, pause: float) -> float:
    """What the authority asks for, within reason."""
    return min(answer.retry_after, LONGEST) if answer.retry_after else pause


def _failed(found: Mapping[str, Any], what: str) -> AcmeError:
    """Why an authorization or an order ended badly."""
    errors = [found.get("error")]
    errors += [c.get("error") for c in found.get("challenges") or () if isinstance(c, dict)]
    for each in errors:
        if isinstance(each, dict):
            why = problem(each)
            return AcmeError(f"{what}: {why}", why.kind)
    return AcmeError(f"{what} is {found.get('status')}")


def _request(domains: Sequence[str], key: ec.EllipticCurvePrivateKey) -> bytes:
    """The certificate signing request, DER."""
    names = x509.SubjectAlternativeName([x509.DNSName(domain) for domain in domains])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.DER)


def _issue(
    chain: bytes, key: ec.EllipticCurvePrivateKey, domains: tuple[str, ...], directory: str
) -> Issue:
    """What came, once it is known to be what was asked for."""
    text = key_text(key)
    try:
        pem = chain.decode("ascii")
        material = inspect(Certificate(certificate=pem, private_key=text))
    except (UnicodeDecodeError, ConfigurationError) as why:
        raise AcmeError(f"what was issued cannot be used: {why}") from None
    missing = set(domains) - set(material.names)
    if missing:
        raise AcmeError(f"what was issued is not for {', '.join(sorted(missing))}")
    return Issue(
        certificate=pem,
        private_key=text,
        domains=domains,
        directory=directory,
        not_before=material.not_before.timestamp(),
        not_after=material.not_after.timestamp(),
    )


def _text(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name)
    if not isinstance(found, str) or not found:
        raise AcmeError(f"the authority's answer has no {name}")
    return found


def _texts(document: Mapping[str, Any], name: str) -> list[str]:
    found = document.get(name)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise AcmeError(f"the authority's answer has no {name}")
    return found
