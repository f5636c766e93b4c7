"""What clients would rather have: the values of C{Accept} and C{Accept-Encoding}."""

from __future__ import annotations

import re
from typing import Final

#: A value that is longer says nothing; no client's is.
LONGEST: Final = 2048
_weight: Final = re.compile(
    rb"[ \t]*[qQ][ \t]*=[ \t]*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*"
).fullmatch


def qualities(value: bytes) -> dict[bytes, int]:
    """
    The elements of a list with weights (RFC 9110 section 12.4.2), in thousandths.

    @return: element in lower case, parameters left out -> weight. One that is named twice has its
        first weight; a weight that is none is 0: nobody is sent what they may not have wanted.
    """
    found: dict[bytes, int] = {}
    if len(value) > LONGEST:
        return found
    for element in value.split(b","):
        name, *parameters = element.split(b";")
        name = name.strip(b" \t").lower()
        if name:
            found.setdefault(name, _quality(parameters))
    return found


def _quality(parameters: list[bytes]) -> int:
    for parameter in parameters:
        if parameter.lstrip(b" \t")[:1] in (b"q", b"Q"):
            weight = _weight(parameter)
            return 0 if weight is None else round(float(weight[1]) * 1000)
    return 1000
