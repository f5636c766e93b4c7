"""Requests, rules, policies and routes for the tests of routing, in few words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fiberlb.model.l7 import CompareType, Condition, L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.routing.linear import Engine, installed
from fiberlb.routing.match import LEAST_INDEXED, Routes, compile_routes
from fiberlb.routing.request import Request


def request(
    target: bytes = b"/",
    host: bytes = b"example.org",
    *fields: bytes,
    sni: bytes | None = None,
    secure: bool = False,
    port: int = 80,
    source: str = "192.0.2.7",
    protocols: Sequence[bytes] = (),
    client: Mapping[bytes, Sequence[bytes]] | None = None,
    method: bytes = b"GET",
) -> Request:
    """A request; each of C{fields} is a whole line without its end."""
    block = b"\r\n" + b"".join(line + b"\r\n" for line in fields)
    return Request(method, target, host, block, sni, secure, port, source, protocols, client)


def listener(**fields: Any) -> Listener:
    """A plain listener whose default is the pool C{default}."""
    made = {"id": "l", "name": "l", "port": 80, "protocol": ListenerProtocol.HTTP}
    return Listener(**{**made, "default_pool_id": "default", **fields})


def rule(
    kind: RuleType, compare: CompareType = CompareType.EQUAL_TO, *values: str, **f: Any
) -> L7Rule:
    """A rule with one value, several or none."""
    given = {"value": values[0]} if len(values) == 1 else {"values": values}
    return L7Rule(**{"id": "r", "rule_type": kind, "compare_type": compare, **given, **f})


def nest(kind: RuleType, *rules: Condition, **fields: Any) -> L7Rule:
    """A rule that looks at others."""
    return L7Rule(**{"id": "r", "rule_type": kind, "rules": rules, **fields})


def nested(kind: RuleType, *rules: Condition, **fields: Any) -> Condition:
    """The same within another one."""
    return Condition(rule_type=kind, rules=rules, **fields)


def policy(name: str, *rules: L7Rule, **fields: Any) -> tuple[L7Policy, Sequence[L7Rule]]:
    """A policy to the pool of its own name, unless told otherwise."""
    made: dict[str, Any] = {"id": name, "name": name, "action": PolicyAction.REDIRECT_TO_POOL}
    if fields.get("action", made["action"]) is PolicyAction.REDIRECT_TO_POOL:
        made["redirect_pool_id"] = name
    return L7Policy(**{**made, **fields}), rules


def path_rule(value: str, compare: CompareType = CompareType.STARTS_WITH, **f: Any) -> L7Rule:
    """A rule on the path."""
    return rule(RuleType.PATH, compare, value, **f)


def routes(
    *policies: tuple[L7Policy, Sequence[L7Rule]],
    clock: Callable[[], float] = lambda: 0.0,
    report: Callable[[str, str], None] = lambda ident, why: None,
    engine: Engine = installed,
    least_indexed: int = LEAST_INDEXED,
    before: Routes | None = None,
    served: bool = True,
    **fields: Any,
) -> Routes:
    """Compiled policies of a listener with these fields; time stands still unless given."""
    return compile_routes(
        listener(**fields),
        policies,
        clock=clock,
        report=report,
        engine=engine,
        least_indexed=least_indexed,
        before=before,
        served=served,
    )
