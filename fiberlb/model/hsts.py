"""Strict Transport Security (RFC 6797): browsers come back by https only."""

from __future__ import annotations

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Flag, Loading, field
from fiberlb.model.quantities import Duration

#: What lists that browsers are shipped with ask for, in seconds.
_PRELOAD = 365 * 86400.0


@attrs.frozen(kw_only=True)
class Hsts:
    """
    What browsers are told.

    @ivar max_age: seconds for which they remember; 0 makes them forget.
    @ivar include_subdomains: it holds for every name below, too.
    @ivar preload: the name may be put on the lists that browsers are shipped with.
    """

    max_age: float = field(Duration(positive=False), 180 * 86400.0)
    include_subdomains: bool = field(Flag(), False)
    preload: bool = field(Flag(), False)

    def check(self, path: Path, loading: Loading) -> None:
        """Lists take what holds for a year and for all names below."""
        if self.preload and (self.max_age < _PRELOAD or not self.include_subdomains):
            message = "needs include_subdomains and a max_age of at least 365d"
            loading.refuse((*path, "preload"), message)
