"""C{rewrite}: the path and the host that members are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from fiberlb.errors import Fault
from fiberlb.model.rewrite import GROUP, Rewrite
from fiberlb.routing.path import readings
from fiberlb.routing.patterns import (
    LONGEST_INPUT,
    MATCH_LIMIT,
    PERIOD,
    RULE_LIMIT,
    compile_groups,
)
from fiberlb.treatment.draft import Asked, Draft
from fiberlb.wire import grammar
from fiberlb.wire.field_lines import put
from fiberlb.wire.host_line import hosted

_target: Final = re.compile(grammar.TARGET).fullmatch
#: What a path cannot go on with as it came: it may lead elsewhere than its normal form does.
_leads = re.compile(rb"/\.|%2[eE]").search
_tells_host: Final = re.compile(rb"\n(?i:x-forwarded-host):").search

#: A path without its query, in its normal form, and as it came -> another one; C{None}: the same.
_Path = Callable[[Asked, bytes, bytes], bytes | None]


def rewrite(value: Rewrite, draft: Draft) -> None:
    """Members are asked for something else."""
    if value.prefix is not None:
        draft.requests.append(_of_path(_prefix(*value.prefix)))
    if value.regex is not None:
        draft.requests.append(_of_path(_regex(*value.regex)))
    if value.host == "member":
        draft.requests.append(_told)
        draft.hosted = True
    elif value.host != "keep":
        name = value.host.encode()
        draft.requests.append(lambda asked, head: hosted(_told(asked, head), name))


def faults(value: Rewrite) -> list[tuple[tuple[str | int, ...], str]]:
    """What is wrong with the pattern."""
    if value.regex is None:
        return []
    try:
        groups = compile_groups(value.regex[0]).groups
    except ValueError as why:
        return [(("regex", 0), str(why))]
    wrong = [n for n in GROUP.findall(value.regex[1]) if int(n) > groups]
    return [(("regex", 1), f"there is no group {n} in the pattern") for n in wrong]


def _of_path(change: _Path) -> Callable[[Asked, bytes], bytes]:
    def edited(asked: Asked, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        target, _, rest = rest.partition(b" ")
        if target[:1] != b"/":
            # The asterisk of OPTIONS is no path.
            return head
        path, mark, query = target.partition(b"?")
        normal, _ = readings(path)
        made = change(asked, normal, path)
        if made is None:
            return head
        if made[:2] == b"//" and path[:2] != b"//":
            # Two slashes would begin a host's name for some (RFC 3986 section 4.2).
            made = b"/" + made.lstrip(b"/")
        target = made + mark + query
        long = len(target) > asked.cell.plan.limits.uri
        if long or made[:1] != b"/" or _target(target) is None:
            raise Fault("bad_request", detail="what the path is rewritten to is no target")
        return b" ".join((method, target, rest))

    return edited


def _prefix(old: str, new: str) -> _Path:
    """By segments: what follows the old prefix begins with a slash, or is nothing."""
    before = readings(old.encode())[0].rstrip(b"/")
    after = new.encode().rstrip(b"/")
    slash = new.endswith("/") and not old.endswith("/")

    def changed(asked: Asked, normal: bytes, path: bytes) -> bytes | None:
        if not normal.startswith(before) or normal[len(before) :][:1] not in (b"", b"/"):
            return None
        left = normal[len(before) :]
        if path.startswith(before) and _leads(path) is None:
            # Beside the prefix the member gets every byte as it came.
            left = path[len(before) :]
        if not left and (slash or not after):
            left = b"/"
        return after + left

    return changed


def _regex(text: str, replacement: str) -> _Path:
    pieces = _pieces(replacement)
    search = _Bounded(compile_groups(text)).search

    def changed(asked: Asked, normal: bytes, path: bytes) -> bytes | None:
        found = search(asked, normal)
        if found is None:
            return None
        made = [p if isinstance(p, bytes) else found[p] or b"" for p in pieces]
        return b"".join((normal[: found.start()], *made, normal[found.end() :]))

    return changed


@lru_cache(maxsize=1024)
def _pieces(replacement: str) -> tuple[bytes | int, ...]:
    """Texts, and numbers of groups, in turn."""
    found = GROUP.split(replacement)
    return tuple([int(p) if n % 2 else p.encode() for n, p in enumerate(found)])


class _Bounded:
    """
    A search that takes no longer than a rule's may.

    What is not decided in time is refused: sent on as it came, it would reach what it was not
    meant for.
    """

    def __init__(self, pattern: Any) -> None:
        self._pattern = pattern
        self._since = float("-inf")
        self._spent = 0.0

    def search(self, asked: Asked, path: bytes) -> Any:
        """
        What is found.

        @raise Fault: C{rule_undecided}.
        """
        now = asked.conn.loop.now
        if not 0 <= now - self._since < PERIOD:
            self._since, self._spent = now, 0.0
        if self._spent > RULE_LIMIT or len(path) > LONGEST_INPUT:
            raise Fault("rule_undecided", detail="the rewriting of a path takes too long")
        try:
            return self._pattern.search(path, timeout=MATCH_LIMIT)
        except TimeoutError:
            self._spent += MATCH_LIMIT
            raise Fault("rule_undecided", detail="the rewriting of a path takes too long") from None


def _told(asked: Asked, head: bytes) -> bytes:
    """With what the client has asked for, where nobody that is trusted has said so already."""
    if not asked.authority or _tells_host(head) is not None:
        return head
    return put(head, b"X-Forwarded-Host: " + asked.authority + b"\r\n")
