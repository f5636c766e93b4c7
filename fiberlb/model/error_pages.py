"""What FiberLB's own error answers look like."""

from __future__ import annotations

import re
from typing import Any, Final

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import REFUSED, Loading
from fiberlb.model.response import BodyFile, NamedBody

#: The word for a problem document (RFC 9457).
PROBLEM_JSON: Final = "problem_json"
#: A file, or the word.
Page = BodyFile | str
_KEY: Final = r"[45](?:[0-9]{2}|xx)"
_VALUE: Final = rf"{PROBLEM_JSON}|file:.+"


@attrs.frozen
class Pages:
    """
    Statuses such as C{503} and classes such as C{5xx} -> a page; the model holds sorted pairs.
    """

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if not isinstance(value, dict):
            return loading.refuse(path, "must be a mapping of statuses to pages")
        found: dict[str, Any] = {}
        for key, content in value.items():
            at = (*path, str(key))
            word = str(key).lower()
            if re.fullmatch(_KEY, word) is None:
                made = loading.refuse(at, "must be a status from 400 to 599, or 4xx or 5xx")
            elif word in found:
                made = loading.refuse(at, f"{word} is given twice", code="duplicate")
            else:
                made = self._page(content, at, loading)
            found[word] = made
        return REFUSED if REFUSED in found.values() else tuple(sorted(found.items()))

    def _page(self, value: Any, path: Path, loading: Loading) -> Any:
        if value == PROBLEM_JSON:
            return PROBLEM_JSON
        if not isinstance(value, str) or not re.fullmatch("file:.+", value):
            guess = loading.guess(str(value), [PROBLEM_JSON])
            return loading.refuse(path, f"must be {PROBLEM_JSON} or file:PATH", guess)
        if loading.read_file is None:
            text = f"file: is for the configuration file; here it can be {PROBLEM_JSON}"
            return loading.refuse(path, text)
        return NamedBody().load(value, path, loading)

    def dump(self, value: Any) -> Any:
        return {key: _written(page) for key, page in value}

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^{_KEY}$"},
            "additionalProperties": {"type": "string", "pattern": f"^(?:{_VALUE})$"},
        }


def _written(page: Page) -> str:
    return page if isinstance(page, str) else f"file:{page.name}"
