"""What a scalar of the configuration file means: the core schema, and variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from fiberlb.model.written import Written

#: Digits of a number; what is longer is a text, which bounds the work of conversion.
_LONGEST = 18
#: What unquoted texts begin with that are something else; those that are empty are null.
BEGINNINGS = frozenset("+-.0123456789~nNtf")
_BOOLEANS = {"true": True, "false": False}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
#: Without a leading zero: 0443 has two readings in the versions of YAML, so it is a text.
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_VARIABLE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def resolved(text: str) -> str | None:
    """
    What an unquoted scalar is by the core schema of YAML 1.2, section 10.3.

    Narrower in two places: the booleans are C{true} and C{false} in lower
    case alone, and a number with a leading zero is a text.

    @return: C{None} for null, L{Written} for numbers and booleans, else the text.
    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return Written(text, _BOOLEANS[text])
    if len(text) > _LONGEST or text[0] not in "+-.0123456789":
        return text
    if _WHOLE.fullmatch(text):
        return Written(text, int(text))
    if _OCTAL.fullmatch(text):
        return Written(text, int(text[2:], 8))
    if _HEXADECIMAL.fullmatch(text):
        return Written(text, int(text[2:], 16))
    if _FLOAT.fullmatch(text):
        return Written(text, float(text))
    if _ENDLESS.fullmatch(text):
        return Written(text, float(text.replace(".", "", 1)))
    return text


def expanded(text: str, environ: Mapping[str, str], refuse: Callable[[str], None]) -> str:
    """
    The text with each C{${NAME}} replaced by the variable; C{$${} stands for C{${} itself.

    @param refuse: called with what is wrong: a variable that is not set, or
        something in the braces that is not a name.
    """

    def replaced(found: re.Match[str]) -> str:
        name, closed = found[1], found[2]
        if name is None:
            return "${"
        if not closed or not _NAME.fullmatch(name):
            refuse("${ begins the name of a variable, as in ${NAME}; $${ is the text itself")
        elif name not in environ:
            refuse(f"the environment variable {name} is not set")
        return environ.get(name, "")

    return _VARIABLE.sub(replaced, text) if "${" in text else text
