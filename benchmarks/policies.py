"""
What do policies cost, when the one that matches is the last of many?

Each proxy has 200 rules on the beginning of the path, in its own language, and
requests that only the last one takes; FiberLB also 10 and 10,000 of them. Run
alone, this asks all of them for 10, 1,000 and 10,000 too. Run:
C{python -m benchmarks.policies --help}.
"""

from __future__ import annotations

import sys

from benchmarks.load import Wrk
from benchmarks.rounds import Scenario, main


def _haproxy(count: int) -> str:
    return "\n".join(f"    use_backend out if {{ path_beg /part-{n}/ }}" for n in range(count))


def _nginx(count: int) -> str:
    # Regular expressions, since prefixes would be a tree that no other proxy here has.
    return "\n".join(
        f"location ~ ^/part-{n}/ {{ proxy_pass http://origin; }}" for n in range(count)
    )


def _fiberlb(count: int) -> str:
    lines = ["l7_policies:"]
    for n in range(count):
        rule = f"{{path: /part-{n}/, compare_type: starts_with}}"
        lines.append(
            f"  - {{name: part-{n}, listener_id: in, redirect_pool_id: origin, rules: [{rule}]}}"
        )
    return "\n".join(lines)


def _last(count: int) -> Wrk:
    """A thousand different requests, all for the last policy."""
    return Wrk(
        """
local at = 0
function request()
    at = at % 1000 + 1
    return wrk.format("GET", string.format("/part-LAST/items/%d?page=%d", at, at % 17))
end
""".replace("LAST", str(count - 1))
    )


def _every(count: int, *proxies: str) -> Scenario:
    made = {"haproxy": _haproxy, "nginx": _nginx, "fiberlb": _fiberlb}
    return Scenario(
        f"policies-{count}" if proxies else f"policies-{count}-all",
        f"{count:,} policies, the last one matches",
        _last(count),
        extras={name: made[name](count) for name in proxies or made},
        proxies=proxies or tuple(made),
    )


SCENARIOS = (
    _every(200, "haproxy", "nginx", "fiberlb"),
    _every(10, "fiberlb"),
    _every(10000, "fiberlb"),
)
#: What is asked only here: it takes the others long.
ALONE = tuple(_every(count) for count in (10, 1000, 10000))

if __name__ == "__main__":
    sys.exit(main((*SCENARIOS, *ALONE), __doc__))
