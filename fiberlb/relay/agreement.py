"""Requests and the handshakes they come by: who is authenticated for one name gets no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fiberlb.errors import Fault
from fiberlb.routing.request import Request
from fiberlb.snapshot import ClientPlan
from fiberlb.tls.sni import Names


def agreeing(decide: Callable[[Request], Any], client: ClientPlan) -> Callable[[Request], Any]:
    """
    A listener's C{decide} that takes a request only where its host is the handshake's.

    A client that has sent no server name was judged as such, so it may name any
    host other than one that certificates are asked for by name.

    @param client: what the listener asks of its clients.
    @return: raises L{Fault} C{misdirected} (RFC 9110, 15.5.20) for the others.
    """
    asked = Names((name, True) for name in client.names)

    def checked(request: Request) -> Any:
        host, sni = request.host, request.sni
        if sni is not None:
            wrong = bool(host) and host != sni
        else:
            wrong = asked.select(host.decode("latin-1")) is not None
        if wrong:
            raise Fault("misdirected", detail="the host is not the server name of the handshake")
        return decide(request)

    return checked
