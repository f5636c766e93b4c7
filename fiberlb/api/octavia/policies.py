"""L7 policies (spec page C{octavia-api}, section 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia import attributes, positions
from fiberlb.api.octavia.attributes import Attribute, listed, number, url, uuid, word_of
from fiberlb.api.octavia.common import document, fields, ids
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault, bad_value, invalid, missing
from fiberlb.api.octavia.fits import adapt
from fiberlb.api.octavia.kind import Kind
from fiberlb.api.octavia.listeners import protocol_of
from fiberlb.api.octavia.statuses import of_enabled
from fiberlb.api.octavia.view import View
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Pool

ACTIONS = ("REJECT", "REDIRECT_TO_URL", "REDIRECT_TO_POOL", "REDIRECT_PREFIX")
#: The attribute that each action needs, and the field that it is here.
_TARGETS = {
    "REDIRECT_TO_POOL": "redirect_pool_id",
    "REDIRECT_TO_URL": "redirect_url",
    "REDIRECT_PREFIX": "redirect_prefix",
}
_CODES = (301, 302, 303, 307, 308)


def _code(name: str, value: Any) -> int:
    found = number(0, 999)(name, value)
    if found not in _CODES:
        raise bad_value(name, value, f"Value should be one of: {_CODES}")
    return found


ATTRIBUTES: Mapping[str, Attribute] = {
    **attributes.common(),
    "action": Attribute(word_of(*ACTIONS), required=True),
    "listener_id": Attribute(uuid, required=True, put=False),
    "position": Attribute(number(1, 2_147_483_647)),
    "redirect_pool_id": Attribute(uuid),
    "redirect_pool": Attribute(attributes.mapping, put=False),
    "redirect_url": Attribute(url),
    "redirect_prefix": Attribute(url),
    "redirect_http_code": Attribute(_code),
    "rules": Attribute(listed, put=False),
}


def every(view: View, parent: str) -> list[L7Policy]:
    """All of them."""
    return list(view.configuration.all(L7Policy).values())


def show(view: View, made: L7Policy) -> dict[str, Any]:
    """One of them."""
    listener = view.parent(made)
    project = view.project(listener.loadbalancer_id)
    action = "REJECT" if made.action is None else made.action.value.upper()
    redirects = action in ("REDIRECT_TO_URL", "REDIRECT_PREFIX")
    code = made.redirect_http_status_code or 302
    order = [one.id for one in view.configuration.policies(listener.id)]
    return {
        **document(view, made, project, of_enabled(made)),
        "name": "" if made.name == _unnamed(view, made) else made.name,
        "action": action,
        "listener_id": listener.id,
        "position": order.index(made.id) + 1,
        "redirect_pool_id": made.redirect_pool_id,
        "redirect_url": made.redirect_url,
        "redirect_prefix": made.redirect_prefix,
        "redirect_http_code": code if redirects else None,
        "rules": ids(view.configuration.children(L7Rule, made.id)),
    }


def _unnamed(view: View, made: L7Policy) -> str:
    """The name of a policy that nobody has named."""
    return str(view.notes(made.id).get(positions.UNNAMED, f"policy-{made.position}"))


def create(
    edit: Edit, given: Mapping[str, Any], parent: str, order: list[str] | None = None
) -> str:
    """
    A new one.

    @param parent: the listener, where it is made in the same edit.
    @param order: the ids of its policies so far, in their order, then.
    """
    ident = parent or given["listener_id"]
    action = given["action"]
    if not parent:
        listener = edit.view.configuration.all(Listener).get(ident)
        if listener is None:
            raise missing("Listener", ident)
        if protocol_of(listener) not in ("HTTP", "TERMINATED_HTTPS"):
            raise invalid(f"L7 policies are not supported for {protocol_of(listener)} listeners.")
        _fit(edit, listener, action, given.get("redirect_pool_id"))
    body = {
        **fields(given),
        "listener_id": ident,
        **_action(action, given),
    }
    if order is None:
        order = [one.id for one in edit.view.configuration.policies(ident)]
    return positions.insert(edit, order, given.get("position"), body)


def _fit(edit: Edit, listener: Listener, action: str, ident: str | None) -> None:
    if action != "REDIRECT_TO_POOL" or ident is None:
        return
    pool = edit.view.configuration.all(Pool).get(ident)
    balancer = edit.view.balancer_of_pool(ident)
    if pool is None or balancer not in ("", listener.loadbalancer_id):
        raise missing("Pool", ident)
    adapt(edit, pool, protocol_of(listener))


def _action(action: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The action and what it needs; what others need is cleared."""
    needs = _TARGETS.get(action)
    done: dict[str, Any] = {"action": action.lower(), **dict.fromkeys(_TARGETS.values())}
    done["redirect_http_status_code"] = None
    if needs is not None:
        if given.get(needs) is None:
            raise Fault(400, f"Invalid L7 Policy arguments: {needs} must not be None")
        done[needs] = given[needs]
        if needs != "redirect_pool_id":
            done["redirect_http_status_code"] = given.get("redirect_http_code")
    return done


def update(edit: Edit, made: L7Policy, given: Mapping[str, Any]) -> None:
    """What was sent of one that is there; a target alone changes the action to its own."""
    if not given:
        raise Fault(400, "Invalid update options")
    listener = edit.view.parent(made)
    sent = [action for action, name in _TARGETS.items() if given.get(name) is not None]
    before = show(edit.view, made)
    action = given.get("action") or (sent[0] if sent else before["action"])
    body = fields(given)
    if "action" in given or sent or "redirect_http_code" in given:
        _fit(edit, listener, action, given.get("redirect_pool_id"))
        kept = {n: before[n] for n in (*_TARGETS.values(), "redirect_http_code")}
        body.update(_action(action, {**kept, **given}))
    if given.get("position") is not None:
        order = [one.id for one in edit.view.configuration.policies(listener.id)]
        positions.move(edit, order, made.id, given["position"])
    edit.patch("l7_policies", made.id, body)


def delete(edit: Edit, made: L7Policy, cascade: bool) -> None:
    """One of them; those after it move up, as positions are ranks."""
    edit.delete("l7_policies", made.id)


KIND = Kind("l7policies", "l7policy", "L7Policy", ATTRIBUTES, every, show, create, update, delete)
