"""The store layer as a person would write it into a file: names for ids, no defaults."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, cast

import attrs

from fiberlb.api.rest.documents import children, is_root
from fiberlb.control.certificates import CertificateFacts, public_text
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.convert import Nested, kind_of, kinds, map_references, secret_fields
from fiberlb.model.fields import Kind
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.pool import Member
from fiberlb.model.resource import UUID_PATTERN, Owner, Resource

#: They have names of their own in a file where none is given.
_UNNAMED = (L7Policy, L7Rule, Member)
#: Characters of an id that tell objects of one name apart.
_SHORT = 8


def exported(configuration: Configuration, certificates: CertificateFacts) -> dict[str, Any]:
    """
    The document; keys stand as marks that tell which key is stored.

    An object that a file could not call by its name, for it has none or shares it, gets one and
    keeps its id; fields that are as if they were left out are.
    """
    return _Exporting(configuration, certificates).document()


class _Exporting:
    def __init__(self, configuration: Configuration, certificates: CertificateFacts) -> None:
        self._configuration = configuration
        self._certificates = certificates
        self._counts = Counter(
            _place(made) for cls in COLLECTIONS.values() for made in configuration.all(cls).values()
        )

    def document(self) -> dict[str, Any]:
        done = {}
        for collection, cls in COLLECTIONS.items():
            found = [
                self._object(made, True)
                for made in self._configuration.all(cls).values()
                if is_root(self._configuration, made)
            ]
            if found:
                done[collection] = found
        return done

    def _object(self, made: Resource, top: bool = False) -> dict[str, Any]:
        done: dict[str, Any] = {}
        name = self._name(made)
        if name != made.name or (not name and not isinstance(made, L7Rule)):
            done["id"] = made.id
        if name:
            done["name"] = name
        hidden = {"id", "name", *secret_fields(type(made))}
        if made.PARENT is not None and not top:
            hidden.add(made.PARENT[0])
        fields = _said(type(made), map_references(made, self._word))
        done.update({n: value for n, value in fields.items() if n not in hidden})
        if isinstance(made, Certificate):
            self._complete(made, done)
        for key, collection in getattr(type(made), "CHILDREN", {}).items():
            done[key] = [
                self._object(child)
                for child in children(self._configuration, collection, made.id)
                if self._configuration.owner(child.id) is not Owner.FILE
            ]
        return done

    def _complete(self, made: Certificate, done: dict[str, Any]) -> None:
        text = public_text(made.certificate)
        if text:
            done["certificate"] = text
        if made.private_key is not None:
            done["private_key"] = self._certificates.mark(made)

    def _name(self, made: Resource) -> str:
        """What the object is called in the file."""
        alone = self._counts[_place(made)] == 1 and not re.fullmatch(UUID_PATTERN, made.name)
        if made.name and alone:
            return made.name
        if not made.name and isinstance(made, _UNNAMED):
            return ""
        word = made.name if made.name and len(made.name) < 200 else made.COLLECTION.rstrip("s")
        return f"{word}-{made.id[-_SHORT:]}"

    def _word(self, to: str, ident: str, path: Any) -> str:
        made = self._configuration.objects.get(to, {}).get(ident)
        return ident if made is None else self._name(made)


def _place(made: Resource) -> tuple[str, str, str]:
    """Within what a name has to be the only one, and the name."""
    parent = "" if made.PARENT is None else getattr(made, made.PARENT[0])
    return made.COLLECTION, parent, made.name


def _said(cls: type, made: Any) -> dict[str, Any]:
    """The fields of an object that are not as if they were left out."""
    done = {}
    for name, kind in kinds(cls).items():
        value = getattr(made, name)
        if value != _defaults(cls).get(name, attrs.NOTHING):
            done[name] = _dumped(kind, value)
    return done


def _dumped(kind: Kind, value: Any) -> Any:
    inner = kind_of(kind)
    if value is None or not isinstance(inner, Nested) or hasattr(inner.cls, "needed"):
        return kind.dump(value)
    done = _said(inner.cls, value)
    done.pop("id", None)  # of a health monitor: it follows from the pool's
    return done


def _defaults(cls: type) -> dict[str, Any]:
    defaults = {each.name: each.default for each in attrs.fields(cast(Any, cls))}
    return {name: getattr(each, "factory", lambda e=each: e)() for name, each in defaults.items()}
