"""
Attributes of Octavia's resources: what may be sent, and what is taken of it.

Octavia is generous about types (numbers and booleans may be texts) and strict about
names; so is this, except that nothing is rounded (spec page C{octavia-api}, section 1.1).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import attrs

from fiberlb.api.octavia.faults import Fault, invalid, needed, provider_cannot, refuse, unknown

#: A name and what was sent for it -> the value; raises L{Fault}.
Load = Callable[[str, Any], Any]
UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_NONE: Any = object()


@attrs.frozen
class Attribute:
    """
    One attribute.

    @ivar load: what is taken of a value that is not null.
    @ivar default: where it is absent on POST, and for null.
    @ivar required: a POST needs it.
    @ivar post, put: whether it may be sent there.
    @ivar nullable: null stands for the default; else it is refused.
    """

    load: Load
    default: Any = None
    required: bool = False
    post: bool = True
    put: bool = True
    nullable: bool = True


Attributes = Mapping[str, Attribute]


def created(argument: str, body: Any, attributes: Attributes) -> dict[str, Any]:
    """
    Every attribute of a POST, the defaults of absent ones included.

    @param argument: the resource's root tag, for the texts.
    @raise Fault: 400.
    """
    given = _given(argument, body, attributes, post=True)
    for name, attribute in attributes.items():
        if attribute.required and body.get(name) is None:
            raise needed(name)
    return {**{name: a.default for name, a in attributes.items() if a.post}, **given}


def updated(argument: str, body: Any, attributes: Attributes) -> dict[str, Any]:
    """
    The attributes of a PUT; null became the default.

    @raise Fault: 400.
    """
    return _given(argument, body, attributes, post=False)


def _given(argument: str, body: Any, attributes: Attributes, post: bool) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise refused_body(argument)
    given = {}
    for name, value in body.items():
        attribute = attributes.get(name)
        if attribute is None or not (attribute.post if post else attribute.put):
            raise unknown(argument, name)
        if value is not None:
            given[name] = attribute.load(name, value)
        elif attribute.nullable:
            given[name] = attribute.default
        else:
            raise refuse_null(name)
    return given


def refused_body(argument: str) -> Fault:
    """The body is not the document that it has to be."""
    return Fault(400, f"Invalid input for field/attribute {argument}. A JSON object is needed.")


def refuse_null(name: str) -> Fault:
    """Null stands for nothing here."""
    return Fault(400, f"Invalid input for field/attribute {name}. Value: 'None'. Not null.")


# -- kinds of values


def text(longest: int = 255, pattern: str = "", what: str = "") -> Load:
    """A text without control characters."""

    def load(name: str, value: Any) -> str:
        if not isinstance(value, str):
            refuse(name, value, "Value should be string.")
        if len(value) > longest:
            refuse(name, value, f"Value should have a maximum character requirement of {longest}")
        if any(ord(c) < 32 or ord(c) == 127 for c in value):
            refuse(name, value, "Value should not contain control characters.")
        if pattern and not re.fullmatch(pattern, value):
            refuse(name, value, what or f"Value should match the pattern {pattern}")
        return value

    return load


def number(least: int, most: int) -> Load:
    """A whole number, as a number or as a text."""

    def load(name: str, value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            refuse(name, value, "Value should be an integer.")
        if value < least:
            refuse(name, value, f"Value should be greater or equal to {least}")
        if value > most:
            refuse(name, value, f"Value should be lower or equal to {most}")
        return int(value)

    return load


_TRUE = frozenset("true on yes t y 1".split())
_FALSE = frozenset("false off no f n 0".split())


def flag(name: str, value: Any) -> bool:
    """A boolean, or a text that says it."""
    word = str(value).strip().lower()
    if isinstance(value, (bool, str, int)) and word in _TRUE:
        return True
    if isinstance(value, (bool, str, int)) and word in _FALSE:
        return False
    refuse(name, value, f"Value not an unambiguous boolean: {value}")


def uuid(name: str, value: Any) -> str:
    """An id."""
    if not isinstance(value, str) or not UUID.fullmatch(value):
        refuse(name, value, f"Value should be UUID format: '{value}'")
    return value


def protocol(*served: str) -> Load:
    """A protocol; the one that is not served is known."""

    def load(name: str, value: Any) -> str:
        if value == "SCTP":
            raise provider_cannot(f"protocol {value}")
        return word_of(*served)(name, value)

    return load


#: What providers are called that are this one.
PROVIDERS = {
    "fiberlb": "FiberLB.",
    "amphora": "Alias.",
    "octavia": "Alias.",
}


def provider(name: str, value: Any) -> str:
    """The name of a provider; there is one, with aliases."""
    found: str = text(64)(name, value)
    if found not in PROVIDERS:
        raise Fault(400, f"Provider '{found}' is not enabled.")
    return found


def word_of(*words: str) -> Load:
    """One of some words, in their own case."""

    def load(name: str, value: Any) -> str:
        if value not in words:
            refuse(name, value, f"Value should be one of: {', '.join(words)}")
        return str(value)

    return load


def several(of: Load, words: Collection[str] = ()) -> Load:
    """A list; each element as C{of} takes it."""

    def load(name: str, value: Any) -> list[Any]:
        if not isinstance(value, list):
            refuse(name, value, "Value should be a list.")
        return [of(name, each) for each in value]

    return load


def address(name: str, value: Any) -> str:
    """An IP address, written the usual way."""
    try:
        return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
    except ValueError:
        refuse(name, value, "Value should be IPv4 or IPv6 format")


def address_as_sent(name: str, value: Any) -> str:
    """An IP address, as it was written."""
    address(name, value)
    return str(value)


def network(name: str, value: Any) -> str:
    """A CIDR, its host bits cut off."""
    try:
        return str(ipaddress.ip_network(value if isinstance(value, str) else "", strict=False))
    except ValueError:
        refuse(name, value, "Value should be IPv4 or IPv6 CIDR format")


def url(name: str, value: Any) -> str:
    """An absolute URL of http or https, whose port exists."""
    found = isinstance(value, str) and re.fullmatch(
        r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]+)(:[0-9]{1,5})?([/?#][\x21-\x7e]*)?",
        value,
        re.IGNORECASE,
    )
    if not found or int((found[2] or ":1")[1:]) > 65535:
        raise invalid(f"{name} is not a valid URL: {value}")
    return str(value)


def mapping(name: str, value: Any) -> dict[str, Any]:
    """A JSON object, whatever is in it."""
    if not isinstance(value, dict):
        refuse(name, value, "Value should be a dictionary.")
    return value


def listed(name: str, value: Any) -> list[Any]:
    """A JSON array, whatever is in it."""
    if not isinstance(value, list):
        refuse(name, value, "Value should be a list.")
    return value


_COMMON: Attributes = {
    "name": Attribute(text(), ""),
    "description": Attribute(text(), ""),
    "admin_state_up": Attribute(flag, True),
    "tags": Attribute(several(text(255)), None),
    "project_id": Attribute(text(36), put=False),
    "tenant_id": Attribute(text(36), put=False),
}


def common(*without: str) -> dict[str, Attribute]:
    """
    What nearly every resource has.

    @param without: what this one does not.
    """
    return {name: one for name, one in _COMMON.items() if name not in without}


def up(given: Mapping[str, Any], body: Any) -> bool:
    """C{admin_state_up} of what was sent: null means false (measured on Octavia)."""
    if isinstance(body, dict) and "admin_state_up" in body and body["admin_state_up"] is None:
        return False
    return bool(given.get("admin_state_up", True))
