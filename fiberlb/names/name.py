"""One name: its last good answer, and what became of the last question."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from fiberlb.names.found import Family, Found, NoAnswer, ordered

#: What was learned of each family: an answer, or why there is none.
Learned = Mapping[Family, Found | NoAnswer]


@attrs.frozen
class NameState:
    """
    What is known of a name.

    @ivar addresses: by the last good answer; IPv4 first, then by number.
    @ivar chosen: the one that a member by this name is at; empty: none yet.
    @ivar ttl: seconds that the last good answer said; C{None}: it came from the hosts file.
    @ivar answered: when it came, wall-clock seconds; C{None}: never.
    @ivar error: why the last question brought nothing; empty: it did.
    @ivar families: the addresses apart.
    """

    addresses: tuple[str, ...] = ()
    chosen: str = ""
    ttl: float | None = None
    answered: float | None = None
    error: str = ""
    families: Mapping[Family, tuple[str, ...]] = attrs.field(factory=dict, repr=False)

    def at(
        self,
        families: Mapping[Family, tuple[str, ...]],
        ttl: float | None,
        now: float,
        error: str = "",
    ) -> NameState:
        """
        The state after a good answer.

        A member stays where it is while that is one of the name's addresses.
        """
        addresses = ordered(a for several in families.values() for a in several)
        chosen = self.chosen if self.chosen in addresses else addresses[0]
        return NameState(addresses, chosen, ttl, now, error, families)

    def after(self, learned: Learned, now: float) -> NameState:
        """
        The state after a question: what brought no address leaves the last good answer.

        Families are judged apart, for there are servers that know one of them only.
        """
        families, reasons, ttls = {}, [], []
        for family, what in learned.items():
            if isinstance(what, Found):
                families[family] = what.addresses
                ttls += [what.ttl] if what.addresses else []
            else:
                families[family] = self.families.get(family, ())
                reasons.append(what.reason)
        error = "; ".join(dict.fromkeys(reasons))
        if ttls:
            return self.at(families, min(ttls), now, error)
        return attrs.evolve(self, error=error or _nothing(learned))


def _nothing(learned: Learned) -> str:
    exists = any(isinstance(what, Found) and what.exists for what in learned.values())
    return "the name has no address" if exists else "there is no such name"
