"""Contexts towards members against a server of Python's C{ssl}, in memory."""

from __future__ import annotations

import ssl
from typing import Any

from OpenSSL import SSL

from fiberlb.model.certificate import Certificate
from fiberlb.model.listener import TlsVersion
from fiberlb.model.pool import Pool, PoolProtocol
from fiberlb.snapshot import MemberTlsPlan, PoolPlan
from fiberlb.tls.member_contexts import MemberContexts
from fiberlb.tls.member_link import PoolTls
from fiberlb.tls.trust import SystemTrust
from fiberlb.tls.words import failure_words
from tests.support.certificates import Leaf, authority, judge
from tests.support.programs import temporary_directory

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
ROOT = authority("Members' root")
OTHER = authority("Other root")


def plan(
    name: str | None = "api.test",
    authorities: Certificate | None = None,
    client: Certificate | None = None,
    least: TlsVersion = TlsVersion.TLS12,
    insecure: bool = False,
) -> MemberTlsPlan:
    """A plan that trusts C{ROOT}, unless said otherwise."""
    return MemberTlsPlan(name, authorities or judge(ROOT), client, least, insecure)


def pool(ident: str, tls: MemberTlsPlan | None) -> PoolPlan:
    """A pool without members."""
    one = Pool(id=ident, name=ident, protocol=PoolProtocol.HTTPS)
    return PoolPlan(one, (), None, tls)


def pool_tls(tls: MemberTlsPlan, trust: SystemTrust | None = None) -> PoolTls:
    """What a plan comes to."""
    made = MemberContexts(lambda: trust)
    return made.prepare({"p": pool("p", tls)})["p"]


def server(
    one: Leaf,
    *,
    most: ssl.TLSVersion = V13,
    least: ssl.TLSVersion = V12,
    asks_for: str | None = None,
    alpn: tuple[str, ...] = (),
) -> ssl.SSLContext:
    """A member's side; C{asks_for}: PEM of who must have signed the client's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    directory = temporary_directory()
    with open(f"{directory}/m.pem", "w", encoding="ascii") as file:
        file.write(one.chain + one.key_pem())
    context.load_cert_chain(f"{directory}/m.pem")
    context.minimum_version, context.maximum_version = least, most
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    if asks_for is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=asks_for)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class MemberPair:
    """
    Our end and a member's, joined by memory.

    @ivar ours: OpenSSL's connection.
    @ivar theirs: the member's.
    """

    def __init__(
        self, tls: PoolTls, context: ssl.SSLContext, address: str = "192.0.2.1", made: Any = None
    ) -> None:
        self.ours = made or tls.connection(None, address)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.names: list[str | None] = []
        context.sni_callback = lambda one, name, _: self.names.append(name)
        self.theirs = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def move(self) -> None:
        """Pass on what either side has written."""
        try:
            while True:
                self._incoming.write(self.ours.bio_read(65536))
        except SSL.WantReadError:
            pass
        sent = self._outgoing.read()
        if sent:
            self.ours.bio_write(sent)

    def handshake(self) -> str:
        """Both sides to the end; what failed on our side, in words, or empty."""
        for _ in range(6):
            try:
                self.ours.do_handshake()
            except SSL.WantReadError:
                pass
            except SSL.Error as why:
                return self.ours.expected.failure or failure_words(why)
            self.move()
            try:
                self.theirs.do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLError):
                pass
            self.move()
        return ""

    def exchange(self) -> str:
        """Bytes both ways, which brings the tickets of TLS 1.3; what failed, in words."""
        try:
            self.ours.send(b"ping")
            self.move()
            self.theirs.read(4)
            self.theirs.write(b"pong")
        except ssl.SSLError:
            pass
        self.move()
        for _ in range(4):
            try:
                # A record without data, such as a ticket, ends a call.
                assert self.ours.recv(4) == b"pong"
            except SSL.WantReadError:
                continue
            except SSL.Error as why:
                return failure_words(why)
            return ""
        return "nothing came"
