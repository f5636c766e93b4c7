"""
Load balancers with all that they have, in one call (spec page C{octavia-api}, section 4).

A pool stands wherever it is used; with nothing but a name it is one that stands elsewhere in the
call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fiberlb.api.octavia import listeners, load_balancers, members, monitors, policies, pools, rules
from fiberlb.api.octavia.attributes import Attributes, created, up
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault
from fiberlb.api.octavia.kind import Kind
from fiberlb.api.octavia.view import View
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Member, Pool


def taken(kind: Kind, body: Any, leave: tuple[str, ...] = ()) -> dict[str, Any]:
    """
    The attributes of a nested document.

    @param leave: attributes that its place says, so that they need not be sent.
    @raise Fault: 400.
    """
    attributes: Attributes = {n: a for n, a in kind.attributes.items() if n not in leave}
    given = created(kind.root, body, attributes)
    given["admin_state_up"] = up(given, body)
    return given


class Tree:
    """
    A load balancer, its listeners, policies and pools in the making.

    @param given: the attributes of the load balancer.
    """

    def __init__(self, edit: Edit, given: Mapping[str, Any]) -> None:
        self._edit = edit
        self._given = given
        self._definitions: dict[str, dict[str, Any]] = {}
        self._ids: dict[str, str] = {}
        self._balancer = ""

    def create(self) -> str:
        """
        Add all of it to the edit; returns the load balancer's id.

        @raise Fault: 400 or 409.
        """
        given = self._given
        for body in self._bodies():
            self._define(body)
        self._balancer = load_balancers.create(self._edit, given, "")
        for body in given.get("listeners") or ():
            self._listener(body)
        for body in given.get("pools") or ():
            self._pool(body, "")
        return self._balancer

    def _bodies(self) -> list[Any]:
        """Every document of a pool, wherever it stands."""
        found = list(self._given.get("pools") or ())
        for listener in self._given.get("listeners") or ():
            if not isinstance(listener, dict):
                continue
            used = [listener.get("default_pool")]
            for policy in listener.get("l7policies") or ():
                if isinstance(policy, dict):
                    used.append(policy.get("redirect_pool"))
            found += [body for body in used if body is not None]
        return found

    def _define(self, body: Any) -> None:
        if not isinstance(body, dict) or not body.get("name"):
            raise Fault(400, "Pools must be named when creating a fully populated loadbalancer.")
        name = body["name"]
        if set(body) == {"name"}:
            return
        if name in self._definitions:
            raise Fault(
                400, "Pool names must be unique when creating a fully populated loadbalancer."
            )
        for needed in ("protocol", "lb_algorithm"):
            if body.get(needed) is None:
                raise Fault(
                    400, f"Pool definition for '{name}' missing required attribute: {needed}"
                )
        self._definitions[name] = body

    def _listener(self, body: Any) -> None:
        given = taken(listeners.KIND, body, ("loadbalancer_id",))
        protocol = given["protocol"]
        pool = given.pop("default_pool")
        several = given.pop("l7policies") or ()
        self._same_port(given)
        default = self._pool(pool, protocol) if pool is not None else None
        name = given.pop("default_pool_id")
        if name is not None and default is None:
            default = self._ids.get(name, name)
        ident = listeners.create(self._edit, given, self._balancer)
        if default is not None:
            self._edit.patch("listeners", ident, {"default_pool_id": default})
        order: list[str] = []
        for each in several:
            self._policy(each, ident, protocol, order)

    def _same_port(self, given: Mapping[str, Any]) -> None:
        datagrams = given["protocol"] == "UDP"
        key = f"{given['protocol_port']}/{'udp' if datagrams else 'tcp'}"
        if key in self._ids:
            raise Fault(
                409,
                "Another Listener on this Load Balancer is already using protocol"
                f" {given['protocol']} and protocol_port {given['protocol_port']}",
            )
        self._ids[key] = ""

    def _policy(self, body: Any, listener: str, protocol: str, order: list[str]) -> None:
        given = taken(policies.KIND, body, ("listener_id",))
        pool = given.pop("redirect_pool")
        several = given.pop("rules") or ()
        if pool is not None:
            given["redirect_pool_id"] = self._pool(pool, protocol)
        if protocol not in ("HTTP", "TERMINATED_HTTPS"):
            raise Fault(400, f"L7 policies are not supported for {protocol} listeners.")
        ident = policies.create(self._edit, given, listener, order)
        if len(several) > rules.MOST:
            raise Fault(409, f"Too many rules on L7 policy {ident}")
        for each in several:
            rules.create(self._edit, taken(rules.KIND, each), ident)

    def _pool(self, body: Mapping[str, Any], protocol: str) -> str:
        """
        The id of a pool, made when it is first used.

        @param protocol: of the listener that uses it; empty: none does here.
        """
        name = body["name"]
        if name in self._ids:
            return self._ids[name]
        definition = self._definitions.get(name)
        if definition is None:
            raise Fault(400, f"Pool '{name}' was referenced but no full definition was found.")
        given = taken(pools.KIND, definition, ("loadbalancer_id", "listener_id"))
        ident = pools.create(self._edit, given, self._balancer, protocol)
        self._ids[name] = ident
        fill(self._edit, ident, given)
        return ident


def fill(edit: Edit, pool: str, given: Mapping[str, Any]) -> None:
    """The members and the health monitor that stand within a pool."""
    places = set()
    for body in given.get("members") or ():
        each = taken(members.KIND, body)
        place = (each["address"], each["protocol_port"])
        if place in places:
            raise Fault(
                409,
                f"Another member on this pool is already using ip {place[0]} on protocol_port"
                f" {place[1]}",
            )
        places.add(place)
        members.create(edit, each, pool)
    if given.get("healthmonitor") is not None:
        each = taken(monitors.KIND, given["healthmonitor"], ("pool_id",))
        monitors.create(edit, each, pool, given["protocol"])


def shown(view: View, made: LoadBalancer) -> dict[str, Any]:
    """A load balancer with all that it has, written out."""
    done = load_balancers.show(view, made)
    done["listeners"] = [_listener(view, one) for one in view.listeners(made.id)]
    done["pools"] = [_pool(view, one) for one in view.pools(made.id)]
    return done


def _listener(view: View, made: Listener) -> dict[str, Any]:
    done = listeners.show(view, made)
    del done["loadbalancers"]
    done["l7policies"] = [_policy(view, one) for one in view.configuration.policies(made.id)]
    default = view.configuration.all(Pool).get(made.default_pool_id or "")
    done["default_pool"] = None if default is None else _pool(view, default)
    return done


def _policy(view: View, made: L7Policy) -> dict[str, Any]:
    done = policies.show(view, made)
    done["rules"] = _each(view, view.configuration.children(L7Rule, made.id), rules.show)
    pool = view.configuration.all(Pool).get(made.redirect_pool_id or "")
    done["redirect_pool"] = None if pool is None else _pool(view, pool)
    return done


def _pool(view: View, made: Pool) -> dict[str, Any]:
    done = pools.show(view, made)
    for name in ("loadbalancers", "listeners"):
        del done[name]
    done["members"] = _each(view, view.configuration.children(Member, made.id), members.show)
    done["healthmonitor"] = None
    if made.health_monitor is not None:
        done["healthmonitor"] = monitors.show(view, made)
    return done


def _each(view: View, several: list[Any], show: Callable[[View, Any], Any]) -> list[Any]:
    return [show(view, made) for made in several]
