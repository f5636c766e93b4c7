"""What is wrong on this node now, in words for ``problems`` of the status."""

from __future__ import annotations

from collections.abc import Iterator

from fiberlb.acme.issued import Issued
from fiberlb.control.cautions import not_issued
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.commits import time_text
from fiberlb.control.expiry import reminders
from fiberlb.control.member_names import Names
from fiberlb.control.publish import unverified
from fiberlb.model.configuration import Configuration
from fiberlb.ocsp.book import Staples
from fiberlb.snapshot import Snapshot
from fiberlb.store.interface import Standing


def of_store(standing: Standing) -> Iterator[str]:
    """That the store is away, and since when."""
    if standing.away_since:
        since = time_text(standing.away_since)
        copied = "; what is served is from this node's copy" if standing.copied else ""
        yield f"the store is away since {since}: {standing.detail}{copied}"


def of_certificates(
    configuration: Configuration,
    certificates: CertificateFacts,
    issued: Issued,
    staples: Staples,
    now: float,
) -> Iterator[str]:
    """What ends, what was not issued, what has no OCSP response; C{now}: since the epoch."""
    yield from reminders(configuration, certificates, now)
    yield from not_issued(configuration, issued)
    yield from staples.problems(configuration, certificates.read, now)


def of_members(snapshot: Snapshot | None, names: Names) -> Iterator[str]:
    """Who is not verified, and what names have no answer."""
    for plan in snapshot.pools.values() if snapshot is not None else ():
        told = unverified(plan)
        if told:
            yield told
    yield from names.problems()
