"""
The grammar of HTTP/1.1 heads (RFC 9110, RFC 9112) as strict regular expressions.

Everything is possessive, so that a head is matched in one pass whatever it
holds: a hostile head costs no more than an honest one.
"""

from __future__ import annotations

import re
from typing import Final

#: A token of RFC 9110, 5.6.2.
TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
#: Field content: no control character but HTAB; obs-text passes.
_VALUE: Final = rb"[\t\x20-\x7e\x80-\xff]*+"
#: One field line without its end.
FIELD: Final = TOKEN + rb":" + _VALUE
_FIELDS: Final = rb"(\r\n(?:" + FIELD + rb"\r\n)*+)\r\n"
#: A target: printable; a fragment is no part of one, and what follows C{#} would reach a member
#: that cuts it off although the rules have looked at it.
TARGET: Final = rb"[\x21\x22\x24-\x7e\x80-\xff]++"

#: A whole request head: method, target, minor version, header block.
REQUEST: Final = re.compile(rb"(" + TOKEN + rb") (" + TARGET + rb") HTTP/1\.([01])" + _FIELDS)
#: A whole response head: minor version, status, reason with its space, header block.
RESPONSE: Final = re.compile(
    rb"HTTP/1\.([01]) ([1-5][0-9][0-9])((?: [\t\x20-\x7e\x80-\xff]*+)?+)" + _FIELDS
)
#: A list element of a Connection field that can name a header.
NAME: Final = re.compile(TOKEN)
#: host[:port] as a Host field or an authority may hold it; no user information.
AUTHORITY: Final = re.compile(
    rb"(?:[A-Za-z0-9._~%!$&'()*+;=-]{1,255}+|\[[0-9A-Fa-f:.]{2,64}+\])(?::[0-9]{1,5}+)?+"
)
#: An absolute-form target: scheme, authority, rest.
ABSOLUTE: Final = re.compile(rb"(?i:(https?))://([^/?#]*+)([^#]*+)")


def folded(name: str) -> bytes:
    """
    A pattern for a field name in any case, C{_} standing for C{-} too.

    Written out letter by letter: the engine then rules out an alternative by
    its first byte, which an IGNORECASE pattern does not allow. Servers behind
    a CGI-like interface take C{X_Forwarded_For} for C{X-Forwarded-For}, so
    that spelling must not slip through.
    """
    letters = []
    for letter in name:
        if letter.isalpha():
            letters.append(f"[{letter.upper()}{letter.lower()}]")
        else:
            letters.append("[-_]" if letter == "-" else letter)
    return "".join(letters).encode()


def _names(*names: str) -> bytes:
    return b"|".join(map(folded, names))


_FORWARDED: Final = rb"[Xx][-_](?:%b)[-_]" % _names("forwarded", "ssl") + TOKEN
#: Fields that say who the client is, which only a trusted proxy is believed.
CLAIM: Final = _names("forwarded", "x-real-ip", "x-client-ip") + b"|" + _FORWARDED
#: Request fields that a proxy acts on: name and raw value, from line feed to carriage return.
REQUEST_SPECIAL: Final = re.compile(
    rb"\n("
    + _names("content-length", "connection", "host", "transfer-encoding", "expect", "upgrade")
    + b"|"
    + _names("te", "keep-alive", "proxy-connection", "http2-settings")
    + b"|"
    + CLAIM
    + rb"):([^\r]*+)\r"
)
#: Response fields that a proxy acts on.
RESPONSE_SPECIAL: Final = re.compile(
    rb"\n("
    + _names("content-length", "connection", "transfer-encoding", "upgrade", "keep-alive")
    + b"|"
    + _names("proxy-connection", "te", "http2-settings")
    + rb"):([^\r]*+)\r"
)
#: Trailer fields that are never forwarded (RFC 9110, 6.5.1): framing, routing, authentication,
#: and what a member takes for the truth about the client.
TRAILER_FORBIDDEN: Final = re.compile(
    rb"(?:"
    + _names(
        "content-length", "transfer-encoding", "host", "connection", "trailer", "te", "upgrade"
    )
    + b"|"
    + _names("content-encoding", "content-type", "content-range", "cache-control", "expect")
    + b"|"
    + _names("max-forwards", "pragma", "range", "authorization", "proxy-authorization")
    + b"|"
    + _names("www-authenticate", "proxy-authenticate", "set-cookie", "cookie", "forwarded")
    + b"|"
    + _names("keep-alive", "proxy-connection", "location", "date", "age", "expires", "vary")
    + b"|"
    + _names("x-real-ip", "x-client-ip", "via", "retry-after", "warning")
    + b"|"
    + _FORWARDED
    + rb")\Z"
)
