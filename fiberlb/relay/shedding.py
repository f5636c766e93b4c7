"""
What a process does when it is too slow: less, and then again more.

First some answers end their connections, so that clients that come again may come to another
process or machine: not all, since to begin a connection costs more than a request on one that is
there, and clients that are all sent away come back all at once. When that is not enough a share of
what comes is turned away, before any work is done for it: the share grows while those that are let
in still wait too long, and shrinks once they do not. Each step ends at half of what began it, so
that nothing flutters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.logger import Logger

from fiberlb.model.overload import Overload
from fiberlb.relay.runtime import Plan
from fiberlb.relay.states import Load
from fiberlb.routing.actions import Decision, refusal
from fiberlb.routing.request import Request

#: One answer in so many ends its connection.
ENDING: Final = 16
#: The share that is turned away at most: somebody has to find out that it is over.
MOST: Final = 0.95
#: By how much of what is still let in the share grows at a look.
GROWTH: Final = 0.2
#: By how much it shrinks at a look.
SHRINKAGE: Final = 0.05
#: What is said to those that are turned away.
OVERLOADED: Final = refusal("overloaded")
_log = Logger()


class Shedding:
    """
    The state of one process.

    @ivar closes: some answers end their connections.
    @ivar share: of what comes is turned away.
    @ivar lag: seconds that everybody waits, at the last look.
    @ivar periods: how often it has begun to end connections, or to turn away.
    """

    def __init__(self, settings: Overload | None = None) -> None:
        self.settings = settings or Overload()
        self.closes = False
        self.share = 0.0
        self.lag = 0.0
        self.periods = 0
        self._debt = 0.0
        self._answers = 0
        self._since = 0.0

    @property
    def refuses(self) -> bool:
        """Whether anything is turned away."""
        return self.share > 0

    def judge(self, lag: float, now: float) -> bool:
        """
        Decide anew, a few times a second.

        @return: whether L{closes} or L{refuses} is another one now.
        """
        self.lag = lag
        before = self.closes, self.refuses
        milder, harder = self.settings.stop_keep_alive, self.settings.refuse
        # The harder means comes a look later at the earliest.
        self.share = self._share(lag, harder, self.closes or milder is None)
        self.closes = milder is not None and (
            lag > milder or (self.closes and (lag > milder / 2 or self.refuses))
        )
        after = self.closes, self.refuses
        if after != before:
            self._tell(now, *before)
        return after != before

    def _share(self, lag: float, harder: float | None, may_begin: bool) -> float:
        share = self.share
        if harder is None:
            return 0.0
        if lag > harder:
            return min(MOST, share + (1 - share) * GROWTH) if share or may_begin else 0.0
        if lag > harder / 2:
            return share
        return max(0.0, share - SHRINKAGE)

    def _tell(self, now: float, closed: bool, refused: bool) -> None:
        """Say what has begun, or ended."""
        lag = f"{self.lag * 1000:.0f} ms"
        if not (closed or refused):
            self._since = now
        if self.refuses and not refused:
            self.periods += 1
            _log.warn("Overloaded: what is ready waits {lag}; some of it is turned away", lag=lag)
        elif self.closes and not closed:
            self.periods += 1
            _log.warn(
                "Overloaded: what is ready waits {lag}; some answers end connections", lag=lag
            )
        elif not (self.closes or self.refuses):
            text = "No longer overloaded: what is ready waits {lag}; it took {seconds:.1f} s"
            _log.info(text, lag=lag, seconds=now - self._since)
        elif refused and not self.refuses:
            _log.info("Overloaded: everything is let in again; some answers end connections")

    def turns_away(self) -> bool:
        """Whether the next one is one of those; every so many-th is, without chance."""
        self._debt += self.share
        if self._debt < 1:
            return False
        self._debt -= 1
        return True

    def ends(self) -> bool:
        """Whether the next answer ends its connection; every so many-th does."""
        self._answers = (self._answers + 1) % ENDING
        return not self._answers

    def within(self, plan: Plan) -> Plan:
        """Have a plan that is not in use yet turn requests away before it looks at them."""
        if self.refuses and plan.speaks_http and not plan.secure:
            only = plan.only.decision if plan.only is not None else None
            plan.decide = self._decider(only, plan.decide)
            plan.only = None
        return plan

    def _decider(
        self, only: Decision | None, decide: Callable[[Request], Decision]
    ) -> Callable[[Request], Decision]:
        def chosen(request: Request) -> Decision:
            if self.turns_away():
                return OVERLOADED
            return decide(request) if only is None else only

        return chosen

    def load(self) -> Load:
        """For figures."""
        return Load(int(self.closes), int(self.refuses), self.periods, self.lag)

    def impose(self, cell: Any, ending: bool) -> None:
        """
        Have a listener's cell do this.

        @param ending: its answers end their connections in any case.
        """
        acts = self.closes or self.refuses
        cell.relief = self if acts and not ending else None
        cell.draining = ending or self.closes
