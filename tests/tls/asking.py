"""Clients with certificates of their own, against slots that ask for them."""

from __future__ import annotations

import os
import ssl
import tempfile
from functools import cache

from cryptography import x509
from OpenSSL import SSL

from fiberlb.snapshot import ClientPlan
from fiberlb.tls.contexts import TlsSlot, refusal
from tests.support.certificates import Authority, Leaf, authority, judge, leaf
from tests.tls.handshake import Pair, alert

CA, OTHER_CA = authority("Clients"), authority("Other clients")


def asking(
    *authorities: Authority,
    mandatory: bool = True,
    names: tuple[str, ...] = (),
    crl: x509.CertificateRevocationList | None = None,
) -> ClientPlan:
    """A plan's part about clients."""
    return ClientPlan(judge(*(authorities or (CA,)), crl=crl), mandatory, names)


def person(
    common: str = "somebody",
    issuer: Authority = CA,
    issuers: tuple[Authority, ...] = (),
    purpose: str | None = "client",
    days: int = 90,
) -> Leaf:
    """A client's certificate."""
    return leaf(common=common, issuer=issuer, issuers=issuers, purpose=purpose, days=days)


@cache
def client(version: ssl.TLSVersion, certificate: Leaf | None = None) -> ssl.SSLContext:
    """A client of one version that shows a certificate if it is asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    if certificate is not None:
        handle, path = tempfile.mkstemp()
        try:
            with open(handle, "w") as file:
                file.write(certificate.chain + certificate.key_pem())
            context.load_cert_chain(path)
        finally:
            os.unlink(path)
    return context


class Visit:
    """
    One handshake of a client and how it came out.

    @ivar alert: what OpenSSL refused it with; empty: nothing.
    @ivar refusal: why it is not let in after the handshake; empty: it is.
    @ivar session: for the next visit.
    @ivar reused: it resumed.
    """

    def __init__(
        self,
        made: TlsSlot,
        name: str | None,
        context: ssl.SSLContext,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self.pair = pair = Pair(made, name, context, session)
        self.alert = self.refusal = ""
        self.session: ssl.SSLSession | None = None
        self.reused = False
        try:
            self._shake()
        except SSL.Error:
            pair.move()
            self.alert = self._alert()
            return
        self.refusal = refusal(pair.server)
        if not self.refusal:
            pair.exchange()
            self.session = pair.client.session
        self.reused = bool(pair.client.session_reused)

    def _shake(self) -> None:
        pair = self.pair
        for _ in range(6):
            for step, retry in (
                (pair.client.do_handshake, ssl.SSLWantReadError),
                (pair.server.do_handshake, SSL.WantReadError),
            ):
                try:
                    step()
                except retry:
                    pass
                pair.move()

    def _alert(self) -> str:
        """What the client is told: at once in TLS 1.2, with its first read in 1.3."""
        try:
            self.pair.client.do_handshake()
            self.pair.client.read(1)
        except ssl.SSLError as why:
            return alert(why)
        raise AssertionError("no alert")

    @property
    def welcome(self) -> bool:
        """Whether it was let in."""
        return not self.alert and not self.refusal
