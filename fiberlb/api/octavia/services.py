"""Addresses beside the resources: figures, statuses, quotas, providers, flavors and zones."""

from __future__ import annotations

from fiberlb.api.octavia import catalogue, quotas, stats
from fiberlb.api.octavia.asked import Asked, body_of, only
from fiberlb.api.octavia.attributes import PROVIDERS, created, updated
from fiberlb.api.octavia.catalogue import CATALOGUE, Shelved
from fiberlb.api.octavia.faults import Fault
from fiberlb.api.octavia.identity import Identity
from fiberlb.api.octavia.lifecycle import TOP, Lifecycle, Place
from fiberlb.api.octavia.lists import page, picked
from fiberlb.api.octavia.reply import Reply
from fiberlb.api.octavia.view import View
from fiberlb.control.service import ControlService
from fiberlb.model.load_balancer import LoadBalancer

#: What flavors and zones may say of a provider: one thing each, for clients that look for one.
CAPABILITIES = {
    "flavor_capabilities": {
        "name": "loadbalancer_topology",
        "description": "Taken and without effect.",
    },
    "availability_zone_capabilities": {
        "name": "compute_zone",
        "description": "Taken and without effect.",
    },
}


def of_object(asked: Asked, lifecycle: Lifecycle, words: list[str]) -> Reply:
    """C{stats}, C{status} and C{failover} of an object."""
    collection, ident, what = words
    known = {
        ("loadbalancers", "stats"): "GET",
        ("loadbalancers", "status"): "GET",
        ("loadbalancers", "statuses"): "GET",
        ("loadbalancers", "failover"): "PUT",
        ("listeners", "stats"): "GET",
    }
    method = known.get((collection, what))
    if method is None:
        raise Fault(404, "The resource could not be found.")
    if asked.method != method:
        raise Fault(405, f"The method {asked.method} is not allowed for this resource.")
    view, made = lifecycle.find(Place(TOP[collection]), ident)
    if what == "failover":
        return Reply(202)  # there is nothing to fail over: it serves already
    if what != "stats":
        return Reply(200, {"statuses": stats.tree(view, made)})
    figures = stats.of_listener if collection == "listeners" else stats.of_balancer
    return Reply(200, {"stats": figures(view, made)})


async def others(
    asked: Asked, control: ControlService, identity: Identity, words: list[str]
) -> Reply | None:
    """What has no objects of the configuration; C{None}: there is nothing of that name."""
    if words[0] == "quotas":
        return await _quotas(asked, control, identity, words[1:])
    if words[0] == "providers":
        return _providers(asked, words[1:])
    if words[0] in CATALOGUE and len(words) < 3:
        return await _catalogue(asked, control, CATALOGUE[words[0]], words[1:])
    return None


async def _quotas(
    asked: Asked, control: ControlService, identity: Identity, words: list[str]
) -> Reply | None:
    shelf = control.shelf
    fixed = not words or words in (["defaults"], [words[0], "default"])
    only(asked, "GET", *(() if fixed else ("PUT", "DELETE")))
    if not words:
        found = await quotas.all_of(shelf)
        listed = [{"project_id": p, **quotas.shown(limits)} for p, (limits, _) in found.items()]
        seen = [each for each in listed if identity.sees(str(each["project_id"]))]
        known = ("project_id", *quotas.shown({}))
        paged = page(seen, asked.query, asked.base + asked.path, known)
        return Reply(200, {"quotas": paged.items, "quotas_links": paged.links})
    project = words[0]
    if words in (["defaults"], [project, "default"]):
        return Reply(200, {"quota": quotas.shown({})})
    if len(words) > 1:
        return None
    if not identity.sees(project):
        raise Fault(403, "Policy does not allow this request to be performed.")
    if asked.method == "PUT":
        limits = quotas.read(body_of(asked, "quota"))
        return Reply(202, {"quota": await quotas.change(shelf, project, limits)})
    if asked.method == "DELETE":
        await quotas.reset(shelf, project)
        return Reply(202)
    limits, _ = (await quotas.all_of(shelf)).get(project, ({}, 0))
    return Reply(200, {"quota": quotas.shown(limits)})


def _providers(asked: Asked, words: list[str]) -> Reply | None:
    only(asked, "GET")
    if not words:
        listed = [{"name": name, "description": text} for name, text in PROVIDERS.items()]
        return Reply(200, {"providers": [picked(each, asked.query) for each in listed]})
    if len(words) != 2 or words[1] not in CAPABILITIES:
        return None
    if words[0] not in PROVIDERS:
        raise Fault(400, f"Provider '{words[0]}' is not enabled.")
    documents = [CAPABILITIES[words[1]]]
    found = page(documents, asked.query, asked.base + asked.path, ("name", "description"))
    return Reply(200, {words[1]: found.items, f"{words[1]}_links": []})


async def _catalogue(
    asked: Asked, control: ControlService, kind: Shelved, words: list[str]
) -> Reply:
    shelf = control.shelf
    only(asked, "GET", *(("PUT", "DELETE") if words else ("POST",)))
    if not words and asked.method == "POST":
        given = created(kind.root, body_of(asked, kind.root), kind.attributes)
        done = await catalogue.create(shelf, kind, given, control.make_id)
        return Reply(201, {kind.root: done})
    if not words:
        documents = await catalogue.every(shelf, kind)
        found = page(documents, asked.query, asked.base + asked.path, kind.attributes)
        return Reply(200, {kind.plural: found.items, kind.links: found.links})
    word = words[0]
    if asked.method == "PUT":
        given = updated(kind.root, body_of(asked, kind.root), kind.attributes)
        return Reply(200, {kind.root: await catalogue.update(shelf, kind, word, given)})
    if asked.method == "DELETE":
        await catalogue.delete(shelf, kind, word, _used(View(control), kind, word))
        return Reply(204)
    document, _ = await catalogue.find(shelf, kind, word)
    return Reply(200, {kind.root: picked(document, asked.query)})


def _used(view: View, kind: Shelved, word: str) -> bool:
    name = {"flavors": "flavor_id", "availabilityzones": "availability_zone"}.get(kind.path, "")
    balancers = view.configuration.all(LoadBalancer).values()
    return any(view.notes(one.id).get(name) == word for one in balancers)
