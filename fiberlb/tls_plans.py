"""How a listener terminates TLS, compiled for those who do."""

from __future__ import annotations

import attrs

from fiberlb.errors import Problem
from fiberlb.model.certificate import SHOWN, Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.listener import Alpn, ClientAuthentication, Listener, TlsConfig, TlsVersion


@attrs.frozen
class ClientPlan:
    """
    How one listener judges its clients' certificates.

    @ivar judge: the authorities, with what they revoked.
    @ivar mandatory: without a certificate there is no connection.
    @ivar names: server names, in lower case and without a final dot, that this is for;
        C{*.} in front for one label; empty: all, and no name too.
    @ivar revoker: another one, of which the revocation lists alone count.
    """

    judge: Certificate
    mandatory: bool
    names: tuple[str, ...]
    revoker: Certificate | None = None

    @property
    def sessions(self) -> tuple[object, ...]:
        """What a session must not outlive; revoked certificates are found when it resumes."""
        return self.judge.certificate, self.mandatory, self.names


@attrs.frozen
class TlsPlan:
    """
    How one listener terminates TLS.

    @ivar default: served where no name fits; at least one, the first one decides the names.
    @ivar others: further certificates, chosen by server name, none of C{default}.
    @ivar strict: an unknown server name is refused.
    @ivar max_version: C{None}: the newest there is.
    @ivar cipher_suites: OpenSSL names; empty: the library's choice.
    @ivar protocols: offered by ALPN, best first.
    @ivar client: C{None}: clients are not asked for certificates.
    """

    default: tuple[Certificate, ...]
    others: tuple[Certificate, ...]
    strict: bool
    min_version: TlsVersion
    max_version: TlsVersion | None
    cipher_suites: tuple[str, ...]
    protocols: tuple[str, ...] = (Alpn.HTTP11.value,)
    client: ClientPlan | None = None

    @property
    def sessions(self) -> tuple[object, ...]:
        """What a session must not outlive: with another value nothing resumes."""
        return self.cipher_suites, self.client.sessions if self.client else None


#: Who vouches for a listener's clients, and who else says which of them are revoked.
_Judges = tuple[Certificate | None, Certificate | None]
#: The certificates that are the default, and the others.
_Certificates = tuple[tuple[Certificate, ...], tuple[Certificate, ...]]


def tls_objects(configuration: Configuration, listener: Listener) -> tuple[_Certificates, _Judges]:
    """Other objects that the plan of a listener is made of."""
    tls = listener.tls_config
    return _certificates(configuration, listener), _judges(configuration, tls)


def _judges(configuration: Configuration, tls: TlsConfig | None) -> _Judges:
    """The authorities of a listener's clients, and who else revokes; enabled or not."""
    if tls is None or not tls.asks_clients:
        return None, None
    known = configuration.all(Certificate)
    judge, revoker = (
        None if ident is None else known[ident]
        for ident in (tls.client_ca_certificate_id, tls.client_crl_certificate_id)
    )
    return judge, revoker


def _certificates(configuration: Configuration, listener: Listener) -> _Certificates:
    """The enabled certificates of a listener: the default ones, and the others."""
    tls = listener.tls_config
    if tls is None:
        return (), ()
    known = {i: c for i, c in configuration.all(Certificate).items() if c.enabled}
    shown = (i for i, c in known.items() if c.cert_type in SHOWN)
    named = shown if tls.sni_certificate_ids is None else tls.sni_certificate_ids
    default = tuple(known[i] for i in dict.fromkeys(tls.certificate_id) if i in known)
    others = (known[i] for i in dict.fromkeys(named) if i in known)
    # One that nothing was issued for yet stands in where there is no other default, nowhere else.
    issued = tuple(c for c in default if not c.waiting) or default
    return issued, tuple(c for c in others if c not in default and not c.waiting)


def tls_plan(
    configuration: Configuration, listener: Listener, problems: list[Problem]
) -> TlsPlan | None:
    """
    The plan of one listener; C{None}: it speaks no TLS.

    @param problems: takes what is wrong, at C{("listeners", id, "tls_config", field)}.
    """
    tls = listener.tls_config
    if tls is None:
        return None
    (default, others), judges = tls_objects(configuration, listener)
    offered = tls.alpn_protocols
    if not default and listener.enabled:
        path = ("listeners", listener.id, "tls_config", "certificate_id")
        problems.append(Problem(path, "every certificate named is disabled"))
    return TlsPlan(
        default=default,
        others=others,
        strict=tls.strict_sni,
        min_version=tls.least,
        max_version=tls.max_version,
        cipher_suites=tls.cipher_suites,
        protocols=tuple(p.value for p in (Alpn if offered is None else offered)),
        client=_client(listener, tls, judges, problems),
    )


def _client(
    listener: Listener, tls: TlsConfig, judges: _Judges, problems: list[Problem]
) -> ClientPlan | None:
    judge, revoker = judges
    if judge is None:
        return None
    at = ("listeners", listener.id, "tls_config")
    for name, one in zip(("ca", "crl"), judges, strict=True):
        if one is not None and not one.enabled and listener.enabled:
            # Nobody could be let in, or everybody: neither is what was meant.
            problems.append(Problem((*at, f"client_{name}_certificate_id"), "is disabled"))
    return ClientPlan(
        judge=judge,
        mandatory=tls.client_authentication is ClientAuthentication.MANDATORY,
        names=tuple(n.lower().removesuffix(".") for n in tls.client_authentication_names),
        revoker=None if revoker is judge else revoker,
    )
