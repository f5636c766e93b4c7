"""
What was in force, taken apart little by little.

Python frees what nobody refers to at once, with all that it refers to in turn:
a configuration of twenty thousand policies is a million objects, and a tenth
of a second in which nothing else is done.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from sys import getrefcount
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.control.slicing import in_slices

#: A container of at least so many is taken apart, not freed as one.
LONG = 32
#: Of what is put, the caller and others still hold parts for a moment; seconds.
REST = 1.0
#: So many parts of a long container are freed in one step.
CHUNK = 100
#: C{getrefcount} of what only the list at hand holds: that, the name, and the call.
_NOBODY = 3
_CONTAINERS = (dict, list, tuple, set, frozenset)
_log = Logger()


def scrapped(waste: list[Any]) -> Iterator[bool | None]:
    """
    Free some objects, and what only they refer to.

    What others refer to is left alone, so that it does not matter what is shared.

    @param waste: has to be what keeps the objects alive; it is empty in the end.
    @return: yields C{None} after each small step, and C{True} at last.
    """
    parts: list[Any] = []
    while waste or parts:
        if parts:
            some = parts[-CHUNK:]
            del parts[-CHUNK:]
            parts += [part for one in some if _long(one) for part in gc.get_referents(one)]
        else:
            some = [waste.pop()]
            for one in some:
                if _long(one):
                    parts += gc.get_referents(one)
                elif gc.is_tracked(one) and getrefcount(one) <= _NOBODY:
                    # What is around the long ones: a few objects.
                    waste += gc.get_referents(one)
        one = None
        some.clear()
        yield None
    yield True


def _long(one: Any) -> bool:
    """Whether it has many parts and nobody else holds it, but the caller by a list and a name."""
    return isinstance(one, _CONTAINERS) and len(one) >= LONG and getrefcount(one) <= _NOBODY + 1


class Scrap:
    """
    Takes apart in turns of the reactor.

    @param reactor: has C{IReactorTime}.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._waste: list[Any] = []
        self._busy = False

    def put(self, *several: Any) -> None:
        """Have these freed when nobody else holds them any more, in a while."""
        self._waste += [one for one in several if one is not None]
        if self._waste and not self._busy:
            self._busy = True
            self._reactor.callLater(REST, self._begin)

    def _begin(self) -> None:
        waste, self._waste = self._waste, []
        done = Deferred.fromCoroutine(in_slices(self._reactor, scrapped(waste)))
        done.addErrback(lambda why: _log.failure("what was in force is not freed", failure=why))
        done.addCallback(lambda _: self._ended())

    def _ended(self) -> None:
        self._busy = False
        self.put()
