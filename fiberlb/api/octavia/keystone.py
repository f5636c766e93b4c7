"""
Tokens of Keystone, version 3: a client's token is shown to Keystone as its own.

Whoever holds a token may ask what it is for, so no account of ours is needed. Answers are
remembered for a while, so that Keystone is not asked for every request.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import attrs
import treq
from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.internet.interfaces import IReactorTime

from fiberlb.api.octavia.faults import Fault

#: Seconds for which an answer is remembered, and how many answers are.
REMEMBERED = 60.0
MOST = 4096
#: Seconds for a whole answer.
PATIENCE = 10.0


@attrs.frozen
class Subject:
    """Whom a token is of: the project that it is for, the roles there, and a name."""

    project: str
    roles: frozenset[str]
    user: str = ""


#: The address of a token's document, and the token -> status and JSON.
Fetch = Callable[[str, str], Any]


class Keystone:
    """
    What is known of tokens.

    @param clock: for how long it has been known.
    @param fetch: asks; L{fetched} with the reactor.
    """

    def __init__(self, clock: IReactorTime, fetch: Fetch) -> None:
        self._clock = clock
        self._fetch = fetch
        self._known: OrderedDict[bytes, tuple[float, Subject]] = OrderedDict()

    async def subject(self, url: str, token: str) -> Subject:
        """
        Whom a token is of.

        @param url: of Keystone, such as C{http://127.0.0.1:5000/v3}.
        @raise Fault: 401, it is not valid; 503, Keystone cannot be asked.
        """
        # What is kept does not open anything by itself.
        key = sha256(f"{url}\n{token}".encode("utf-8", "replace")).digest()
        now = self._clock.seconds()
        known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        found = await self._asked(url, token)
        self._known[key] = (now + REMEMBERED, found)
        self._known.move_to_end(key)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return found

    async def _asked(self, url: str, token: str) -> Subject:
        try:
            status, document = await self._fetch(f"{url.rstrip('/')}/auth/tokens", token)
        except (Exception, CancelledError) as why:
            raise Fault(503, f"Keystone cannot be asked: {type(why).__name__}") from None
        if status in (401, 403, 404):
            raise Fault(401, "The request you have made requires authentication.")
        try:
            said = document["token"]
            project = str(said["project"]["id"])
            roles = frozenset(str(role["name"]) for role in said["roles"])
        except (KeyError, TypeError):
            raise Fault(401, "The token is not for a project.") from None
        return Subject(project, roles, str((said.get("user") or {}).get("name", "")))


def fetching(reactor: Any, pool: Any) -> Fetch:
    """
    Asks by HTTP.

    @param pool: of connections to Keystone, to be closed by its owner.
    """

    async def whole(url: str, token: str) -> tuple[int, Any]:
        headers: dict[bytes | str, bytes | str] = {
            "X-Auth-Token": token,
            "X-Subject-Token": token,
            "Accept": "application/json",
        }
        response = await treq.get(url, headers=headers, pool=pool, reactor=reactor)
        body = await treq.json_content(response) if response.code == 200 else None
        return response.code, body

    def fetch(url: str, token: str) -> Any:
        # treq's own timeout ends with the head.
        return ensureDeferred(whole(url, token)).addTimeout(PATIENCE, reactor)

    return fetch
