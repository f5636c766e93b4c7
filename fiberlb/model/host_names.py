"""
Host names, and what stands for every address of one.

A member's address may be a name, C{api.internal}, or C{dns:api.internal}, which is
every address of it. Neither is an address yet: that is what the resolver finds.
"""

from __future__ import annotations

import re
from typing import Any

from fiberlb.errors import Path
from fiberlb.model.addresses import plain_ip, unbracketed
from fiberlb.model.fields import Loading

#: How an address begins that stands for all of a name's.
DNS = "dns:"
#: Characters of a name, without a final dot (RFC 1035 2.3.4).
LONGEST_NAME = 253
#: Letters, digits, hyphens (RFC 1123 2.1), and the underscore that people use all the same.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: What may look like an address somewhere, such as 127.1 or 0x7f000001, is no name.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def host_name(text: str) -> str | None:
    """A name in lower case without its final dot; C{None} when it is none."""
    name = text.lower().removesuffix(".")
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        return None
    return None if _NUMBER.fullmatch(name.rpartition(".")[2]) else name


def asked_name(address: str) -> str:
    """The name that an address is asked of; empty for one that need not be asked."""
    name = address.removeprefix(DNS)
    # An IP address has either a number at its end or a colon, a socket with a name a colon.
    return "" if host_name(name) is None else name


def load_name(value: str, path: Path, loading: Loading) -> Any:
    """A name, or C{dns:} and one; what is wrong with it is noted."""
    prefix = DNS if value.startswith(DNS) else ""
    bare = value.removeprefix(DNS)
    found = host_name(bare)
    if found is not None:
        return prefix + found
    if not bare.isascii():
        return loading.refuse(path, _in_ascii(value, bare))
    if prefix:
        why = "is an IP address: write it without dns:" if _is_address(bare) else "is no host name"
        return loading.refuse(path, f"{bare!r} {why}")
    message = f"{value!r} is neither an IP address nor a host name"
    return loading.refuse(path, message, unbracketed(value))


def _in_ascii(value: str, bare: str) -> str:
    """What to write for a name in other letters: which it is depends on who encodes it."""
    text = f"{value!r} is not in ASCII; write a name in other letters as DNS has it"
    try:
        return f"{text}: {bare.encode('idna').decode('ascii')!r}"
    except UnicodeError:
        return text


def _is_address(text: str) -> bool:
    try:
        plain_ip(text)
    except ValueError:
        return False
    return True


def split_all(text: str) -> tuple[str, str] | None:
    """C{dns:name:port} as C{dns:name} and a port, both texts; C{None} when it is not that."""
    found = re.fullmatch(r"(dns:[^\s:\[\]/]+):([0-9]{1,5})", text)
    return (found[1], found[2]) if found else None
