"""
What do policies cost, when the one that matches is the last of many?

Each proxy has 200 rules on the beginning of the path, in its own language, and
requests that only the last one takes; FiberLB also 10 and 10,000 of them. Run:
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


def _own(count: int) -> Scenario:
    return Scenario(
        f"policies-{count}",
        f"{count:,} policies, the last one matches",
        _last(count),
        extras={"fiberlb": _fiberlb(count)},
        proxies=("fiberlb",),
    )


SCENARIOS = (
    Scenario(
        "policies-200",
        "200 policies, the last one matches",
        _last(200),
        extras={"haproxy": _haproxy(200), "nginx": _nginx(200), "fiberlb": _fiberlb(200)},
        proxies=("haproxy", "nginx", "fiberlb"),
    ),
    _own(10),
    _own(10000),
)

if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))
