"""The processes of a FiberLB, found by what the system knows of them."""

from __future__ import annotations

from pathlib import Path


def template(control: int) -> int:
    """The pid of the template process, a child of control that is no worker."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = path.read_text().rsplit(")", 1)
        except OSError:
            continue
        if name.endswith("(fiberlb-templ") and int(fields.split()[1]) == control:
            return int(path.parent.name)
    raise AssertionError("there is no template")


def children(parent: int) -> dict[int, str]:
    """The states, such as C{S} or C{Z}, of a process's children, by pid."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found[int(path.parent.name)] = fields[0]
    return found
