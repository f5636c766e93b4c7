"""What an image of this process tells the one that takes its place under the same pid."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from typing import Any

#: Of the environment. It counts only under the pid that it names.
VARIABLE = "FIBERLB_BEFORE"


def told(environment: MutableMapping[str, str], pid: int) -> Mapping[str, Any]:
    """
    Take what the image before this one has said out of the environment; empty: there was none.

    @param pid: of this process.
    """
    try:
        found = json.loads(environment.pop(VARIABLE, "null"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.get("pid") == pid else {}


def tell(pid: int, **facts: Any) -> dict[str, str]:
    """
    What is to be in the environment of the next one.

    @param facts: as L{told} gives them; they can be written as JSON.
    """
    return {VARIABLE: json.dumps({"pid": pid, **facts})}
