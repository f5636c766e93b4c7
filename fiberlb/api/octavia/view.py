"""The configuration in force, as Octavia's clients see it hang together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.control.service import ControlService
from fiberlb.model.configuration import Configuration
from fiberlb.model.l7 import L7Policy
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.octavia import OctaviaSettings
from fiberlb.model.pool import Pool
from fiberlb.model.resource import Resource

#: The name of this dialect among the notes of an object.
DIALECT = "octavia"


class View:
    """
    What is there.

    @ivar control: the service that it is asked of.
    @ivar configuration: that it is a picture of.
    """

    def __init__(self, control: ControlService, configuration: Configuration | None = None) -> None:
        self.control = control
        self.configuration = configuration or control.configuration
        self._balancers: dict[str, str] | None = None

    @property
    def settings(self) -> OctaviaSettings:
        """Those of this face."""
        return self.control.state.file.settings.octavia

    def notes(self, ident: str) -> Mapping[str, Any]:
        """What this face keeps of an object beside its fields."""
        meta = self.configuration.meta.get(ident)
        found: Mapping[str, Any] = {} if meta is None else meta.notes.get(DIALECT, {})
        return found

    def listeners(self, balancer: str) -> list[Listener]:
        """The listeners of a load balancer, in order of creation."""
        every = self.configuration.all(Listener).values()
        return [one for one in every if one.loadbalancer_id == balancer]

    def pools(self, balancer: str) -> list[Pool]:
        """The pools of a load balancer, in order of creation."""
        every = self.configuration.all(Pool).values()
        return [one for one in every if self.balancer_of_pool(one.id) == balancer]

    def pools_of(self, listener: Listener) -> list[Pool]:
        """The pools that a listener may send to: its default, and those of its policies."""
        pools = self.configuration.all(Pool)
        named = [listener.default_pool_id or ""]
        named += [one.redirect_pool_id or "" for one in self.configuration.policies(listener.id)]
        return [pools[ident] for ident in dict.fromkeys(named) if ident in pools]

    def users(self, pool: str) -> tuple[list[Listener], list[L7Policy]]:
        """The listeners whose default a pool is, and the policies that redirect to it."""
        listeners = self.configuration.all(Listener).values()
        policies = self.configuration.all(L7Policy).values()
        return (
            [one for one in listeners if one.default_pool_id == pool],
            [one for one in policies if one.redirect_pool_id == pool],
        )

    def balancer_of_pool(self, pool: str) -> str:
        """
        The id of the load balancer that a pool belongs to.

        It is noted of pools that were made through this face; any other belongs to the first
        one that uses it. Empty where nobody does.
        """
        if self._balancers is None:
            self._balancers = self._used_by()
        noted = self.notes(pool).get("loadbalancer_id", "")
        known = noted in self.configuration.all(LoadBalancer)
        return str(noted) if known else self._balancers.get(pool, "")

    def _used_by(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for listener in self.configuration.all(Listener).values():
            for pool in self.pools_of(listener):
                found.setdefault(pool.id, listener.loadbalancer_id)
        return found

    def project(self, balancer: str) -> str:
        """The project of a load balancer, which all that it has shares."""
        return str(self.notes(balancer).get("project_id") or self.settings.project)

    def parent(self, made: Resource) -> Any:
        """The object that one belongs to."""
        assert made.PARENT is not None
        return self.configuration.objects[made.PARENT[1]][getattr(made, made.PARENT[0])]
