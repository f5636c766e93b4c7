"""Where a check goes, which need not be where the requests go."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from zope.interface import implementer

from fiberlb.model.health_monitor import HealthMonitor, IntroducedMonitor
from fiberlb.model.pool import Member

#: One check of one member: returns when it is passed, raises L{CheckFailed
#: <fiberlb.health.checks.failure.CheckFailed>} with the reason when not. Whoever calls it
#: cancels it when the monitor's C{timeout} is over.
Check = Callable[[Member, HealthMonitor], Coroutine[Deferred[Any], Any, None]]


def target(member: Member, monitor: HealthMonitor) -> tuple[str, int]:
    """
    Address and port to check: the member's own settings win over the monitor's.

    @return: an IP address without brackets, and a port.
    """
    port = member.monitor_port or monitor.port or member.port
    return member.monitor_address or member.address, port


def authority(address: str, port: int) -> str:
    """C{address:port} as a Host field has it: IPv6 in brackets, without its zone."""
    # A zone names an interface of this machine; it means nothing to the member (RFC 6874 4).
    host = address.partition("%")[0]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def endpoint(reactor: Any, member: Member, monitor: HealthMonitor) -> IStreamClientEndpoint:
    """
    Where to connect for a check.

    @param reactor: has C{IReactorTCP} and C{IReactorTime}.
    """
    address, port = target(member, monitor)
    cls = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
    # The check as a whole is cancelled at its timeout; this one must only not come first.
    found = cls(reactor, address, port, timeout=monitor.timeout + 1)
    if not isinstance(monitor, IntroducedMonitor) or (address, port) != (
        member.address,
        member.port,
    ):
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
