"""What the methods mean, whichever resource they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from fiberlb.api.octavia import (
    catalogue,
    listeners,
    load_balancers,
    members,
    monitors,
    policies,
    pools,
    quotas,
    rules,
    trees,
)
from fiberlb.api.octavia.attributes import created, up, updated
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault, invalid, missing
from fiberlb.api.octavia.identity import Identity
from fiberlb.api.octavia.kind import Kind
from fiberlb.api.octavia.lists import Page, Query, page, picked
from fiberlb.api.octavia.view import View
from fiberlb.control.operations import Origin
from fiberlb.control.service import ControlService
from fiberlb.model.load_balancer import LoadBalancer

#: Kinds with addresses of their own.
TOP: Mapping[str, Kind] = {
    kind.path: kind
    for kind in (
        load_balancers.KIND,
        listeners.KIND,
        pools.KIND,
        monitors.KIND,
        policies.KIND,
    )
}
#: Kinds within others: the parent's path and their own.
WITHIN: Mapping[tuple[str, str], Kind] = {
    ("pools", "members"): members.KIND,
    ("l7policies", "rules"): rules.KIND,
}
#: What lists can be sorted by, beside what can be sent, though there be nothing in them.
_ANSWERED = ("created_at", "updated_at", "provisioning_status", "operating_status")
#: Attributes that stand for further objects, and only in a load balancer that is made with them.
_NESTED = {
    listeners.KIND.path: ("default_pool", "l7policies"),
    policies.KIND.path: ("redirect_pool", "rules"),
}
_PARENTS = ("pool_id", "l7policy_id")


@attrs.frozen
class Place:
    """
    What an address is about.

    @ivar parent: of a member its pool, of a rule its policy; else empty.
    """

    kind: Kind
    parent: str = ""


class Lifecycle:
    """The resources of one control service, for one client."""

    def __init__(self, control: ControlService, identity: Identity) -> None:
        self._control = control
        self._identity = identity

    def _view(self) -> View:
        return View(self._control)

    # -- reads

    def list(self, place: Place, query: Query, path: str) -> Page:
        """A page of a collection."""
        view = self._view()
        documents = [place.kind.show(view, made) for made in self._all(view, place)]
        mine = [each for each in documents if self._identity.sees(each["project_id"])]
        names = {*_ANSWERED, *place.kind.attributes, *(n for each in documents[:1] for n in each)}
        if place.parent:
            # Some clients say again what the address says already.
            query = {n: v for n, v in query.items() if n not in _PARENTS or place.parent not in v}
        return page(mine, query, path, names)

    def _all(self, view: View, place: Place) -> Sequence[Any]:
        if place.parent:
            self._find(view, Place(_parent(place.kind)), place.parent)
        return place.kind.all(view, place.parent)

    def _find(self, view: View, place: Place, ident: str) -> Any:
        for made in self._all(view, place):
            if place.kind.ident(made) == ident.lower():
                project = place.kind.show(view, made)["project_id"]
                if self._identity.sees(project):
                    return made
        raise missing(place.kind.title, ident)

    def show(self, place: Place, ident: str, query: Query) -> Mapping[str, Any]:
        """One object."""
        view = self._view()
        return picked(place.kind.show(view, self._find(view, place, ident)), query)

    def find(self, place: Place, ident: str) -> tuple[View, Any]:
        """One object, for what else is told of it."""
        view = self._view()
        return view, self._find(view, place, ident)

    # -- writes

    async def create(self, place: Place, body: Any) -> Mapping[str, Any]:
        """POST of a document, without its envelope."""
        view = self._view()
        kind = place.kind
        if place.parent:
            self._find(view, Place(_parent(kind)), place.parent)
        given = created(kind.root, body, kind.attributes)
        given["admin_state_up"] = up(given, body)
        edit = Edit(view, self._identity.making(given), self._control.make_id)
        if kind is load_balancers.KIND:
            await catalogue.check_named(self._control.shelf, given)
            ident = trees.Tree(edit, given).create()
        else:
            _refuse_nested(kind, given)
            self._check_owner(view, given)
            ident = kind.create(edit, given, place.parent)
            if kind is pools.KIND:
                trees.fill(edit, ident, given)
        await quotas.check(view, self._project(view, place, given, edit), edit.operations)
        after = await self._write(edit)
        if kind is load_balancers.KIND and (given["listeners"] or given["pools"]):
            return trees.shown(after, after.configuration.all(LoadBalancer)[ident])
        return kind.show(after, _made(after, place, ident))

    def _check_owner(self, view: View, given: Mapping[str, Any]) -> None:
        """What is named must be seen by who names it."""
        for name, kind in (
            ("loadbalancer_id", load_balancers.KIND),
            ("listener_id", listeners.KIND),
            ("pool_id", pools.KIND),
        ):
            if given.get(name) is not None:
                self._find(view, Place(kind), given[name])

    def _project(self, view: View, place: Place, given: Mapping[str, Any], edit: Edit) -> str:
        """The project that new objects count for: of what they belong to."""
        pool = given.get("pool_id") or (place.parent if place.kind is members.KIND else "")
        if pool:
            return view.project(view.balancer_of_pool(pool))
        if place.parent:
            policy = view.configuration.objects["l7_policies"][place.parent]
            return view.project(view.parent(policy).loadbalancer_id)
        if given.get("listener_id"):
            listener = view.configuration.objects["listeners"].get(given["listener_id"])
            return view.project(getattr(listener, "loadbalancer_id", ""))
        if given.get("loadbalancer_id"):
            return view.project(given["loadbalancer_id"])
        return edit.project

    async def update(self, place: Place, ident: str, body: Any) -> Mapping[str, Any]:
        """PUT of a document, without its envelope."""
        view = self._view()
        made = self._find(view, place, ident)
        given = updated(place.kind.root, body, place.kind.attributes)
        if isinstance(body, dict) and "admin_state_up" in body:
            given["admin_state_up"] = up(given, body)
        edit = Edit(view, self._identity.own, self._control.make_id)
        place.kind.update(edit, made, given)
        after = await self._write(edit)
        return place.kind.show(after, _made(after, place, place.kind.ident(made)))

    async def delete(self, place: Place, ident: str, cascade: bool) -> None:
        """DELETE."""
        view = self._view()
        made = self._find(view, place, ident)
        edit = Edit(view, self._identity.own, self._control.make_id)
        place.kind.delete(edit, made, cascade)
        await self._write(edit)

    async def batch(self, pool: str, body: Any, additive: bool) -> None:
        """PUT of all members of a pool."""
        view = self._view()
        self._find(view, Place(pools.KIND), pool)
        if not isinstance(body, list):
            raise Fault(400, "Invalid input for field/attribute members. A list is needed.")
        edit = Edit(view, self._identity.own, self._control.make_id)
        members.batch(edit, pool, body, additive)
        await quotas.check(view, view.project(view.balancer_of_pool(pool)), edit.operations)
        await self._write(edit)

    async def _write(self, edit: Edit) -> View:
        """Do it; the view of what is in force then."""
        if not edit.operations:
            return edit.view
        origin = Origin(self._identity.name, "octavia")
        outcome = await self._control.write(edit.operations, origin)
        return View(self._control, outcome.configuration)


def _refuse_nested(kind: Kind, given: Mapping[str, Any]) -> None:
    for name in _NESTED.get(kind.path, ()):
        if given.get(name):
            raise invalid(f"{name} is for load balancers that are created with all that they have.")


def _parent(kind: Kind) -> Kind:
    return pools.KIND if kind is members.KIND else policies.KIND


def _made(view: View, place: Place, ident: str) -> Any:
    kind = place.kind
    if kind is monitors.KIND:
        for pool in kind.all(view, ""):
            if ident in (pool.id, kind.ident(pool)):
                return pool
    collection = {
        load_balancers.KIND.path: "load_balancers",
        policies.KIND.path: "l7_policies",
        rules.KIND.path: "l7_rules",
    }.get(kind.path, kind.path)
    return view.configuration.objects[collection][ident]
