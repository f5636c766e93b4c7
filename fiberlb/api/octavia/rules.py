"""L7 rules (spec page C{octavia-api}, section 2.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia.attributes import Attribute, common, flag, text, word_of
from fiberlb.api.octavia.common import document, fields, moved, without
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault
from fiberlb.api.octavia.kind import Kind
from fiberlb.api.octavia.statuses import of_enabled
from fiberlb.api.octavia.view import View
from fiberlb.model.l7 import L7Rule

TYPES = (
    "HOST_NAME",
    "PATH",
    "FILE_TYPE",
    "HEADER",
    "COOKIE",
    "SSL_CONN_HAS_CERT",
    "SSL_VERIFY_RESULT",
    "SSL_DN_FIELD",
)
COMPARES = ("REGEX", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "EQUAL_TO")
MOST = 50
_KEYED = ("HEADER", "COOKIE", "SSL_DN_FIELD")
_COMPARES_OF = {
    "FILE_TYPE": ("EQUAL_TO", "REGEX"),
    "SSL_CONN_HAS_CERT": ("EQUAL_TO",),
    "SSL_VERIFY_RESULT": ("EQUAL_TO",),
}
_TOKEN = re.compile(r"[a-zA-Z0-9!#$%&'*+.^_`|~-]+")
_DN_KEY = re.compile(r"[a-zA-Z][A-Za-z0-9-]*")
_SPACED = ("HOST_NAME", "PATH", "HEADER")
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")

ATTRIBUTES: Mapping[str, Attribute] = {
    **common("name", "description"),
    "type": Attribute(word_of(*TYPES), required=True, nullable=False),
    "compare_type": Attribute(word_of(*COMPARES), required=True, nullable=False),
    "value": Attribute(text(255), required=True, nullable=False),
    "key": Attribute(text(255)),
    "invert": Attribute(flag, False),
}
_FIELDS = {
    "type": "rule_type",
    "compare_type": "compare_type",
    "value": "value",
    "key": "key",
    "invert": "invert",
}


def every(view: View, parent: str) -> list[L7Rule]:
    """The rules of a policy."""
    return view.configuration.children(L7Rule, parent)


def show(view: View, made: L7Rule) -> dict[str, Any]:
    """One of them."""
    listener = view.parent(view.parent(made))
    project = view.project(listener.loadbalancer_id)
    value = made.value if made.value is not None else ",".join(made.values)
    return {
        **without(document(view, made, project, of_enabled(made)), "name", "description"),
        "type": made.rule_type.value.upper(),
        "compare_type": made.compare_type.value.upper(),
        "key": made.key,
        "value": _written(view.notes(made.id).get("value"), value),
        "invert": made.invert,
    }


def create(edit: Edit, given: Mapping[str, Any], parent: str) -> str:
    """A new one."""
    if len(edit.view.configuration.children(L7Rule, parent)) >= MOST:
        raise Fault(409, f"Too many rules on L7 policy {parent}")
    _check(given)
    body = {**fields(given), **_fields(given), "policy_id": parent}
    return edit.create("l7_rules", body, {"value": given["value"]})


def _quoted(value: str) -> bool:
    """Whether a value has quotes around it, which are no part of what is compared."""
    return len(value) > 2 and value[0] == value[-1] == '"'


def _bare(value: str) -> str:
    return value[1:-1] if _quoted(value) else value


def _written(sent: str | None, value: str) -> str:
    """A value as it was sent, if it is still that one; spaces need quotes."""
    if sent is not None and value in (sent, _bare(sent)):
        return sent
    return f'"{value}"' if " " in value else value


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    done = moved(given, _FIELDS)
    kind, compare = given.get("type"), given.get("compare_type")
    if "value" in done and kind in _SPACED and compare != "REGEX":
        done["value"] = _bare(done["value"])
    if given.get("type") not in (None, *_KEYED):
        # Octavia keeps the key of a rule that has no use for one, and ignores it.
        done["key"] = None
    return done


def _check(given: Mapping[str, Any]) -> None:
    kind, compare, key, value = (given.get(n) for n in ("type", "compare_type", "key", "value"))
    if compare not in _COMPARES_OF.get(str(kind), COMPARES):
        raise _wrong(f"{kind} rules do not support the compare type {compare}")
    if not value:
        raise _wrong("the value must not be empty")
    if kind in _KEYED:
        pattern = _DN_KEY if kind == "SSL_DN_FIELD" else _TOKEN
        if not key or not pattern.fullmatch(key):
            raise _wrong(f"{kind} rules need a valid key")
    elif key is not None and str(kind).startswith("SSL_"):
        raise _wrong(f"{kind} rules take no key")
    if kind in _SPACED and compare != "REGEX" and " " in str(value) and not _quoted(str(value)):
        raise _wrong("a value with spaces needs double quotes around it")
    if kind in _SPACED and compare != "REGEX" and not str(value).isascii():
        raise _wrong("the value is not one that a header can have")
    if kind == "COOKIE" and compare != "REGEX" and not _COOKIE_VALUE.fullmatch(str(value)):
        raise _wrong("the value is not one that a cookie can have")
    if kind == "SSL_CONN_HAS_CERT" and str(value).lower() != "true":
        raise _wrong("SSL_CONN_HAS_CERT rules have the value True")
    if kind == "SSL_VERIFY_RESULT" and not str(value).isdecimal():
        raise _wrong("SSL_VERIFY_RESULT rules have a number as value")


def _wrong(why: str) -> Fault:
    return Fault(400, f"Invalid L7 Rule: {why}")


def update(edit: Edit, made: L7Rule, given: Mapping[str, Any]) -> None:
    """What was sent of one that is there."""
    merged = {**show(edit.view, made), **given}
    _check(merged)
    how = {name: merged[name] for name in ("type", "compare_type")}
    body = {**fields(given), **_fields({**given, **how})}
    noted = {}
    if "value" in given:
        body["values"] = None
        noted["value"] = given["value"]
    edit.patch("l7_rules", made.id, body, noted)


def delete(edit: Edit, made: L7Rule, cascade: bool) -> None:
    """One of them."""
    edit.delete("l7_rules", made.id)


KIND = Kind("rules", "rule", "L7Rule", ATTRIBUTES, every, show, create, update, delete)
