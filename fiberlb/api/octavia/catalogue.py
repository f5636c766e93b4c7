"""
Flavors, availability zones and their profiles (spec page C{octavia-api}, section 2.8).

They choose nothing here: load balancers may name one, and it is checked that it is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from fiberlb.api.octavia.attributes import Attribute, Attributes, flag, provider, text, uuid
from fiberlb.api.octavia.faults import Fault, bad_value, invalid
from fiberlb.control.shelf import Shelf

_NAMED = Attribute(text(255), required=True, nullable=False)


def _data(name: str, value: Any) -> str:
    found = text(4096)(name, value)
    try:
        parsed = json.loads(found)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise bad_value(name, value, "Value should be a JSON object, as a text.")
    return str(found)


@attrs.frozen(kw_only=True)
class Shelved:
    """
    One collection.

    @ivar path: its word in addresses; C{plural} and C{root} the envelopes.
    @ivar links: the envelope of a list's links.
    @ivar key: what objects are told apart by.
    @ivar profile: the attribute that names a profile, and the path of those.
    """

    path: str
    plural: str
    root: str
    links: str
    title: str
    attributes: Attributes
    key: str = "id"
    profile: tuple[str, str] | None = None

    @property
    def shelf(self) -> str:
        """Where its documents are kept."""
        return f"octavia/{self.path}/"


_PROVIDER = Attribute(provider, required=True, nullable=False)
_DESCRIPTION = Attribute(text(255), "")

FLAVOR_PROFILES = Shelved(
    path="flavorprofiles",
    plural="flavorprofiles",
    root="flavorprofile",
    links="flavorprofile_links",
    title="Flavorprofile",
    attributes={
        "name": _NAMED,
        "provider_name": _PROVIDER,
        "flavor_data": Attribute(_data, required=True, nullable=False),
    },
)
FLAVORS = Shelved(
    path="flavors",
    plural="flavors",
    root="flavor",
    links="flavors_links",
    title="Flavor",
    attributes={
        "name": _NAMED,
        "description": _DESCRIPTION,
        "enabled": Attribute(flag, True),
        "flavor_profile_id": Attribute(uuid, required=True, put=False),
    },
    profile=("flavor_profile_id", "flavorprofiles"),
)
ZONE_PROFILES = Shelved(
    path="availabilityzoneprofiles",
    plural="availability_zone_profiles",
    root="availability_zone_profile",
    links="availability_zone_profile_links",
    title="Availability Zone Profile",
    attributes={
        "name": _NAMED,
        "provider_name": _PROVIDER,
        "availability_zone_data": Attribute(_data, required=True, nullable=False),
    },
)
ZONES = Shelved(
    path="availabilityzones",
    plural="availability_zones",
    root="availability_zone",
    links="availability_zones_links",
    title="Availability Zone",
    attributes={
        "name": Attribute(text(255), required=True, nullable=False, put=False),
        "description": _DESCRIPTION,
        "enabled": Attribute(flag, True),
        "availability_zone_profile_id": Attribute(uuid, required=True, put=False),
    },
    key="name",
    profile=("availability_zone_profile_id", "availabilityzoneprofiles"),
)
CATALOGUE: Mapping[str, Shelved] = {
    one.path: one for one in (FLAVORS, FLAVOR_PROFILES, ZONES, ZONE_PROFILES)
}
_PROFILED = {FLAVOR_PROFILES.path: FLAVORS, ZONE_PROFILES.path: ZONES}


async def every(shelf: Shelf, kind: Shelved) -> list[dict[str, Any]]:
    """All documents of a collection, in the order of their keys, as Octavia has them."""
    found = [document for document, _ in (await shelf.all(kind.shelf)).values()]
    return sorted(found, key=lambda each: str(each[kind.key]))


async def create(
    shelf: Shelf, kind: Shelved, given: Mapping[str, Any], make_id: Callable[[], str]
) -> dict[str, Any]:
    """
    A new one.

    @raise Fault: 400, its profile is not there; 409, the name is taken.
    """
    await _check_name(shelf, kind, given, "")
    await _check_profile(shelf, kind, given)
    done = dict(given) if kind.key == "name" else {"id": make_id(), **given}
    await shelf.put(kind.shelf + done[kind.key], done, 0)
    return done


async def _check_name(shelf: Shelf, kind: Shelved, given: Mapping[str, Any], own: str) -> None:
    name = given.get("name")
    for word, (each, _) in (await shelf.all(kind.shelf)).items():
        if each["name"] == name and word != own:
            raise Fault(409, f"A {kind.title} of {name} already exists.")


async def _check_profile(shelf: Shelf, kind: Shelved, given: Mapping[str, Any]) -> None:
    if kind.profile is None:
        return
    name, path = kind.profile
    if given[name] not in await shelf.all(CATALOGUE[path].shelf):
        raise invalid(f"Invalid {name}.")


async def find(shelf: Shelf, kind: Shelved, word: str) -> tuple[dict[str, Any], int]:
    """
    One of them, and its revision.

    @raise Fault: 404.
    """
    found = (await shelf.all(kind.shelf)).get(word)
    if found is None:
        raise Fault(404, f"{kind.title} {word} not found.")
    return found


async def update(
    shelf: Shelf, kind: Shelved, word: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """
    What was sent of one that is there.

    @raise Fault: 409, the name is taken, or more than that is changed of what something names.
    """
    before, revision = await find(shelf, kind, word)
    await _check_name(shelf, kind, given, word)
    if set(given) - {"name"} and await _profiled(shelf, kind, word):
        raise _in_use(kind, word)
    done = {**before, **given}
    await shelf.put(kind.shelf + word, done, revision)
    return done


async def delete(shelf: Shelf, kind: Shelved, word: str, used: bool) -> None:
    """
    One of them.

    @param used: a load balancer names it.
    @raise Fault: 409, something names it.
    """
    _, revision = await find(shelf, kind, word)
    if used or await _profiled(shelf, kind, word):
        raise _in_use(kind, word)
    await shelf.put(kind.shelf + word, None, revision)


async def _profiled(shelf: Shelf, kind: Shelved, word: str) -> bool:
    """Whether it is a profile that something has."""
    users = _PROFILED.get(kind.path)
    if users is None or users.profile is None:
        return False
    name, _ = users.profile
    return any(each[name] == word for each, _ in (await shelf.all(users.shelf)).values())


def _in_use(kind: Shelved, word: str) -> Fault:
    return Fault(409, f"{kind.title} {word} is in use and cannot be modified.")


async def check_named(shelf: Shelf, given: Mapping[str, Any]) -> None:
    """
    The flavor and the availability zone that a load balancer names must be there, and enabled.

    @raise Fault: 400.
    """
    for name, kind in (("flavor_id", FLAVORS), ("availability_zone", ZONES)):
        word = given.get(name)
        if word is None:
            continue
        found = (await shelf.all(kind.shelf)).get(word)
        if found is None:
            raise invalid(f"Invalid {name}.")
        if not found[0]["enabled"]:
            raise Fault(400, f"The selected {kind.title} is not allowed in this deployment: {word}")
