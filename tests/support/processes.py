"""Processes as the system shows them."""

from __future__ import annotations

from pathlib import Path


def environment(pid: int) -> list[str]:
    """What a process was started with, each as C{NAME=value}."""
    try:
        content = Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        # It has ended meanwhile.
        return []
    return content.decode().rstrip("\0").split("\0")


def state(pid: int) -> str:
    """C{R}, C{S}, C{T}, C{Z} ...; empty when it is gone."""
    found = _status(Path(f"/proc/{pid}/stat"))
    return found[0] if found else ""


def children(pid: int, *, ended: bool = False) -> list[int]:
    """
    Pids of the children of a process.

    @param ended: those that nobody has waited for, in place of those that live.
    """
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _status(path)
        if fields and int(fields[1]) == pid and (fields[0] == "Z") is ended:
            found.append(int(path.parent.name))
    return found


def _status(path: Path) -> list[str]:
    """State and parent, first of what follows the name in parentheses."""
    try:
        return path.read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []
