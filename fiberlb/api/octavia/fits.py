"""Which pools go with which listeners (spec page C{octavia-api}, section 2.3)."""

from __future__ import annotations

from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import invalid
from fiberlb.api.octavia.view import View
from fiberlb.model.pool import Pool, PoolProtocol, ProxyVersion

_PROXIES = ("PROXY", "PROXYV2")
FITTING = {
    "TCP": ("HTTP", "HTTPS", *_PROXIES, "TCP"),
    "HTTP": ("HTTP", *_PROXIES),
    "HTTPS": ("HTTPS", *_PROXIES, "TCP"),
    "TERMINATED_HTTPS": ("HTTP", *_PROXIES),
    "UDP": ("UDP",),
    "PROMETHEUS": (),
}
#: Listeners that read requests.
_HTTP = ("HTTP", "TERMINATED_HTTPS")


def protocol_of(view: View, pool: Pool) -> str:
    """A pool's protocol by Octavia's name: as it was made with, while that can still be."""
    noted = view.notes(pool.id).get("protocol")
    if pool.proxy_protocol is not None:
        return "PROXYV2" if pool.proxy_protocol is ProxyVersion.V2 else "PROXY"
    if pool.protocol is PoolProtocol.TCP:
        return noted if noted in ("HTTPS", "HTTP") else "TCP"
    return "UDP" if pool.protocol is PoolProtocol.UDP else "HTTP"


def adapt(edit: Edit, pool: Pool, listener: str) -> None:
    """
    Have a pool fit a listener that is to send to it.

    Octavia's PROXY pools carry bytes or requests, by their listener, and an HTTP pool may stand
    behind a TCP listener; ours say which. One that is used already stays as it is.

    @param listener: its protocol, by Octavia's name.
    @raise Fault: 400, these two never go together.
    """
    protocol = protocol_of(edit.view, pool)
    if protocol not in FITTING[listener]:
        raise invalid(
            f"The pool protocol '{protocol}' is invalid while the listener protocol is"
            f" '{listener}'."
        )
    wanted = _wanted(listener, pool)
    listeners, policies = edit.view.users(pool.id)
    if wanted is pool.protocol or listeners or policies:
        return
    edit.patch("pools", pool.id, {"protocol": wanted.value}, {"protocol": protocol})


def _wanted(listener: str, pool: Pool) -> PoolProtocol:
    if pool.protocol is PoolProtocol.UDP:
        return pool.protocol
    if listener not in _HTTP:
        return PoolProtocol.TCP
    return PoolProtocol.HTTP if pool.protocol is PoolProtocol.TCP else pool.protocol
