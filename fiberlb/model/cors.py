"""Which other sites' pages may ask for something here (CORS, the Fetch standard)."""

from __future__ import annotations

from typing import Final

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Flag, Loading, Several, Text, field
from fiberlb.model.quantities import Duration

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
#: Scheme, host and port; C{*.} in front of the host: all names below it, at any depth.
_ORIGIN: Final = (
    r"\*|[a-z][a-z0-9+.-]*://"
    r"(?:(?:\*\.)?[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?"
)
#: Stands for everything, but only where no credentials are sent.
ALL: Final = "*"


@attrs.frozen(kw_only=True)
class Cors:
    """
    What browsers are told about pages of other origins.

    @ivar origins: of these pages; C{*}: of all.
    @ivar methods: that they may use.
    @ivar headers: that they may send, beside those that are always allowed.
    @ivar credentials: cookies and passwords may be sent with it.
    @ivar max_age: seconds for which a browser need not ask again.
    """

    origins: tuple[str, ...] = field(
        Several(
            Text(300, 1, _ORIGIN, "an origin in lower case, as https://example.com, or *"),
            single=True,
            most=1000,
        ),
        (),
    )
    methods: tuple[str, ...] = field(
        Several(Text(32, 1, _TOKEN, "a method"), single=True, most=100), ("GET", "HEAD", "POST")
    )
    headers: tuple[str, ...] = field(
        Several(Text(255, 1, _TOKEN, "a header name"), single=True, most=100), ()
    )
    credentials: bool = field(Flag(), False)
    max_age: float = field(Duration(positive=False), 600.0)

    @property
    def nothing(self) -> bool:
        """Nothing is said: it only keeps what stands farther away from applying."""
        return self == Cors()

    def check(self, path: Path, loading: Loading) -> None:
        """Somebody is meant, and with credentials everybody by name."""
        if not self.origins and not self.nothing:
            loading.refuse((*path, "origins"), "is needed: whose pages are meant", code="missing")
        for key in ("origins", "methods", "headers"):
            if self.credentials and ALL in getattr(self, key):
                loading.refuse((*path, key), "must be given one by one where credentials are sent")
