"""Documents to model and back, for the tests of every kind and class."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import attrs
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import REFUSED, Kind, Loading
from fiberlb.model.resource import Resource

T = TypeVar("T")


def values(*given: Any) -> tuple[Any, ...]:
    """The values, of whatever types."""
    return given


def loaded(kind: Kind, value: Any) -> Any:
    """What a kind makes of a value that it takes."""
    loading = Loading()
    found = kind.load(value, ("field",), loading)
    assert found is not REFUSED and not loading.problems, loading.problems
    return found


def refused(kind: Kind, value: Any) -> str:
    """What a kind says of a value that it does not take."""
    loading = Loading()
    found = kind.load(value, ("field",), loading)
    assert found is REFUSED, found
    (problem,) = loading.problems
    assert problem.path[0] == "field"
    return str(problem).removeprefix("field: ")


def made(cls: type[T], **document: Any) -> T:
    """The object of a document that is in order; written out it reads the same again."""
    loading = Loading()
    found = structure(cls, document, (), loading)
    assert found is not None and not loading.problems, loading.problems
    check_round_trip(found)
    return found


def short(cls: type[T], value: Any) -> T:
    """The object of a short form."""
    loading = Loading()
    found = structure(cls, value, (), loading)
    assert found is not None and not loading.problems, loading.problems
    check_round_trip(found)
    return found


def problems(cls: type, value: Any) -> list[str]:
    """What is wrong with a document, a sentence each."""
    loading = Loading()
    found = structure(cls, value, (), loading)
    assert found is None and loading.problems, found
    return [str(problem) for problem in loading.problems]


def check_round_trip(found: Any) -> None:
    """An object survives being stored as JSON, secrets included."""
    if isinstance(found, Resource) and found.PARENT and not getattr(found, found.PARENT[0]):
        # Only while a document is being read.
        parent: dict[str, Any] = {found.PARENT[0]: "parent"}
        found = attrs.evolve(found, **parent)
    document = json.loads(json.dumps(unstructure(found, secrets=True)))
    loading = Loading()
    again = structure(type(found), document, (), loading)
    assert again == found, (loading.problems, again, found)


def check_schema(kind: Kind, good: list[Any], bad: list[Any]) -> None:
    """A kind's schema says of documents what the kind itself says."""
    validator = Draft202012Validator(kind.schema())
    for value in good:
        loaded(kind, value)
        assert validator.is_valid(value), (kind, value)
    for value in bad:
        refused(kind, value)
        assert not validator.is_valid(value), (kind, value)
