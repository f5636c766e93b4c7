"""Header fields that are set, added and removed on their way."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import REFUSED, Loading, Several, Text, Words, field

#: What C{{name}} in a value stands for.
VARIABLES = ("client_ip", "request_id", "sni", "tls_version", "host", "scheme")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_VARIABLE = re.compile(r"\{([A-Za-z_]+)\}")
_LINE = Text(4096, 1)

#: Fields that say where a message ends, or that are about this connection alone: no configuration
#: may touch them, or what follows would be read as something else than it is.
FRAMING = frozenset(
    "connection content-length http2-settings keep-alive proxy-connection te trailer"
    " transfer-encoding upgrade".split()
)


def spelled(name: str) -> str:
    """A field's name as it is compared: many servers take C{_} for C{-}."""
    return name.lower().replace("_", "-")


@attrs.frozen
class TemplateText:
    """The value of a field, with variables such as C{{client_ip}}."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        text = _LINE.load(value, path, loading)
        if text is REFUSED:
            return text
        if not text.strip():
            return loading.refuse(path, "must not be empty; to take a field away use remove")
        for name in _VARIABLE.findall(text):
            if name not in VARIABLES:
                known = ", ".join(f"{{{word}}}" for word in VARIABLES)
                guess = loading.guess(name, VARIABLES)
                hint = f"{{{guess}}}" if guess else None
                return loading.refuse(path, f"{{{name}}} is not one of {known}", hint)
        return text

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return _LINE.schema()


@attrs.frozen(kw_only=True)
class HeaderEdits:
    """
    What happens to the header fields of a head.

    @cvar FIXED: names, in lower case, that must stay as they are.
    @cvar ELSEWHERE: what sets such a field, by its name.

    @ivar set: name and value: whatever the head has of that name is replaced.
    @ivar add: name and value: put after what there is.
    @ivar remove: names.
    """

    FIXED: ClassVar[frozenset[str]] = FRAMING
    ELSEWHERE: ClassVar[dict[str, str]] = {}

    set: tuple[tuple[str, str], ...] = field(Words(TemplateText()), ())
    add: tuple[tuple[str, str], ...] = field(Words(TemplateText()), ())
    remove: tuple[str, ...] = field(
        Several(Text(255, 1, _TOKEN, "a header name"), single=True, most=100), ()
    )

    @property
    def nothing(self) -> bool:
        """Nothing is changed: it only keeps what stands farther away from applying."""
        return not (self.set or self.add or self.remove)

    def check(self, path: Path, loading: Loading) -> None:
        """No field of the framing, and nothing that is both set and removed."""
        changed = [((*path, "set", name), name) for name, _ in self.set]
        changed += [((*path, "add", name), name) for name, _ in self.add]
        changed += [((*path, "remove", n), name) for n, name in enumerate(self.remove)]
        for at, name in changed:
            if spelled(name) in self.FIXED:
                hint = self.ELSEWHERE.get(spelled(name), "it says how the message is read")
                loading.refuse(at, f"{name} cannot be changed here: {hint}")
        removed = {spelled(name) for name in self.remove}
        for name, _ in (*self.set, *self.add):
            if spelled(name) in removed:
                loading.refuse((*path, "remove"), f"{name} is set or added too; set replaces it")


@attrs.frozen(kw_only=True)
class RequestHeaders(HeaderEdits):
    """What happens to the header fields of requests before a member gets them."""

    FIXED: ClassVar[frozenset[str]] = FRAMING | {"host", "expect"}
    ELSEWHERE: ClassVar[dict[str, str]] = {
        "host": "it says whom the request is for; rewrite has host for that"
    }


@attrs.frozen(kw_only=True)
class ResponseHeaders(HeaderEdits):
    """What happens to the header fields of answers before the client gets them."""
