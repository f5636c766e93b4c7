"""What waits while all members of a pool have as much to do as they may."""

from __future__ import annotations

import attrs

from fiberlb.model.fields import Whole, field
from fiberlb.model.quantities import Duration

#: Requests, or connections, that a member may be allowed at the same time.
MOST_AT_ONCE = 1_000_000


@attrs.frozen(kw_only=True)
class PoolQueue:
    """
    Who waits for room at a pool's members (spec: product, C{queue}).

    @ivar size: that may wait in each worker; 0: nobody waits.
    @ivar timeout: seconds that one waits.
    """

    size: int = field(Whole(0, 1_000_000), 1000)
    timeout: float = field(Duration(), 5.0)
