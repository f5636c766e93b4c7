"""Answers that a policy gives by itself."""

from __future__ import annotations

from typing import Any, Final

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import (
    Loading,
    Optional,
    Text,
    Whole,
    Words,
    field,
)

#: Octets of a body.
LARGEST_BODY: Final = 64 * 1024
#: Statuses whose answers have no body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
WITHOUT_BODY: Final = frozenset({204, 205, 304})
#: Fields that the framing of an answer, or the connection, decides; and the one with a key.
_NOT_SET: Final = {
    "content-type": "is said by content_type",
    **dict.fromkeys(
        "content-length transfer-encoding connection keep-alive proxy-connection te trailer"
        " upgrade fiberlb-reason-code".split(),
        "is set by FiberLB",
    ),
}
#: What a field's value may hold (RFC 9110 section 5.5): nothing that ends a line, no blanks around.
_FIELD_VALUE: Final = r"(?:[!-~](?:[ -~]*[!-~])?)?"
_MEDIA_TYPE: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ ]*;[ -~]*[!-~])?"


@attrs.frozen
class BodyFile:
    """
    A body that stands in a file.

    @ivar name: as the configuration has it.
    """

    name: str
    content: bytes = attrs.field(repr=False)


@attrs.frozen
class NamedBody:
    """The name of a file whose content is a body; for the configuration file alone."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if not isinstance(value, str) or not value:
            return loading.refuse(path, "must be the path of a file")
        name = value.removeprefix("file:")
        if loading.read_file is None:
            return loading.refuse(path, "is for the configuration file; send the text as body")
        loading.files[path] = name
        try:
            content = loading.read_file(name).encode()
        except OSError as why:
            return loading.refuse(path, f"cannot read {name}: {why.strerror}")
        except UnicodeDecodeError as why:
            # A picture, say: whatever it is, it is sent as it stands there.
            content = bytes(why.object)
        if len(content) > LARGEST_BODY:
            return loading.refuse(path, f"{name} has more than {LARGEST_BODY // 1024}KiB")
        return BodyFile(name, content)

    def dump(self, value: Any) -> Any:
        return value.name

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


@attrs.frozen(kw_only=True)
class FixedResponse:
    """
    An answer.

    @ivar headers: further fields, as pairs.
    @ivar body: is sent in UTF-8.
    @ivar body_file: instead of C{body}: the content of a file, as it is.
    """

    status: int = field(Whole(200, 599), 200)
    content_type: str = field(Text(255, 1, _MEDIA_TYPE, "a media type"), "text/plain")
    headers: tuple[tuple[str, str], ...] = field(
        Words(Text(4096, 0, _FIELD_VALUE, "printable ASCII, without blanks around it")), ()
    )
    body: str = field(Text(LARGEST_BODY, multiline=True), "")
    body_file: BodyFile | None = field(Optional(NamedBody()), None)

    @property
    def content(self) -> bytes:
        """The octets of the body."""
        return self.body.encode() if self.body_file is None else self.body_file.content

    def check(self, path: Path, loading: Loading) -> None:
        """One body at most, of a status that has one; no field that is not the policy's to set."""
        if self.body and self.body_file is not None:
            loading.refuse((*path, "body_file"), "body and body_file exclude each other")
        elif self.content and self.status in WITHOUT_BODY:
            name = "body" if self.body_file is None else "body_file"
            loading.refuse((*path, name), f"does not go with status {self.status}")
        if len(self.body.encode()) > LARGEST_BODY:
            message = f"has more than {LARGEST_BODY // 1024}KiB in UTF-8"
            loading.refuse((*path, "body"), message)
        for name, _ in self.headers:
            why = _NOT_SET.get(name.lower())
            if why is not None:
                loading.refuse((*path, "headers", name), why)
