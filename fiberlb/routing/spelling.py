"""
The values of rules, spelled as candidates are.

Each function takes the comparison and a value; it raises C{ValueError} where no candidate could
match, or every one would.
"""

from __future__ import annotations

import re
from ipaddress import ip_network

from fiberlb.model.l7 import CompareType
from fiberlb.routing.path import PLAIN_TARGET, folded, respelled
from fiberlb.routing.request import network_bits

# Each is looked up once: to find a member by its name takes as long as to spell a value.
_EQUAL, _STARTS, _ENDS = CompareType.EQUAL_TO, CompareType.STARTS_WITH, CompareType.ENDS_WITH
_UNDER = CompareType.UNDER


def as_word(compare: CompareType, value: str) -> bytes:
    """A word, whose case does not matter."""
    return value.lower().encode()


def as_number(compare: CompareType, value: str) -> bytes:
    """A number, without leading zeros."""
    return str(int(value)).encode()


def as_written(compare: CompareType, value: str) -> bytes:
    """The octets as they are."""
    return value.encode()


def as_name(compare: CompareType, value: str) -> bytes:
    """A host name, in lower case and without its final dot."""
    name = value.encode().lower()
    if compare is _EQUAL or compare is _ENDS:
        if ":" in value and re.search(rb"(?:^|[^:]):[0-9]+$", name):
            raise ValueError("is compared with a name without its port; leave the port out")
        name = name.removesuffix(b".") or name
    return name


def as_network(compare: CompareType, value: str) -> bytes:
    """A network as what its addresses begin with, so that it is looked up like any prefix."""
    return network_bits(ip_network(value))


def as_extension(compare: CompareType, value: str) -> bytes:
    """A file type, in lower case; the dot in front may be left out."""
    extension = value.encode().lower()
    if compare in (_EQUAL, _STARTS):
        extension = extension.removeprefix(b".") or extension
    return extension


def _as_folder(spelled: bytes) -> bytes:
    """What C{under} compares with: a path without its final slash."""
    path = folded(spelled)
    if path[:1] != b"/":
        raise ValueError("must begin with a slash, as paths do")
    if path == b"/" != spelled:
        raise ValueError("is compared with paths without empty and dot segments: all would match")
    return path.removesuffix(b"/")


def as_path(compare: CompareType, value: str) -> bytes:
    """A path in its normal form (L{fiberlb.routing.path}), as far as the comparison allows."""
    written = value.encode()
    plain = PLAIN_TARGET.match(written)
    if plain is not None and plain.end(1) == len(written):
        return written.removesuffix(b"/") if compare is _UNDER else written
    spelled = respelled(written)
    if compare is _EQUAL:
        return folded(spelled)
    if compare is _UNDER:
        return _as_folder(spelled)
    if compare is _STARTS:
        # Its last segment may go on in the request: "/." begins ".git" as well as "./".
        whole, slash, begun = spelled.rpartition(b"/")
        path = folded(whole + slash) + begun
    elif re.search(rb"/\.\.?/", spelled) or (compare is _ENDS and re.search(rb"/\.\.?$", spelled)):
        raise ValueError("is compared with paths whose dot segments are folded; none contains it")
    else:
        path = re.sub(rb"//+", b"/", spelled)
    if path == b"/" != spelled:
        raise ValueError("is compared with paths without empty and dot segments: all would match")
    return path
