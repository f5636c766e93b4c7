"""The file layer of C{--from ADDRESS --to MEMBER}, without a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import attrs

from fiberlb.control.document import FileLayer, layer
from fiberlb.control.file_objects import Rooted, settled
from fiberlb.control.tree import structure_tree
from fiberlb.errors import ConfigurationError, Path, Problem
from fiberlb.model.addresses import named
from fiberlb.model.fields import Loading
from fiberlb.model.pool import split_address
from fiberlb.model.settings import Settings, Shutdown

#: Where the admin API goes: the first port that is free.
ADMIN_PORTS = range(9876, 9976)
_FROM = "--from"
_TO = "--to"


def from_arguments(from_: str, to: Sequence[str], now: str = "") -> FileLayer:
    """
    One http listener, one pool, nothing on disk.

    @param from_: C{:PORT}, C{PORT}, C{HOST:PORT} or C{[v6]:PORT}.
    @param to: members in their short form, at least one.
    @param now: RFC 3339 in UTC, for the objects' times.

    @raise ConfigurationError: with a problem for each argument that is wrong.
    """
    loading = Loading()
    pool = {"name": "members", "health_monitor": "tcp", "members": list(to)}
    trees = structure_tree("pools", pool, (_TO,), loading)
    address = _address(from_, loading)
    if address is not None:
        listener = {"name": "web", "protocol": "http", "default_pool_id": "members", **address}
        trees += structure_tree("listeners", listener, (_FROM,), loading)
    if not to:
        loading.refuse((_TO,), "is needed: where requests go, such as --to 127.0.0.1:9000")
    done, problems = settled([Rooted(None, tree) for tree in trees])
    found = [_told(problem, from_, to) for problem in (*loading.problems, *problems)]
    if found:
        raise ConfigurationError(found)
    made = layer(Settings(store="memory:", shutdown=Shutdown(grace=0.0)), done, now)
    return attrs.evolve(made, admin_ports=ADMIN_PORTS, ephemeral=True)


def _address(text: str, loading: Loading) -> dict[str, Any] | None:
    """The listener's fields of an address; without a host every address is listened on."""
    alone = re.fullmatch(r":?([0-9]{1,5})", text)
    if alone:
        return {"port": alone[1]}
    if named(text):
        return {"address": text}
    found = split_address(text)
    if found is None:
        loading.refuse((_FROM,), "must be :PORT, HOST:PORT, [IPV6]:PORT, unix:/PATH or fd:NAME")
        return None
    return {"address": found[0], "port": found[1]}


def _told(problem: Problem, from_: str, to: Sequence[str]) -> Problem:
    """A problem with the argument it is about instead of the document made of it."""
    path = problem.path
    if path[:2] == (_TO, "members") and len(path) > 2 and isinstance(path[2], int):
        named: Path = (f"{_TO} {to[path[2]]}",)
        if problem.code == "duplicate":
            return Problem(named, "is given twice", code="duplicate")
        return attrs.evolve(problem, path=named)
    return attrs.evolve(problem, path=(f"{_FROM} {from_}" if path[0] == _FROM else _TO,))
