"""What the machine says of names: /etc/hosts and /etc/resolv.conf, read again when they change."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from typing import Generic, TypeVar

from fiberlb.model.resolver import PORT
from fiberlb.names.found import ordered

HOSTS = "/etc/hosts"
RESOLV = "/etc/resolv.conf"
#: What a machine is to itself, whatever a file or a server says (RFC 6761 6.3).
_SELF = ("127.0.0.1", "::1")
T = TypeVar("T")


class Watched(Generic[T]):
    """
    What a file says.

    @param parse: its text -> what it says; a file that cannot be read is an empty one.
    """

    def __init__(self, path: str, parse: Callable[[str], T]) -> None:
        self._path = path
        self._parse = parse
        self._mark: object = None
        self._said = parse("")

    def refresh(self) -> bool:
        """Read it if it is another one than before; whether it says something else now."""
        mark = self._look()
        if mark == self._mark:
            return False
        self._mark = mark
        before, self._said = self._said, self._parse(self._read())
        return self._said != before

    def said(self) -> T:
        """What it says now."""
        self.refresh()
        return self._said

    def _look(self) -> object:
        try:
            found = os.stat(self._path)
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> str:
        try:
            with open(self._path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""


def hosts(text: str) -> dict[str, tuple[str, ...]]:
    """Names in lower case, and the addresses that a hosts(5) file gives them."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        try:
            ipaddress.ip_address(address)
        except ValueError:
            continue
        for name in names:
            found.setdefault(name.lower().removesuffix("."), []).append(address)
    return {name: ordered(several) for name, several in found.items()}


def servers(text: str) -> tuple[tuple[str, int], ...]:
    """The servers of a resolv.conf(5), this machine if it names none."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                ipaddress.ip_address(words[1])
            except ValueError:
                continue
            found.append((words[1], PORT))
    return tuple(found[:3]) or (("127.0.0.1", PORT),)


class Hosts:
    """What need not be asked of a server."""

    def __init__(self, path: str = HOSTS) -> None:
        self._file = Watched(path, hosts)

    def refresh(self) -> bool:
        """Whether it says something else than before."""
        return self._file.refresh()

    def lookup(self, name: str) -> tuple[str, ...]:
        """The addresses of a name; empty: ask somebody else."""
        known = self._file.said().get(name, ())
        own = name == "localhost" or name.endswith(".localhost")
        return known or (_SELF if own else ())
