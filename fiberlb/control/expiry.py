"""When certificates end: for the log, for the status, for figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.control.certificates import CertificateFacts
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.tls.concerns import lasting, timely

#: Seconds between two reminders.
DAY = 86400.0


@attrs.frozen
class Ending:
    """
    The end of a certificate.

    @ivar at: seconds since the epoch.
    """

    id: str
    name: str
    at: float


def endings(configuration: Configuration, certificates: CertificateFacts) -> Iterator[Ending]:
    """The end of every enabled certificate that can be read; for C{GET /metrics}."""
    for made in _enabled(configuration):
        read = certificates.read(made)
        if read is not None:
            yield Ending(made.id, made.name, read.not_after.timestamp())


def reminders(
    configuration: Configuration, certificates: CertificateFacts, now: float
) -> Iterator[str]:
    """
    A sentence for every enabled certificate that has expired, expires within thirty days, is not
    valid yet, or has such a one in its chain.

    @param now: seconds since the epoch.
    """
    for made in _enabled(configuration):
        read = certificates.read(made)
        if read is None or (made.acme is not None and read.not_after.timestamp() > now):
            # What orders itself is renewed in time; that it could not be is told elsewhere.
            continue
        for said in timely(read, now):
            yield f"certificate {made.name or made.id!r} {said}"


def oddities(configuration: Configuration, certificates: CertificateFacts) -> Iterator[str]:
    """A sentence for all else that is odd about certificates and will not change with time."""
    for made in _enabled(configuration):
        read = certificates.read(made)
        for said in () if read is None else lasting(read, made.cert_type, made.ocsp):
            yield f"certificate {made.name or made.id!r} {said}"


def _enabled(configuration: Configuration) -> Iterator[Certificate]:
    return (made for made in configuration.all(Certificate).values() if made.enabled)


class Reminding:
    """
    Says in the log, at the start and once a day, which certificates end soon.

    @param said: gives the sentences of now.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, said: Callable[[], Iterator[str]]) -> None:
        self._said = said
        self._looping = LoopingCall(self.remind)
        self._looping.clock = clock

    def start(self) -> None:
        """Say it now, and once a day."""
        self._looping.start(DAY).addErrback(
            lambda why: self._log.failure("nobody is reminded of certificates", failure=why)
        )

    def stop(self) -> None:
        """Say no more."""
        if self._looping.running:
            self._looping.stop()

    def remind(self) -> None:
        """Say it once."""
        for sentence in self._said():
            self._log.warn("{sentence}", sentence=sentence[0].upper() + sentence[1:])
