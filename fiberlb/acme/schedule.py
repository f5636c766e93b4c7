"""When a certificate is ordered, how failures are spaced, and by which challenge."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from fiberlb.acme.issued import Issue, Record
from fiberlb.model.acme import AcmeSettings, ChallengeKind
from fiberlb.model.configuration import Configuration
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer

#: Seconds after the first failure, and at the most.
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 6 * 3600.0
#: Seconds after an order that the process was ended in, and the factor for each further one.
UNFINISHED_PAUSE, UNFINISHED_FACTOR = 5.0, 4.0
#: The ports that authorities come to.
HTTP_PORT, TLS_PORT = 80, 443


def wanted(domains: tuple[str, ...], settings: AcmeSettings) -> str:
    """A digest of what an order is for: with another one the failures of the last do not count."""
    kind = settings.challenge.value if settings.challenge else ""
    what = [*domains, "", settings.directory, settings.email, settings.ca, kind]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


def renewal(issue: Issue, renew_before: float) -> float:
    """
    When a certificate is to be renewed, seconds since the epoch.

    One that lives for less than twice C{renew_before} is renewed with a third of its life left.
    """
    lifetime = issue.not_after - issue.not_before
    return issue.not_after - (renew_before if renew_before <= lifetime / 2 else lifetime / 3)


def due(record: Record, domains: tuple[str, ...], settings: AcmeSettings) -> float:
    """When the next order is to begin, seconds since the epoch; 0: now."""
    issue = record.issue
    fits = issue is not None and (set(issue.domains), issue.directory) == (
        set(domains),
        settings.directory,
    )
    at = renewal(issue, settings.renew_before) if issue is not None and fits else 0.0
    if record.wanted != wanted(domains, settings):
        return at
    return max(at, record.next_try)


def pause(failures: int, retry_after: float, random: Callable[[], float]) -> float:
    """
    Seconds to leave an authority alone for: twice as long each time, a quarter more or less.

    @param failures: in a row, this one included; at least 1.
    @param retry_after: what it asked for, which is never gone below.
    """
    plain = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE)
    return max(plain * (0.75 + random() / 2), retry_after)


def unfinished_pause(count: int) -> float:
    """Seconds to wait after orders that the process was ended in, lest a crash loop asks on."""
    return min(UNFINISHED_PAUSE * UNFINISHED_FACTOR ** min(count - 1, 8), LONGEST_PAUSE)


def kinds(
    configuration: Configuration, settings: AcmeSettings, failures: int
) -> list[ChallengeKind]:
    """
    The challenges that the listeners can answer, the one to take first; empty: none can.

    HTTP where a listener has port 80, else TLS. After a failure the other one
    comes first, where both of the ports that authorities come to are ours.
    """
    if settings.challenge is not None:
        return [settings.challenge]
    balancers = configuration.all(LoadBalancer)
    listeners = [
        made
        for made in configuration.all(Listener).values()
        if made.enabled and made.speaks_http and balancers[made.loadbalancer_id].enabled
    ]
    plain = {made.port for made in listeners if not made.terminates}
    secure = {made.port for made in listeners if made.terminates}
    found = []
    if plain:
        found.append(ChallengeKind.HTTP_01)
    if secure:
        found.append(ChallengeKind.TLS_ALPN_01)
    if HTTP_PORT not in plain:
        found.reverse()
    if HTTP_PORT in plain and TLS_PORT in secure and failures % 2:
        found.reverse()
    return found
