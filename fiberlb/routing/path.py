"""
Paths as rules see them.

Two spellings of one resource must look the same to a rule, or a rule that
rejects C{/admin} is passed by C{//x/../%61dmin}. The normal form of a path
(RFC 3986 section 6.2.2, plus what origins commonly fold) has

* unreserved characters and octets above 0x7F as themselves, every other
  octet that a path cannot hold as C{%XX} in upper case;
* no dot segments and no empty segments (a final slash stays).

It is for matching only: members get the bytes that the client sent.
"""

from __future__ import annotations

import re

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_HIGH = bytes(range(0x80, 0x100))
#: Octets that stand for themselves in the normal form: pchar of RFC 3986, the slash, and the
#: octets of non-ASCII characters, which are what rule values hold after their UTF-8 encoding.
PLAIN = _UNRESERVED + b"!$&'()*+,;=:@/" + _HIGH
_SEGMENT = re.escape(PLAIN.replace(b"/", b""))
_FIRST = re.escape(PLAIN.replace(b"/", b"").replace(b".", b""))
#: A target in origin-form whose path (group 1) is its own normal form: nearly every one.
PLAIN_TARGET = re.compile(rb"(?=/)((?:/[" + _FIRST + rb"][" + _SEGMENT + rb"]*+)*+/?)(?:\?|\Z)")
_SPELLING = re.compile(rb"%[0-9A-Fa-f]{2}|[^" + re.escape(PLAIN) + rb"]")


def _spellings() -> dict[bytes, bytes]:
    """Every escape and every octet that is not plain -> its normal form."""
    table = {}
    for number in range(256):
        octet = bytes((number,))
        escape = b"%%%02X" % number
        normal = octet if octet in _UNRESERVED or octet in _HIGH else escape
        for high in {escape[1:2], escape[1:2].lower()}:
            for low in {escape[2:3], escape[2:3].lower()}:
                table[b"%" + high + low] = normal
        if octet not in PLAIN:
            # Also a percent sign that begins no escape: left alone, a following escape could
            # complete it, and normalising twice would not be the same as once.
            table[octet] = escape
    return table


_NORMAL = _spellings()


def respelled(path: bytes) -> bytes:
    """The path with every octet spelled in its one normal way; segments are left as they are."""
    return _SPELLING.sub(lambda found: _NORMAL[found[0]], path)


def folded(path: bytes) -> bytes:
    """
    The path without empty and dot segments, never above its root.

    Empty segments go first, as on a file system: C{/a//../b} is C{/b}.
    """
    if (b"//" not in path and b"/." not in path) or path[:1] != b"/":
        return path
    kept: list[bytes] = []
    segment = b""
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    if segment in (b"", b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)


def readings(path: bytes) -> tuple[bytes, bytes | None]:
    """
    How a path reads to an origin.

    @param path: of the target as sent, without the query.

    @return: the normal form, and C{None}; or, where a slash or a backslash is
        encoded (a bare backslash counts as one), the normal form in which
        those separate segments; or C{b""} for a path that must not pass: one
        with NUL, or with C{#}, where origins disagree on the path's end.
    """
    text = respelled(path)
    if b"%00" in text or b"#" in path:
        return folded(text), b""
    if b"%2F" in text or b"%5C" in text:
        return folded(text), folded(text.replace(b"%2F", b"/").replace(b"%5C", b"/"))
    return folded(text), None
