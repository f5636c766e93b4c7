"""What is in force beside the configuration: states of members, keys of cookies, tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fiberlb.control.cookie_keys import CookieKeys
from fiberlb.control.emptying import Emptying
from fiberlb.control.member_states import MemberStates
from fiberlb.control.plane import HealthView, Plane
from fiberlb.control.publish import Surroundings
from fiberlb.control.tokens import Tokens
from fiberlb.model.configuration import Configuration
from fiberlb.store.interface import Store
from fiberlb.store.sealed import Keyring


class Operating:
    """
    The parts of it, and how they hear of each other.

    @param configuration: that is in force; C{None}: none is yet.
    @param figures: what runs on a member, on all of its addresses.

    @ivar states: operational states of members.
    @ivar cookie_keys: what persistence cookies are signed with.
    @ivar emptying: which members have drained.
    @ivar tokens: who may use the admin API, beside those of the file.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        plane: Plane,
        health: HealthView,
        surroundings: Surroundings,
        configuration: Callable[[], Configuration | None],
        figures: Callable[[str], Mapping[str, int]],
    ) -> None:
        self._configuration = configuration
        self.tokens = Tokens(store, surroundings, keyring.randomness)
        self.cookie_keys = CookieKeys(store, keyring)
        self.states = MemberStates(store, plane, self.cookie_keys, health.hold, self.settle)
        self.emptying = Emptying(
            surroundings.reactor,
            surroundings.wall,
            lambda: self.states.restrained,
            figures,
            lambda: configuration() or Configuration(),
        )

    async def load(self) -> None:
        """
        Read everything, have it in force, follow the store from then on.

        @raise fiberlb.control.refusals.StoreAway: the store cannot be read.
        """
        await self.states.load()
        await self.tokens.load()

    async def beforehand(self, configuration: Configuration) -> None:
        """Have keys for cookies, where a pool sets them; cannot fail."""
        if self.cookie_keys.wanted(configuration):
            await self.states.sign(self.cookie_keys.make)

    def settle(self) -> None:
        """Other states are in force, or another configuration is."""
        configuration = self._configuration()
        if configuration is not None:
            self.states.settle(configuration)
            self.emptying.changed()

    def stop(self) -> None:
        """Follow nothing any more."""
        self.states.stop()
        self.tokens.stop()
        self.emptying.stop()
