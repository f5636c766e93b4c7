"""Tests that a configuration file has of itself: a request, and what is to become of it."""

from __future__ import annotations

import attrs

from fiberlb.errors import Path
from fiberlb.model.asked import Asked
from fiberlb.model.convert import Nested
from fiberlb.model.fields import Loading, Optional, Text, Whole, field


@attrs.frozen(kw_only=True)
class Expectation:
    """
    What is to become of a request; what is left out does not matter.

    @ivar policy: the name or the id of the policy that takes it; empty: none does.
    @ivar pool: the name or the id of the pool that gets it; empty: none does.
    @ivar redirect: where a redirect leads.
    @ivar status: of an answer of FiberLB's own, redirects included.
    """

    policy: str | None = field(Optional(Text(255)), None)
    pool: str | None = field(Optional(Text(255)), None)
    redirect: str | None = field(Optional(Text(8192)), None)
    status: int | None = field(Optional(Whole(100, 599)), None)

    def check(self, path: Path, loading: Loading) -> None:
        """A test that nothing can fail is none."""
        if all(getattr(self, name) is None for name in ("policy", "pool", "redirect", "status")):
            loading.refuse(path, "expects nothing: give policy, pool, redirect or status")


@attrs.frozen(kw_only=True)
class RequestTest:
    """
    One test.

    @ivar name: for people.
    @ivar listener: the name or the id of the listener that gets the request; null: the one whose
        port and protocol are those of the URL.
    @ivar request: what it is asked.
    """

    name: str = field(Text(255), "")
    listener: str | None = field(Optional(Text(255, 1)), None)
    request: Asked = field(Nested(Asked), Asked())
    expect: Expectation = field(Nested(Expectation))
