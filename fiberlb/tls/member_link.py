"""
One member's end of TLS: who is expected there, and what is remembered of it.

A chain is verified by OpenSSL; the name is verified with it, in the same
callback, before anything of ours is shown or sent to the member. A session is
kept with what it was verified for (L{MemberLink}), so that none outlives the
settings that it was made under.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

import attrs
from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import (
    verify_certificate_hostname,
    verify_certificate_ip_address,
)
from twisted.logger import Logger

from fiberlb.model.addresses import named
from fiberlb.snapshot import MemberTlsPlan
from fiberlb.tls import openssl
from fiberlb.tls.direct import Connection
from fiberlb.tls.words import certificate_words, other_name_words

#: What is offered by ALPN.
PROTOCOLS: Final = (b"http/1.1",)
#: Seconds for which a session is taken up again; then chain and name are verified anew.
SESSION_LIFE: Final = 3600.0
_log = Logger()


class Expectation:
    """
    Who is expected at the other end of one connection, and what was found.

    @ivar name: a DNS name or an IP address.
    @ivar verified: chain and name were verified in this handshake.
    @ivar failure: what was wrong with the certificate, in words; empty: nothing so far.
    """

    __slots__ = ("_address", "_lists", "failure", "name", "verified")

    def __init__(
        self, name: str, address: bool, lists: tuple[x509.CertificateRevocationList, ...]
    ) -> None:
        self.name = name
        self.verified = False
        self.failure = ""
        self._address = address
        self._lists = lists

    def judge(self, certificate: X509, depth: int) -> str:
        """What is wrong with a certificate that OpenSSL accepts; empty: nothing."""
        if depth and not self._lists:
            return ""
        found = certificate.to_cryptography()
        if depth:
            # The leaf's own list is OpenSSL's; those above count where there is one.
            mine = [one for one in self._lists if one.issuer == found.issuer]
            serial = found.serial_number
            if any(one.get_revoked_certificate_by_serial_number(serial) for one in mine):
                return "certificate has an authority that has been revoked"
            return ""
        verify = verify_certificate_ip_address if self._address else verify_certificate_hostname
        try:
            verify(found, self.name)
        except (VerificationError, CertificateError):
            return other_name_words(self.name, found)
        return ""


class MemberSsl(Connection):
    """
    OpenSSL's end of a connection to a member.

    @ivar expected: who should be at the other end; not the app data, which is the user's.
    """

    expected: Expectation


def verify(connection: SSL.Connection, found: X509, error: int, depth: int, ok: int) -> bool:
    """OpenSSL's callback for each certificate of a chain, the leaf's last."""
    assert isinstance(connection, MemberSsl)
    expected = connection.expected
    try:
        failure = expected.judge(found, depth) if ok else certificate_words(error)
    except Exception:
        _log.failure("a member's certificate could not be judged")
        failure = "certificate cannot be read"
    if failure:
        expected.failure = failure
        return False
    if not depth:
        expected.verified = True
    return True


@attrs.frozen(eq=False)
class PoolTls:
    """
    TLS to the members of a pool.

    The same object for as long as nothing that it is made of has changed.

    @ivar context: perhaps other pools' too.
    @ivar lists: what the authorities have revoked.
    """

    plan: MemberTlsPlan
    context: SSL.Context
    lists: tuple[x509.CertificateRevocationList, ...] = attrs.field(repr=False)

    def connection(self, sock: Any, address: str) -> MemberSsl:
        """
        A connection that begins the handshake.

        @param sock: does not block; C{None}: bytes are passed by C{bio_write} and C{bio_read}.
        @param address: the member's: what its certificate is for unless the plan has a name;
            for a Unix socket that is C{localhost}.
        """
        made = MemberSsl(self.context, sock)
        name = self.plan.server_name or _plain_name(address)
        is_address = _is_address(name)
        made.expected = Expectation(name, is_address, self.lists)
        if not is_address:
            # An address is never sent as a name (RFC 6066 section 3).
            made.set_tlsext_host_name(name.encode("ascii"))
        if sock is not None:
            # What is in memory is bounded, and nobody would come again for the rest of it.
            openssl.bounded_reads(made)
        made.set_connect_state()
        return made


def _plain_name(address: str) -> str:
    return "localhost" if named(address) else address.partition("%")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def doubt(connection: MemberSsl, tls: PoolTls, resumed: bool) -> str:
    """
    Why a finished handshake is not good enough; empty: it is.

    @param resumed: a session was offered that had been verified.
    """
    if not (connection.expected.verified or resumed or tls.plan.insecure):
        return "certificate was not verified"
    protocol = connection.get_alpn_proto_negotiated()
    if protocol and protocol not in PROTOCOLS:
        return "member insists on another protocol than HTTP/1.1 (ALPN)"
    return ""


class MemberLink:
    """
    TLS to one member: its settings, and the session to go on with.

    Sessions belong to it alone: with other settings or another address it is another object.
    """

    __slots__ = ("_address", "_made", "_session", "tls")

    def __init__(self, tls: PoolTls, address: str) -> None:
        self.tls = tls
        self._address = address
        self._session: Any = None
        self._made = 0.0

    def connection(self, sock: Any, now: float) -> tuple[MemberSsl, bool]:
        """
        See L{PoolTls.connection}.

        @param now: seconds of any clock that does not jump.

        @return: also whether it offers a session.
        """
        made = self.tls.connection(sock, self._address)
        session = self._session
        if session is None:
            return made, False
        if self._made + SESSION_LIFE <= now:
            self._session = None
            return made, False
        made.set_session(session)
        return made, True

    def keep(self, session: Any, now: float, resumed: bool) -> None:
        """Go on with this session next time; one that was resumed does not become younger."""
        if session is not None:
            self._session = session
            if not resumed:
                self._made = now

    def forget(self) -> None:
        """The next handshake is a full one."""
        self._session = None
