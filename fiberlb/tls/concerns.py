"""
What is no reason to refuse a certificate, and should be known all the same.

Above all time: a certificate that has expired goes on to be served, and a
restart or a reload must not fail because a day has passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from fiberlb.model.certificate import SHOWN, CertificateType
from fiberlb.model.ocsp import NONE
from fiberlb.tls.authorities import Authorities
from fiberlb.tls.chain_order import title
from fiberlb.tls.material import Material, is_authority
from fiberlb.tls.ocsp import unstapled

#: How long before its end a certificate is spoken of.
SOON = timedelta(days=30)


def timely(read: Material | Authorities, now: float) -> tuple[str, ...]:
    """
    What is to be said of dates, each a sentence without its subject.

    @param now: seconds since the epoch.
    """
    at = datetime.fromtimestamp(now, UTC)
    if isinstance(read, Material):
        return tuple(_dates(read, at))
    return tuple(
        f"holds {title(one.subject)}, which {said}"
        for one in read.certificates
        for said in _end(one.not_valid_after_utc, at)
    )


def lasting(
    read: Material | Authorities, cert_type: CertificateType, ocsp: str = NONE
) -> tuple[str, ...]:
    """
    What will not change with time, as L{timely}.

    @param ocsp: of the certificate, as the model has it.
    """
    if not isinstance(read, Material):
        return ()
    return (*_lasting(read, cert_type), *(unstapled(read, ocsp) if cert_type in SHOWN else ()))


def _dates(material: Material, at: datetime) -> Iterator[str]:
    if at < material.not_before:
        yield f"is not valid before {_text(material.not_before)}: clients refuse it until then"
    yield from _end(material.not_after, at)
    for certificate in material.chain:
        end = certificate.not_valid_after_utc
        if end < material.not_after:
            for said in _end(end, at):
                yield f"has {title(certificate.subject)} in its chain, which {said}"


def _end(end: datetime, at: datetime) -> Iterator[str]:
    if end < at:
        yield f"expired on {_text(end)}: it is refused by whoever looks"
    elif end - at <= SOON:
        yield f"expires in {left(end, at)}, on {_text(end)}"


def left(end: datetime, at: datetime) -> str:
    """The time until then, in the unit that a person thinks in: C{12 days}, C{3 hours}."""
    seconds = (end - at).total_seconds()
    days, hours = int(seconds // 86400), int(seconds // 3600)
    if days:
        return f"{days} {'day' if days == 1 else 'days'}"
    return f"{hours} {'hour' if hours == 1 else 'hours'}" if hours else "less than an hour"


def _lasting(material: Material, cert_type: CertificateType) -> Iterator[str]:
    if cert_type not in SHOWN:
        return
    if not material.names:
        yield "bears no name that a client could look for (subjectAltName)"
    if is_authority(material.leaf):
        yield "has signed itself and may sign others (CA:TRUE): good for tests only"
    try:
        purposes = material.leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(
        purposes
    ):
        yield "is not meant for servers (extended key usage): clients refuse it"


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
