"""Another server says who is let in."""

from __future__ import annotations

from typing import Final

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading, Optional, Several, Text, field
from fiberlb.model.header_edits import RequestHeaders, spelled

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
#: Addresses of servers that are asked by HTTP.
URL: Final = r"https?://[A-Za-z0-9\[._~-][!-~]*"


@attrs.frozen(kw_only=True)
class ForwardAuth:
    """
    Whom to ask.

    @ivar url: is asked for each request; C{None}: nobody is.
    @ivar copy_headers: fields of its answer that members get.
    """

    url: str | None = field(Optional(Text(2048, 8, URL, "an http or https URL")), None)
    copy_headers: tuple[str, ...] = field(
        Several(Text(255, 1, _TOKEN, "a header name"), single=True, most=100), ()
    )

    @property
    def nothing(self) -> bool:
        """Nobody is asked: it only keeps what stands farther away from applying."""
        return self.url is None

    def check(self, path: Path, loading: Loading) -> None:
        """Either nothing is said, or who is asked; no field that frames a message."""
        if self.nothing and self.copy_headers:
            loading.refuse((*path, "url"), "is needed: who is asked", code="missing")
        for number, name in enumerate(self.copy_headers):
            if spelled(name) in RequestHeaders.FIXED:
                message = f"{name} cannot be copied: it says how the message is read"
                loading.refuse((*path, "copy_headers", number), message)
