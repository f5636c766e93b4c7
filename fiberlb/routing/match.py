"""The policies of a listener, compiled into one function of a request."""

from __future__ import annotations

from collections.abc import Callable

from fiberlb.routing.actions import Decision
from fiberlb.routing.request import Request


class Routes:
    """
    A listener's policies.

    @ivar decide: what becomes of a request.
    @ivar only: the one decision that every request gets, whatever it is; C{None}
        when it depends on the request, which then has to be built.
    """

    __slots__ = ("decide", "only")

    decide: Callable[[Request], Decision]
    only: Decision | None
