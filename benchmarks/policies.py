"""
What do policies cost, when the one that matches is the last of 200?

Each proxy has 200 rules on the beginning of the path, in its own language, and
requests that only the last one takes. Run: C{python -m benchmarks.policies --help}.
"""

from __future__ import annotations

import sys

from benchmarks.load import Wrk
from benchmarks.rounds import Scenario, main

COUNT = 200


def _haproxy() -> str:
    return "\n".join(f"    use_backend out if {{ path_beg /part-{n}/ }}" for n in range(COUNT))


def _nginx() -> str:
    # Regular expressions, since prefixes would be a tree that no other proxy here has.
    return "\n".join(
        f"location ~ ^/part-{n}/ {{ proxy_pass http://origin; }}" for n in range(COUNT)
    )


def _fiberlb() -> str:
    lines = ["l7_policies:"]
    for n in range(COUNT):
        rule = f"{{path: /part-{n}/, compare_type: starts_with}}"
        lines.append(
            f"  - {{name: part-{n}, listener_id: in, redirect_pool_id: origin, rules: [{rule}]}}"
        )
    return "\n".join(lines)


SCENARIOS = (
    Scenario(
        "policies-200",
        "200 policies, the last one matches",
        Wrk(path=f"/part-{COUNT - 1}/index.html"),
        extras={"haproxy": _haproxy(), "nginx": _nginx(), "fiberlb": _fiberlb()},
    ),
)

if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))
