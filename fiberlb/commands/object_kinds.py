"""The kinds of objects that commands are about: their words, and where the API has each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import attrs
import click

from fiberlb.commands.asking import segment
from fiberlb.commands.exits import Failed
from fiberlb.errors import nearest
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.resource import Resource

#: Collections that have addresses within their parent's objects -> the word there.
_WITHIN = {"members": "members", "l7_rules": "rules"}
#: Those that have no other addresses.
_ONLY_WITHIN = frozenset({"l7_rules"})
#: Words that people use beside those made of the name.
_MORE_WORDS = {
    "load_balancers": ("lb", "lbs", "loadbalancer", "loadbalancers"),
    "certificates": ("cert", "certs"),
}
_MONITORS = "health_monitors"


@attrs.frozen
class ObjectKind:
    """
    One kind of objects.

    @ivar collection: as of C{COLLECTIONS}, or C{health_monitors}.
    @ivar cls: the class with its fields.
    @ivar word: what one is called.
    """

    collection: str
    cls: type[Resource]
    word: str

    @property
    def within(self) -> bool:
        """Whether an object is made within another one, and named C{PARENT/NAME}."""
        return self.collection in _WITHIN

    @property
    def single(self) -> bool:
        """Whether there is one of them within its parent at most, named by that."""
        return self.collection == _MONITORS

    @property
    def form(self) -> str:
        """How a name is written, for messages."""
        if self.single:
            return "POOL"
        if not self.within:
            return "NAME"
        assert self.cls.PARENT is not None
        return f"{kinds()[self.cls.PARENT[1]].word.removeprefix('l7_').upper()}/NAME"

    def list_target(self, parent: str | None = None) -> str:
        """
        The address of the list; where C{parent} is no part of it, it is a filter.

        @raise Failed: this kind is only listed within a parent.
        """
        if self.within and parent is not None:
            return _within(self, parent)
        if self.collection in _ONLY_WITHIN:
            raise Failed(f"say whose: fiberlb ls {self.plural} {self.form.split('/')[0]}")
        return "/v1/pools" if self.single else f"/v1/{self.collection}"

    def target(self, name: str) -> str:
        """
        The address of an object.

        @raise Failed: the name lacks its parent.
        """
        if self.single:
            return f"/v1/pools/{segment(name)}/health_monitor"
        parent, slash, own = name.partition("/")
        if self.within and slash:
            return f"{_within(self, parent)}/{segment(own)}"
        if self.collection in _ONLY_WITHIN:
            raise Failed(f"a {self.word} is named {self.form}")
        return f"/v1/{self.collection}/{segment(name)}"

    @property
    def plural(self) -> str:
        """What several are called."""
        return _short(self.collection)


def _within(kind: ObjectKind, parent: str) -> str:
    assert kind.cls.PARENT is not None
    return f"/v1/{kind.cls.PARENT[1]}/{segment(parent)}/{_WITHIN[kind.collection]}"


@cache
def kinds() -> Mapping[str, ObjectKind]:
    """All of them, by their collection."""
    found = {name: ObjectKind(name, cls, _one(name)) for name, cls in COLLECTIONS.items()}
    found[_MONITORS] = ObjectKind(_MONITORS, HealthMonitor, "health_monitor")
    return found


@cache
def _words() -> Mapping[str, ObjectKind]:
    found = {}
    for collection, kind in kinds().items():
        several = (collection, _short(collection), *_MORE_WORDS.get(collection, ()))
        for word in (*several, *map(_one, several)):
            found[word] = kind
    return found


def _short(collection: str) -> str:
    return collection.removeprefix("l7_").removeprefix("health_")


def _one(several: str) -> str:
    if several.endswith("ies"):
        return several.removesuffix("ies") + "y"
    return several.removesuffix("s")


class KindType(click.ParamType[ObjectKind]):
    """A kind of objects, by any of its words."""

    name = "kind"

    def convert(self, value: Any, param: Any, ctx: Any) -> ObjectKind:
        """The kind of a word."""
        word = str(value).lower().replace("-", "_")
        found = _words().get(word)
        if found is None:
            guess = nearest(word, _words())
            hint = f" (did you mean {guess!r}?)" if guess else ""
            known = ", ".join(kind.plural for kind in kinds().values())
            self.fail(f"{value!r} is none of {known}{hint}", param, ctx)
        return found

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[Any]:
        """The words that begin so: one for each kind, or more where none fits."""
        words = [_short(kind.word) for kind in kinds().values()]
        fitting = [word for word in words if word.startswith(incomplete)]
        others = [word for word in _words() if word.startswith(incomplete)]
        return [click.shell_completion.CompletionItem(word) for word in fitting or others]


#: The argument of commands.
kind_argument = click.argument("kind", type=KindType())
