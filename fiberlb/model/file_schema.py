"""
The JSON Schema (2020-12) of the configuration file, made of the model.

It is for editors: it says what can be written, in the words of the documentation, short forms
included. What it cannot say (references, what goes with what) C{fiberlb check} does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fiberlb.errors import Path
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.fields import Loading
from fiberlb.model.l7 import L7Policy
from fiberlb.model.schema import definition, nested
from fiberlb.model.settings import Settings

#: Where it is known by that name.
IDENT = "https://fiberlb.dev/schema/1.json"
_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_WHOLE_TEXT = {"type": "string", "pattern": r"^-?[0-9]+$|\$\{"}
_TEXT = {"type": ["string", "number", "boolean"]}


def file_schema() -> dict[str, Any]:
    """The schema, whole; it refers to nothing outside."""
    classes: dict[str, type] = {cls.__name__: cls for cls in COLLECTIONS.values()}
    for top in [Settings, *classes.values()]:
        classes.update(nested(top))
    root = _object(Settings)
    root["patternProperties"] = {"^x-": {}}
    root["description"] = "The configuration file of FiberLB."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": IDENT,
        "title": "FiberLB",
        **root,
        "$defs": {name: _definition(cls) for name, cls in sorted(classes.items())},
    }


def _definition(cls: type) -> dict[str, Any]:
    """An object of a class, or what is short for it."""
    made = _object(cls)
    return {"anyOf": [{"type": "string"}, made]} if takes_text(cls) else made


def _object(cls: type) -> dict[str, Any]:
    made = definition(cls)
    fields: dict[str, Any] = {key: _lenient(value) for key, value in made["properties"].items()}
    for key, collection in getattr(cls, "CHILDREN", {}).items():
        within = {"$ref": f"#/$defs/{COLLECTIONS[collection].__name__}"}
        fields[key] = {"type": "array", "items": within}
    for word, name in getattr(cls, "SPELLINGS", {}).items():
        fields[word] = fields[name]
    if cls is L7Policy:
        # One policy for several listeners, in the list at the top.
        fields["listener_ids"] = {"type": "array", "items": {"type": "string"}}
    short: Mapping[str, Any] = getattr(cls, "short_keys", dict)()
    fields.update({key: _lenient(value) for key, value in short.items()})
    made["properties"] = fields
    if short or takes_text(cls):
        # What is short for a field stands in for it.
        made.pop("required", None)
    return made


def takes_text(cls: type) -> bool:
    """Whether a text is short for an object of a class."""
    expand = getattr(cls, "expand", None)
    path: Path = ()
    return expand is not None and expand("x", path, Loading()) != "x"


def _lenient(schema: Any) -> Any:
    """With what a file may have in place of a value: numbers for texts, digits, C{${NAME}}."""
    if isinstance(schema, list):
        return [_lenient(one) for one in schema]
    if not isinstance(schema, dict) or "$ref" in schema:
        return schema
    around = {key: schema[key] for key in ("description", "default") if key in schema}
    inner = {key: value for key, value in schema.items() if key not in around}
    kind = inner.get("type")
    if kind == "integer":
        return {**around, "anyOf": [inner, _WHOLE_TEXT]}
    if kind == "boolean" or "enum" in inner:
        return {**around, "anyOf": [inner, _VARIABLE]}
    if kind == "string" and "pattern" in inner:
        return {**around, "anyOf": [inner, *_numbers(inner["pattern"]), _VARIABLE]}
    if kind == "string":
        return {**around, **inner, **_TEXT}
    deep = {
        "properties": _each,
        "additionalProperties": _lenient,
        "items": _lenient,
        "anyOf": _lenient,
    }
    done = {key: deep[key](value) if key in deep else value for key, value in inner.items()}
    return {**around, **done}


def _numbers(pattern: str) -> list[dict[str, Any]]:
    """The numbers that may stand, unquoted, where texts of a form are wanted."""
    fitting = [digit for digit in range(10) if re.search(pattern, str(digit))]
    return [{"type": "number"}] if len(fitting) > 8 else [{"const": digit} for digit in fitting]


def _each(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _lenient(value) for key, value in properties.items()}
