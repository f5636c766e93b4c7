"""What certificates are for: the checks between them and who refers to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from fiberlb.errors import Path, Problem
from fiberlb.model.certificate import SHOWN, Certificate, CertificateType
from fiberlb.model.listener import TlsConfig
from fiberlb.model.pool_tls import PoolTlsConfig

Certificates = Mapping[str, Certificate]
_JUDGES = frozenset({CertificateType.CLIENT_CA})
_CLIENTS = frozenset({CertificateType.CLIENT})


def of_listener(certificates: Certificates, tls: TlsConfig, at: Path) -> Iterable[Problem]:
    """
    What is wrong with the certificates that a listener refers to.

    @param certificates: all there are, by id.
    @param at: where C{tls} stands.
    """
    for index, ident in enumerate(tls.certificate_id):
        certificate = certificates.get(ident)
        if certificate is not None and certificate.cert_type is CertificateType.SNI:
            message = f"certificate {certificate.name!r} is of type sni, never the default"
            yield Problem((*at, "certificate_id", index), message)
        else:
            yield from _check_type(certificates, ident, SHOWN, (*at, "certificate_id", index))
    for index, ident in enumerate(tls.sni_certificate_ids or ()):
        yield from _check_type(certificates, ident, SHOWN, (*at, "sni_certificate_ids", index))
    for name in ("client_ca_certificate_id", "client_crl_certificate_id"):
        yield from _check_type(certificates, getattr(tls, name), _JUDGES, (*at, name))
    revoker = certificates.get(tls.client_crl_certificate_id or "")
    if revoker is not None and revoker.judges and revoker.crl is None:
        message = f"certificate {revoker.name!r} has no crl"
        yield Problem((*at, "client_crl_certificate_id"), message)


def of_pool(certificates: Certificates, tls: PoolTlsConfig, at: Path) -> Iterable[Problem]:
    """What is wrong with the certificates that a pool refers to; as of L{of_listener}."""
    for name, wanted in (("ca_certificate_id", _JUDGES), ("client_certificate_id", _CLIENTS)):
        yield from _check_type(certificates, getattr(tls, name), wanted, (*at, name))


def _check_type(
    certificates: Certificates, ident: str | None, wanted: Collection[CertificateType], path: Path
) -> Iterable[Problem]:
    certificate = certificates.get(ident or "")
    if certificate is not None and certificate.cert_type not in wanted:
        types = " or ".join(t.value for t in CertificateType if t in wanted)
        message = (
            f"certificate {certificate.name!r} is of type {certificate.cert_type.value},"
            f" {types} is needed"
        )
        yield Problem(path, message)
