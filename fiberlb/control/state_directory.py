"""Where a process keeps what must outlive it."""

from __future__ import annotations

import os
from collections.abc import Mapping

#: Of a process that runs as root and was told nothing else.
SYSTEM = "/var/lib/fiberlb"


def state_directory(setting: str | None, environment: Mapping[str, str], root: bool) -> str:
    """
    The state directory (product page, "Configuration file").

    @param setting: C{state_directory} of the file, absolute.
    @param environment: C{STATE_DIRECTORY} as systemd sets it, C{XDG_STATE_HOME}, C{HOME}.
    @param root: the process runs as root.
    """
    if setting:
        return setting
    given = environment.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return given
    if root:
        return SYSTEM
    home = environment.get("XDG_STATE_HOME") or os.path.join(
        environment.get("HOME", "/"), ".local", "state"
    )
    return os.path.join(home, "fiberlb")
