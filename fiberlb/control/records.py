"""
Objects as documents of the store: one key for each, JSON, secrets sealed.

::

    revision                      the counter of configuration commits
    objects/<collection>/<id>     {managed_by, created_at, updated_at, revision,
                                   order, parent, spec, notes}
    packs/<n>/<piece>             many of these in one (L{fiberlb.control.packs})
    contents/<id>                 the revision that last took something out of an object
    revisions/<n, zero padded>    what each commit did (L{fiberlb.control.history})
    past/<n>/...                  objects before and after it (L{fiberlb.control.past})

Other keys of the store are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any

import attrs

from fiberlb.errors import ConfigurationError
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import said, secret_fields, structure
from fiberlb.model.fields import Loading
from fiberlb.model.resource import Meta, Owner, Resource
from fiberlb.model.texts import quoted, writers, written
from fiberlb.store.sealed import Keyring, SealError

#: In every commit's expectation, so that two writers never both succeed.
COUNTER = b"revision"
OBJECTS = b"objects/"
CONTENTS = b"contents/"
#: Of a record, and of many of them in a fraction of the time that a loop takes.
id_of, collection_of = attrgetter("made.id"), attrgetter("made.COLLECTION")


class Unreadable(Exception):
    """A document of the store that cannot be understood; the message says which and why."""


@attrs.define
class Record:
    """
    An object of the store layer. It does not change; that it could makes it in half the time.

    @ivar order: the revision that made it, and its place within that commit.
    """

    made: Resource
    meta: Meta
    order: tuple[int, int]


def object_key(collection: str, ident: str) -> bytes:
    """The key of an object."""
    return OBJECTS + f"{collection}/{ident}".encode()


def contents_key(ident: str) -> bytes:
    """The key of the record that an object lost a child."""
    return CONTENTS + ident.encode()


def encode(record: Record, keyring: Keyring) -> bytes:
    """The document of an object, its secrets sealed."""
    made = record.made
    if secret_fields(type(made)):
        return written(_sealed(record, keyring)).encode()
    meta, (first, second) = record.meta, record.order
    parent = "null" if made.PARENT is None else quoted(getattr(made, made.PARENT[0]))
    notes = f',"notes":{written(dict(meta.notes))}' if meta.notes else ""
    start = _about(meta.managed_by._value_, meta.created_at, meta.updated_at, meta.revision)
    spec = _SPECS[type(made)](made)
    text = f'{start},"order":[{first},{second}],"parent":{parent},"spec":{spec}{notes}}}'
    return text.encode()


@lru_cache(16)
def _about(owner: str, created: str, updated: str, revision: int) -> str:
    """How a document begins: the objects that one write makes have all of it in common."""
    return (
        f'{{"managed_by":"{owner}","created_at":{quoted(created)}'
        f',"updated_at":{quoted(updated)},"revision":{revision}'
    )


def _unspecified(cls: Any) -> tuple[str, ...]:
    """What stands beside the C{spec} of a document."""
    return ("id",) if cls.PARENT is None else ("id", cls.PARENT[0])


_SPECS = writers(_unspecified)


def _sealed(record: Record, keyring: Keyring) -> dict[str, Any]:
    """The document of an object with its secrets, sealed."""
    made = record.made
    spec = said(made)
    del spec["id"]
    parent = spec.pop(made.PARENT[0], "") if made.PARENT is not None else None
    for name in secret_fields(type(made)):
        if spec.get(name) is not None:
            spec[name] = keyring.seal(spec[name].encode(), _context(made, name))
    return {**about(record.meta), "order": list(record.order), "parent": parent, "spec": spec}


def about(meta: Meta) -> dict[str, Any]:
    """What a document says of an object beside its place and its fields."""
    return {
        "managed_by": meta.managed_by.value,
        "created_at": meta.created_at,
        "updated_at": meta.updated_at,
        "revision": meta.revision,
        **({"notes": dict(meta.notes)} if meta.notes else {}),
    }


def decode(key: bytes, value: bytes, keyring: Keyring) -> Record:
    """
    The object of a document; the inverse of L{encode}.

    @raise Unreadable: damaged, of a newer version, or sealed with another key.
    """
    name = key.decode("utf-8", "backslashreplace")
    try:
        _, collection, ident = name.split("/")
        return understood(collection, ident, json.loads(value), keyring)
    except ValueError as why:
        raise Unreadable(f"{name} of the store is not understood ({type(why).__name__})") from None


def understood(
    collection: str, ident: str, document: Mapping[str, Any], keyring: Keyring
) -> Record:
    """
    As L{decode}, of a document that is JSON already.

    @raise Unreadable: as of L{decode}.
    """
    name = f"{OBJECTS.decode()}{collection}/{ident}"
    try:
        made = _object(COLLECTIONS[collection], ident, document, keyring)
        meta = Meta(
            Owner(document["managed_by"]),
            document["created_at"],
            document["updated_at"],
            document["revision"],
            notes=document.get("notes", {}),
        )
        first, second = document["order"]
        return Record(made, meta, (int(first), int(second)))
    except SealError as why:
        raise Unreadable(f"{name} of the store: {why}") from None
    except ConfigurationError as why:
        raise Unreadable(f"{name} of the store: {why}") from None
    except (ValueError, KeyError, TypeError) as why:
        raise Unreadable(f"{name} of the store is not understood ({type(why).__name__})") from None


def _object(
    cls: type[Resource], ident: str, document: Mapping[str, Any], keyring: Keyring
) -> Resource:
    spec = {**document["spec"], "id": ident}
    if cls.PARENT is not None:
        spec[cls.PARENT[0]] = document["parent"]
    secrets = {}
    for name in secret_fields(cls):
        if spec.get(name) is not None:
            context = f"{cls.COLLECTION}/{ident}/{name}".encode()
            secrets[name] = keyring.open(spec[name], context).decode()
    loading = Loading()
    made = structure(cls, {**spec, **secrets}, (), loading)
    if made is None:
        raise ConfigurationError(loading.problems)
    return made


def _context(made: Resource, name: str) -> bytes:
    return f"{made.COLLECTION}/{made.id}/{name}".encode()
