"""Policies and requests drawn at random from the same few words, so that they often meet."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import attrs

from fiberlb.model.l7 import (
    EXACT_ONLY,
    KEYED,
    NESTING,
    CompareType,
    Condition,
    L7Policy,
    L7Rule,
    PolicyAction,
    RuleType,
)
from fiberlb.model.listener import EncodedSlash, PolicyOrder
from fiberlb.routing.candidates import MOST_ELEMENTS, MOST_PARAMETERS
from fiberlb.routing.request import Request
from tests.routing.made import policy, request

Policy = tuple[L7Policy, Sequence[L7Rule]]

_NAMES = ("a.example", "b.example", "example", "x.b.example", "A.Example", "ample")
_PATHS = ("/", "/a", "/a/", "/a/b", "/a/b/", "/ab", "/A", "/a/b.js", "/b.css", "/a%2fb", "/a//b")
_ENDS = ("js", "css", "CSS", "b.js", "tar.gz")
_WORDS = ("one", "two", "One", "onetwo", "one, two", "w")
_KEYS = ("X-A", "x-a", "X-B", "X-C", "X-D", "X-E", "X-F")
_ATTRIBUTES = ("CN", "cn", "O", "organizationName", "OU")
_PATTERNS = (
    r"^/a",
    r"^/a/b$",
    r"\.(js|css)$",
    r"^/a/[a-z]+",
    r"[a-z]\.js$",
    r"^/(a|b)/?[a-z]*$",
    r"/a/[^/]+",
    r"[ab]",
    r"(?i)^/A/[b]",
    r"(?i)b\.",
    r"^[a-z]\.example$",
    r"exam[p]le$",
    r"(?=.*b).*a",
    r"(a|b)\1?",
    r"^o[n]e",
    r"t[w]o$|one[t]",
    r"",
    r"^$",
    r".+",
)
_NETWORKS = (
    *("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "::/0", "2001:db8::/32"),
    *("2001:db8::1", "::ffff:10.0.0.0/104", "192.0.2.0/25"),
)
_SOURCES = ("10.1.2.3", "10.9.9.9", "::ffff:10.1.2.3", "2001:db8::1", "::1", "192.0.2.200", "")
_PROTOCOLS = ("h2", "http/1.1", "one", "two", "")
_METHODS = ("GET", "POST", "put", "one")
_SPOKEN = ("http", "https", "websocket", "GRPC")
_LEAVES = [kind for kind in RuleType if kind not in NESTING]
_LINES = (
    (b"Upgrade: h2c, WebSocket", b"Connection: keep-alive, Upgrade"),
    (b"Upgrade: websocket",),
    (b"Content-Type: application/grpc+proto",),
)
_ANY = _NAMES + _PATHS + _ENDS + _WORDS


def _values(random: Random, kind: RuleType, compare: CompareType) -> tuple[str, ...]:
    """What a rule compares with: one value, or several."""
    own = {
        RuleType.HOST_NAME: _NAMES,
        RuleType.SSL_CONN_SNI: _NAMES,
        RuleType.PATH: _PATHS,
        RuleType.FILE_TYPE: _ENDS,
        RuleType.SOURCE_IP: _NETWORKS,
        RuleType.SSL_ALPN: _PROTOCOLS,
        RuleType.METHOD: _METHODS,
        RuleType.PROTOCOL: _SPOKEN,
        RuleType.SSL_CONN_HAS_CERT: ("true", "TRUE"),
        RuleType.SSL_VERIFY_RESULT: ("0", "00", "1", "18"),
    }.get(kind, _WORDS)
    if compare is CompareType.REGEX:
        own = _PATTERNS
    elif compare is CompareType.UNDER:
        own = ("/", "/a", "/a/b", "/A/")
    return tuple(random.choices(own, k=random.choice((1, 1, 1, 2, 3))))


def rule(random: Random) -> L7Rule:
    """Any rule; most of them look at the path or the host."""
    return L7Rule(id="r", **_asked(random))


def _asked(random: Random, depth: int = 0) -> dict[str, Any]:
    if random.randrange(6) == 0 and depth < 3:
        kind = random.choice(list(NESTING))
        count = 1 if kind is RuleType.NOT else random.choice((1, 2, 2, 3))
        rules = tuple([Condition(**_asked(random, depth + 1)) for _ in range(count)])
        return {"rule_type": kind, "rules": rules, "invert": random.randrange(4) == 0}
    kind = random.choice([*_LEAVES, RuleType.PATH, RuleType.PATH, RuleType.HOST_NAME])
    compare = random.choice(list(CompareType))
    if compare is CompareType.UNDER and kind is not RuleType.PATH:
        compare = CompareType.EQUAL_TO
    if kind in EXACT_ONLY or kind is RuleType.SOURCE_IP:
        compare = CompareType.EQUAL_TO
    given: dict[str, Any] = {"invert": random.randrange(5) == 0}
    if kind in KEYED:
        given["key"] = random.choice(_ATTRIBUTES if kind is RuleType.SSL_DN_FIELD else _KEYS)
    if kind not in KEYED or random.randrange(4):
        given["values"] = _values(random, kind, compare)
    return {"rule_type": kind, "compare_type": compare, **given}


_ACTIONS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"action": PolicyAction.REJECT},
    {"action": PolicyAction.REDIRECT_TO_URL, "redirect_url": "https://{host}/"},
    {"action": PolicyAction.REDIRECT_PREFIX, "redirect_prefix": "/x"},
)


def policies(random: Random) -> list[Policy]:
    """A listener's policies; the same rules stand in several of them."""
    common = [rule(random) for _ in range(random.randrange(1, 6))]
    made = []
    for number in range(random.choice((1, 5, 12, 25, 60))):
        some = [
            random.choice(common) if random.randrange(2) else rule(random)
            for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3)))
        ]
        made.append(
            policy(
                f"p{number}",
                *[attrs.evolve(one, id=f"r{number}.{place}") for place, one in enumerate(some)],
                position=random.choice((None, None, random.randrange(10))),
                enabled=random.randrange(10) > 0,
                **random.choice(_ACTIONS),
            )
        )
    return made


def fields(random: Random) -> dict[str, Any]:
    """Of the listener, as far as they change how policies are evaluated."""
    return {
        "encoded_slash": random.choice(list(EncodedSlash)),
        "l7policy_order": random.choice(list(PolicyOrder)),
        "default_pool_id": random.choice(("default", None)),
    }


def _query(random: Random) -> str:
    names = random.choices((*_KEYS, "%58-A"), k=random.choice((1, 2, 3)))
    pairs = [f"{name}={random.choice(_ANY)}" for name in names]
    if random.randrange(10) == 0:
        pairs[1:1] = ["x"] * MOST_PARAMETERS
    return "&".join(pairs)


def a_request(random: Random) -> Request:
    """A request that has what the rules above look at."""
    lines = []
    for _ in range(random.randrange(4)):
        words = random.choices(_ANY, k=random.randrange(1, 4))
        if random.randrange(10) == 0:
            words += ["w"] * MOST_ELEMENTS + ["two"]
        lines.append(f"{random.choice(_KEYS)}: {','.join(words)}".encode())
    for _ in range(random.randrange(3)):
        pairs = [f"{random.choice(_KEYS)}={random.choice(_ANY)}" for _ in range(3)]
        lines.append(f"Cookie: {'; '.join(pairs)}".encode())
    if random.randrange(3) == 0:
        lines += random.choice(_LINES)
    client = None
    if random.randrange(3):
        names = random.choices((b"cn", b"o", b"ou"), k=2)
        client = {name: [w.encode() for w in random.choices(_WORDS, k=2)] for name in names}
    path = "".join(random.choices(_PATHS, k=random.choice((1, 1, 2))))
    return request(
        (path + random.choice(("", "", "?" + _query(random), "%5cb", "x"))).encode(),
        random.choice(("", *_NAMES)).encode(),
        *lines,
        sni=random.choice((None, *[name.encode() for name in _NAMES])),
        source=random.choice(_SOURCES),
        protocols=[p.encode() for p in random.sample(_PROTOCOLS[:-1], random.randrange(3))],
        client=client,
        method=random.choice(_METHODS).encode(),
        secure=random.randrange(2) == 0,
    )
