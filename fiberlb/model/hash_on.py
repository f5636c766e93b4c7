"""What a pool's hash is taken of."""

from __future__ import annotations

import re
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading

_FORMS = '"header X", "cookie x", "query x" or path'
_SPELLED = re.compile(r"(header|cookie|query)\s+([!#$%&'*+.^_`|~0-9A-Za-z-]+)|path", re.I)


@attrs.frozen
class HashOn:
    """
    Where a key is.

    @ivar kind: C{header}, C{cookie}, C{query} or C{path}.
    @ivar name: of the header, cookie or parameter; empty for the path.
    """

    kind: str
    name: str = ""


@attrs.frozen
class HashOnText:
    """C{hash_on} as it is written."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        found = _SPELLED.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            return loading.refuse(path, f"must be {_FORMS}")
        return HashOn(found[1].lower(), found[2]) if found[1] else HashOn("path")

    def dump(self, value: Any) -> Any:
        return f"{value.kind} {value.name}".strip()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{_SPELLED.pattern})$"}
