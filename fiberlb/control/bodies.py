"""
What clients send: documents with fields that nobody can set, merge patches, kept secrets.

An object that was read can be sent back as it is; so the fields that only
FiberLB sets are taken when they say what is so, and refused when they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from fiberlb.control.certificates import FACTS, MARK, CertificateFacts, has_key
from fiberlb.control.union import monitor_id
from fiberlb.errors import Path
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.convert import Nested, Partial, kind_of, kinds, unstructure
from fiberlb.model.fields import Kind, Loading
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.pool import Pool
from fiberlb.model.resource import Resource
from fiberlb.routing.conditions import complexity

#: What is observed, not configured: taken back whatever it says, for it changes by itself.
OBSERVED = {
    "members": ("operational", "status"),
    "listeners": ("status",),
    "pools": ("status",),
    "certificates": ("used_by", "warnings"),
}
#: The same of a certificate that orders itself, and what stands within its C{acme}.
_ISSUED = ("certificate", *FACTS)
_ORDER = ("state", "last_error", "next_try", "expires_at")
_META = ("managed_by", "created_at", "updated_at", "revision")
_FACTS = {
    Certificate.COLLECTION: FACTS,
    L7Rule.COLLECTION: ("complexity",),
}

#: The facts of an object of a collection and an id, C{None} if there is none.
Known = Callable[[str, str], Mapping[str, Any] | None]


def facts(
    configuration: Configuration, made: Resource, certificates: CertificateFacts
) -> dict[str, Any]:
    """What is answered beside an object's fields and cannot be set."""
    meta = configuration.meta[made.id]
    found = {
        "managed_by": meta.managed_by.value,
        "created_at": meta.created_at,
        "updated_at": meta.updated_at,
        "revision": meta.revision,
    }
    if isinstance(made, Certificate):
        found.update(certificates.of(made))
    elif isinstance(made, L7Rule):
        found["complexity"] = complexity(made)
    return found


def settable(
    collection: str, document: Any, at: Path, loading: Loading, known: Known, ident: str = ""
) -> Any:
    """
    A document without the fields that cannot be set, those of nested objects too.

    @param known: gives the facts to compare with.
    @param ident: the object's id where the place of the request says it.
    """
    if not ident and _ordinary(collection, document):
        return _within(collection, document, at, loading, known)
    if not isinstance(document, dict):
        return document
    if ident and str(document.get("id", ident)).lower() != ident:
        loading.refuse((*at, "id"), f"cannot be changed: it is {ident}", code="read_only")
        document = {**document, "id": ident}
    said = ident or document.get("id")
    current = known(collection, said.lower()) if isinstance(said, str) and said else None
    done = {}
    document = _without_issued(collection, document, current)
    for key, value in document.items():
        if key in OBSERVED.get(collection, ()) and current is not None:
            continue
        if key in _META or key in _FACTS.get(collection, ()):
            _compare(key, value, current, (*at, key), loading)
            continue
        done[key] = value
    said = said if isinstance(said, str) else ""
    _drop_monitor_id(collection, done, said, at, loading)
    for key, child in getattr(COLLECTIONS.get(collection), "CHILDREN", {}).items():
        several = done.get(key)
        if isinstance(several, list) and not _all_ordinary(child, several):
            done[key] = [
                settable(child, _unbound(child, each, said), (*at, key, index), loading, known)
                for index, each in enumerate(several)
            ]
    return done


def _ordinary(collection: str, document: Any) -> bool:
    """Whether a document says nothing but what can be set, what is nested in it apart."""
    return type(document) is dict and _odd_keys(collection).isdisjoint(document)


@cache
def _odd_keys(collection: str) -> frozenset[str]:
    """Keys that a look has to be taken at: what cannot be set, and what is said elsewhere."""
    cls = COLLECTIONS.get(collection)
    of = () if cls is None or cls.PARENT is None else cls.PARENT[:1]
    facts = (*_META, *_FACTS.get(collection, ()), *OBSERVED.get(collection, ()))
    return frozenset(("id", "acme", "health_monitor", *of, *facts))


def _within(
    collection: str, document: dict[str, Any], at: Path, loading: Loading, known: Known
) -> dict[str, Any]:
    """An ordinary document, what is nested in it without what cannot be set."""
    done = document
    for key, child in getattr(COLLECTIONS.get(collection), "CHILDREN", {}).items():
        several = document.get(key)
        if not isinstance(several, list) or _all_ordinary(child, several):
            continue
        each = [
            _within(child, one, (*at, key, index), loading, known)
            if _ordinary(child, one)
            else settable(child, _unbound(child, one, ""), (*at, key, index), loading, known)
            for index, one in enumerate(several)
        ]
        done = {**done, key: each}
    return done


def _all_ordinary(collection: str, documents: list[Any]) -> bool:
    """Whether documents and all that is nested in them are ordinary: of many nearly all are."""
    if not {*map(type, documents)} <= {dict}:
        return False
    if not _odd_keys(collection).isdisjoint(set().union(*documents)):
        return False
    for key, child in getattr(COLLECTIONS.get(collection), "CHILDREN", {}).items():
        lists = [one[key] for one in documents if key in one]
        several = [each for within in lists if isinstance(within, list) for each in within]
        if not _all_ordinary(child, several):
            return False
    return True


def _without_issued(
    collection: str, document: dict[str, Any], current: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A certificate that orders itself, without what it got by that."""
    order = document.get("acme")
    if collection != Certificate.COLLECTION or not isinstance(order, dict) or current is None:
        return document
    dropped = _ISSUED if current.get("ordered") else ()
    bare = {key: value for key, value in document.items() if key not in dropped}
    bare["acme"] = {k: v for k, v in order.items() if k not in _ORDER}
    return bare


def _unbound(collection: str, document: Any, parent: str) -> Any:
    """A nested document without its parent's id, which its place says."""
    of = COLLECTIONS[collection].PARENT
    if of is None or not isinstance(document, dict) or document.get(of[0], parent) != parent:
        return document
    return {key: value for key, value in document.items() if key != of[0]}


def _drop_monitor_id(
    collection: str, done: dict[str, Any], pool: str, at: Path, loading: Loading
) -> None:
    """The id of a pool's health monitor follows from the pool's."""
    monitor = done.get("health_monitor")
    if collection != Pool.COLLECTION or not isinstance(monitor, dict) or "id" not in monitor:
        return
    if not pool or monitor["id"] != monitor_id(pool):
        loading.refuse((*at, "health_monitor", "id"), "cannot be set", code="read_only")
    rest = {key: value for key, value in monitor.items() if key != "id"}
    done["health_monitor"] = rest


def _compare(
    key: str, value: Any, current: Mapping[str, Any] | None, at: Path, loading: Loading
) -> None:
    if current is None:
        loading.refuse(at, "cannot be set: leave it out", code="read_only")
    elif value != current.get(key):
        now = current.get(key)
        loading.refuse(at, f"cannot be set: leave it out, or send {now!r}", code="read_only")


def completed(
    document: Any,
    current: Resource,
    by_name: bool,
    marks: CertificateFacts,
    at: Path,
    loading: Loading,
) -> Any:
    """
    A document that replaces an object, with what absence keeps.

    A replaced object keeps its parent; a policy its position, for its default
    depends on the others; a certificate its key, which no answer shows, unless
    it has none any more; one that was called by its name, the name.
    """
    if not isinstance(document, dict):
        return document
    done = dict(document)
    if by_name:
        done.setdefault("name", current.name)
    if current.PARENT is not None:
        done.setdefault(current.PARENT[0], getattr(current, current.PARENT[0]))
    if isinstance(current, L7Policy):
        done.setdefault("position", current.position)
    if isinstance(current, Certificate) and not done.get("acme"):
        own_key = has_key(str(done.get("certificate", "")))
        judges = str(done.get("cert_type", "")).lower().replace("-", "_") == "client_ca"
        if "private_key" not in done and not own_key and not judges:
            done["private_key"] = current.private_key
            done.setdefault("passphrase", current.passphrase)
    return unmarked(done, current, marks, at, loading)


def unmarked(
    document: dict[str, Any],
    current: Resource | None,
    marks: CertificateFacts,
    at: Path,
    loading: Loading,
) -> dict[str, Any]:
    """The document of a certificate with the stored key in place of its mark."""
    key = document.get("private_key")
    if not isinstance(key, str) or not key.startswith(MARK):
        return document
    if not isinstance(current, Certificate) or marks.mark(current) != key:
        loading.refuse((*at, "private_key"), "names a key that is not the stored one")
        return {**document, "private_key": None}
    kept = {"private_key": current.private_key}
    if "passphrase" not in document:
        kept["passphrase"] = current.passphrase
    return {**document, **kept}


def patched(current: Resource, patch: dict[str, Any], at: Path, loading: Loading) -> Any:
    """
    The document of an object after a merge patch (RFC 7396).

    Lists of children are not patched: a merge patch would replace them whole,
    which is what the lists' own addresses are for.
    """
    for key in getattr(type(current), "CHILDREN", {}):
        if key in patch:
            loading.refuse((*at, key), f"is not patched here: use the address of its {key}")
    base = unstructure(current, secrets=True)
    new_key = "private_key" not in patch and has_key(str(patch.get("certificate", "")))
    if isinstance(current, Certificate) and new_key:
        base.update(private_key=None, passphrase=None)
    return merged(base, patch, type(current))


def merged(target: Any, patch: Any, cls: type | None = None) -> Any:
    """
    RFC 7396, section 2; C{null} for a key that nothing of its class has stays, to be refused.

    @param cls: of what the document describes; C{None}: a mapping that takes any key.
    """
    if not isinstance(patch, dict):
        return patch
    known = {} if cls is None else kinds(cls)
    done = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is not None:
            done[key] = merged(done.get(key), value, _class_within(known.get(key)))
            continue
        done.pop(key, None)
        if cls is not None and key not in known:
            done[key] = None
    return done


def _class_within(kind: Kind | None) -> type | None:
    """The class that a field's mapping describes; C{None}: it has none."""
    inner = None if kind is None else kind_of(kind)
    return inner.cls if isinstance(inner, (Nested, Partial)) else None
