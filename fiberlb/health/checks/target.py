"""Where a check goes, which need not be where the requests go."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, UNIXClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from zope.interface import implementer

from fiberlb.model.addresses import UNIX, named
from fiberlb.model.health_monitor import HealthMonitor, IntroducedMonitor
from fiberlb.model.pool import Member

#: One check of one member: returns when it is passed, raises L{CheckFailed
#: <fiberlb.health.checks.failure.CheckFailed>} with the reason when not. Whoever calls it
#: cancels it when the monitor's C{timeout} is over.
Check = Callable[[Member, HealthMonitor], Coroutine[Deferred[Any], Any, None]]


def target(member: Member, monitor: HealthMonitor) -> tuple[str, int]:
    """
    Address and port to check: the member's own settings win over the monitor's.

    @return: an IP address without brackets, and a port; or C{unix:/path}, and 0.
    """
    if named(member.address) and member.monitor_address is None:
        return member.place
    port = member.monitor_port or monitor.port or member.port or 0
    return member.monitor_address or member.address, port


def addressee(member: Member, monitor: HealthMonitor) -> tuple[str, int]:
    """Whom a check is for: as L{target}, with the name of a member that is given by name."""
    address, port = target(member, monitor)
    return (address, port) if member.monitor_address else (member.identity, port)


def authority(address: str, port: int) -> str:
    """C{address:port} as a Host field has it: IPv6 in brackets, without its zone."""
    if named(address):
        return "localhost"
    # A zone names an interface of this machine; it means nothing to the member (RFC 6874 4).
    host = address.partition("%")[0]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def endpoint(reactor: Any, member: Member, monitor: HealthMonitor) -> IStreamClientEndpoint:
    """
    Where to connect for a check.

    @param reactor: has C{IReactorTCP}, C{IReactorUNIX} and C{IReactorTime}.
    """
    address, port = target(member, monitor)
    # The check as a whole is cancelled at its timeout; this one must only not come first.
    patience = monitor.timeout + 1
    if named(address):
        found: Any = UNIXClientEndpoint(reactor, address.removeprefix(UNIX), timeout=patience)
    else:
        cls = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        found = cls(reactor, address, port, timeout=patience)
    if not isinstance(monitor, IntroducedMonitor) or (address, port) != member.place:
        # What is checked elsewhere than where requests go expects no header either.
        return found
    return _Prefaced(found, monitor.preface)


def _speaking(factory: Any, preface: bytes) -> Factory:
    """A factory whose protocols speak second."""

    def build(address: Any) -> Any:
        made = factory.buildProtocol(address)
        connect = made.makeConnection

        def introduced(transport: Any) -> None:
            transport.write(preface)
            connect(transport)

        made.makeConnection = introduced
        return made

    speaking: Any = Factory()
    speaking.noisy = False
    speaking.buildProtocol = build
    return speaking


@implementer(IStreamClientEndpoint)
class _Prefaced:
    """An endpoint whose connections begin with a header."""

    def __init__(self, endpoint: Any, preface: bytes) -> None:
        self._endpoint = endpoint
        self._preface = preface

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        return self._endpoint.connect(_speaking(protocolFactory, self._preface))
