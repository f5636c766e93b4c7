"""
The last good answers, in a file of the state directory.

A process that begins while nobody answers goes on with them: a restart must not
lose members that the process before it had.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from fiberlb.names.found import Family, ordered
from fiberlb.names.name import NameState
from fiberlb.noted import Noted

#: Of the file in the state directory.
FILE: Final = "names.json"


class Kept:
    """
    Answers by name.

    @param path: of the file; C{None}: nothing is kept. It is read when first needed.
    """

    def __init__(self, path: str | None) -> None:
        self._noted = Noted(path)
        self._known: dict[str, Any] | None = None

    def state(self, name: str) -> NameState:
        """What was known of a name; what cannot be made sense of is not minded."""
        said: Any = self._answers().get(name)
        try:
            families = {
                Family.IPV4: ordered(a for a in said["addresses"] if ":" not in a),
                Family.IPV6: ordered(a for a in said["addresses"] if ":" in a),
            }
            state = NameState(chosen=said["chosen"])
            return state.at(families, float(said["ttl"]), float(said["answered"]))
        except (TypeError, KeyError, ValueError, IndexError):
            return NameState()

    def keep(self, name: str, state: NameState) -> None:
        """Another answer; one of the hosts file is there anyway."""
        known = self._answers()
        if state.ttl is None or not state.addresses:
            if known.pop(name, None) is None:
                return
        else:
            known[name] = {
                "addresses": list(state.addresses),
                "chosen": state.chosen,
                "ttl": state.ttl,
                "answered": state.answered,
            }
        self._noted.write(known)

    def only(self, names: Collection[str]) -> None:
        """Forget all others."""
        known = self._answers()
        gone = [name for name in known if name not in names]
        for name in gone:
            del known[name]
        if gone:
            self._noted.write(known)

    def _answers(self) -> dict[str, Any]:
        if self._known is None:
            self._known = self._noted.read()
        return self._known
