"""
Contexts towards members: made when a revision is prepared, shared by what has equal settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509, X509StoreFlags
from OpenSSL.crypto import Error as StoreError

from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.certificate import Certificate
from fiberlb.model.listener import TlsVersion
from fiberlb.snapshot import MemberTlsPlan, PoolPlan
from fiberlb.tls import openssl
from fiberlb.tls.authorities import Authorities, inspect_authorities
from fiberlb.tls.chain import install
from fiberlb.tls.material import inspect
from fiberlb.tls.member_link import PROTOCOLS, PoolTls, verify
from fiberlb.tls.trust import SystemTrust, system_trust

_VERSIONS = {TlsVersion.TLS12: SSL.TLS1_2_VERSION, TlsVersion.TLS13: SSL.TLS1_3_VERSION}
_OPTIONS = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION
#: What a context is made of.
_Key = tuple[Any, ...]


class MemberContexts:
    """
    All TLS towards members of one process.

    As with everything that is changed live: L{prepare} does what can fail, L{use} swaps.

    @param trust: finds the system's authorities.
    """

    def __init__(self, trust: Callable[[], SystemTrust | None] = system_trust) -> None:
        self._trust = trust
        self._pools: Mapping[str, PoolTls] = {}

    def of(self, pool_id: str) -> PoolTls | None:
        """What is in use for a pool; C{None}: its members are not spoken to by TLS."""
        return self._pools.get(pool_id)

    def prepare(self, plans: Mapping[str, PoolPlan]) -> Mapping[str, PoolTls]:
        """
        Everything for these pools, without using it.

        @raise ConfigurationError: with problems at C{("pools", id, "tls_config", field)}
            or C{("certificates", id, field)}.
        """
        wanted = {ident: plan.tls for ident, plan in plans.items() if plan.tls is not None}
        if not wanted:
            return {}
        trust = self._trust()
        known = {_key(old.plan, _trust_of(old)): old for old in self._pools.values()}
        made: dict[str, PoolTls] = {}
        problems: list[Problem] = []
        for ident, plan in wanted.items():
            try:
                made[ident] = self._one(ident, plan, trust, known)
            except ConfigurationError as why:
                problems += why.problems
        if problems:
            raise ConfigurationError(dict.fromkeys(problems))
        return made

    def _one(
        self, ident: str, plan: MemberTlsPlan, trust: SystemTrust | None, known: dict[_Key, PoolTls]
    ) -> PoolTls:
        key = _key(plan, trust)
        old = self._pools.get(ident)
        if old is not None and key == _key(old.plan, _trust_of(old)) and _same(old.plan, plan):
            return old
        like = known.get(key)
        if like is not None:
            return PoolTls(plan, like.context, like.lists)
        context, lists = _make(ident, plan, trust)
        found = known[key] = PoolTls(plan, context, lists)
        return found

    def use(self, made: Mapping[str, PoolTls]) -> None:
        """Use what was prepared from now on; cannot fail."""
        self._pools = made


def _same(old: MemberTlsPlan, new: MemberTlsPlan) -> bool:
    """Whether two plans with the same context ask for the same name."""
    return old.server_name == new.server_name


def _trust_of(made: PoolTls) -> Any:
    return made.context.get_app_data()


def _key(plan: MemberTlsPlan, trust: SystemTrust | None) -> _Key:
    """What a context is made of; pools that differ in the name alone share one."""
    authorities: Any = None
    if not plan.insecure:
        authorities = trust if plan.authorities is None else _content(plan.authorities)
    client = None if plan.client is None else _content(plan.client)
    return authorities, client, plan.min_version, plan.insecure


def _content(one: Certificate) -> _Key:
    return one.certificate, one.private_key, one.passphrase, one.crl


def _make(
    ident: str, plan: MemberTlsPlan, trust: SystemTrust | None
) -> tuple[SSL.Context, tuple[x509.CertificateRevocationList, ...]]:
    at = ("pools", ident, "tls_config")
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_app_data(trust)
    context.set_min_proto_version(_VERSIONS[plan.min_version])
    context.set_options(_OPTIONS)
    context.set_mode(openssl.RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_alpn_protos(list(PROTOCOLS))
    lists: tuple[x509.CertificateRevocationList, ...] = ()
    if plan.insecure:
        context.set_verify(SSL.VERIFY_NONE)
    else:
        context.set_verify(SSL.VERIFY_PEER, verify)
        if plan.authorities is None:
            _trust_system(context, trust, (*at, "ca_certificate_id"))
        else:
            lists = _trust_named(context, plan.authorities)
    if plan.client is not None:
        _show(context, plan.client)
    return context, lists


def _trust_system(
    context: SSL.Context, trust: SystemTrust | None, path: tuple[str | int, ...]
) -> None:
    if trust is None:
        message = "system: this machine has no file of trusted authorities"
        hint = "install ca-certificates, or name a certificate of cert_type client_ca"
        raise ConfigurationError([Problem(path, f"{message}; {hint}")])
    try:
        context.load_verify_locations(trust.file, trust.directory)
    except SSL.Error as why:
        openssl.clear_errors()
        place = trust.file or trust.directory
        message = f"system: {place} cannot be read: {openssl.reason(why)}"
        raise ConfigurationError([Problem(path, message)]) from None


def _trust_named(
    context: SSL.Context, certificate: Certificate
) -> tuple[x509.CertificateRevocationList, ...]:
    """What stands there is trusted, also one that is no root."""
    found = _within(certificate, inspect_authorities)
    assert isinstance(found, Authorities)
    store = context.get_cert_store()
    assert store is not None
    flags = X509StoreFlags.PARTIAL_CHAIN
    try:
        for one in dict.fromkeys(found.certificates):
            store.add_cert(X509.from_cryptography(one))
        for crl in found.lists:
            store.add_crl(crl)
    except (SSL.Error, StoreError, ValueError) as why:
        openssl.clear_errors()
        message = f"is refused by OpenSSL: {openssl.reason(why)}"
        path = ("certificates", certificate.id, "certificate")
        raise ConfigurationError([Problem(path, message)]) from None
    if found.lists:
        flags |= X509StoreFlags.CRL_CHECK
    store.set_flags(flags)
    return found.lists


def _show(context: SSL.Context, certificate: Certificate) -> None:
    material = _within(certificate, inspect)
    try:
        install(context, material)
    except (SSL.Error, ValueError) as why:
        openssl.clear_errors()
        message = f"is refused by OpenSSL: {openssl.reason(why)}"
        path = ("certificates", certificate.id, "certificate")
        raise ConfigurationError([Problem(path, message)]) from None


def _within(certificate: Certificate, read: Callable[[Certificate], Any]) -> Any:
    """A certificate as it is read, its problems below its place."""
    try:
        return read(certificate)
    except ConfigurationError as why:
        place = ("certificates", certificate.id)
        told = [attrs.evolve(problem, path=(*place, *problem.path)) for problem in why.problems]
        raise ConfigurationError(told) from None
