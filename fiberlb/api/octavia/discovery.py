"""Documents that tell clients which API is here (spec page C{octavia-api}, section 1)."""

from __future__ import annotations

from typing import Any

#: The last version whose features are all here: 2.27 is HSTS.
LATEST = 27
_UPDATED = "2016-12-11T00:00:00Z"


def versions(base: str) -> dict[str, Any]:
    """
    Every version of the API; the last one is current.

    @param base: the address of the server, without a slash at its end.
    """
    return {"versions": [_version(base, minor) for minor in range(LATEST + 1)]}


def version(base: str, at: str = "/v2") -> dict[str, Any]:
    """The document of C{/v2} and C{/v2.0}, which keystoneauth takes for an endpoint."""
    self_link = {"rel": "self", "href": base + at}
    return {
        "version": {
            "id": "v2.0",
            "status": "CURRENT",
            "updated": _UPDATED,
            "links": [self_link],
        }
    }


def _version(base: str, minor: int) -> dict[str, Any]:
    return {
        "id": f"v2.{minor}",
        "status": "CURRENT" if minor == LATEST else "SUPPORTED",
        "updated": _UPDATED,
        "links": [{"rel": "self", "href": f"{base}/v2"}],
    }
