"""
What does TLS cost: requests on connections that stay open, and handshakes, full and resumed;
and to the members?

Run: C{python -m benchmarks.tls --help}.
"""

from __future__ import annotations

import sys

from benchmarks.load import Handshakes, Wrk
from benchmarks.proxies import Front
from benchmarks.rounds import Scenario, main

SCENARIOS = (
    Scenario("tls-keepalive", "HTTPS keep-alive, 1 KiB", Wrk(), front=Front.HTTPS),
    Scenario(
        "member-tls-keepalive",
        "HTTP keep-alive to members that speak TLS, 1 KiB",
        Wrk(),
        proxies=("haproxy", "nginx", "fiberlb"),
        verified=True,
    ),
    Scenario(
        "tls13-full",
        "TLS 1.3, full handshake, 1 KiB",
        Handshakes("tls1_3", resumed=False),
        front=Front.HTTPS,
    ),
    Scenario(
        "tls13-resumed",
        "TLS 1.3, resumed session, 1 KiB",
        Handshakes("tls1_3", resumed=True),
        front=Front.HTTPS,
    ),
    Scenario(
        "tls12-resumed",
        "TLS 1.2, resumed session, 1 KiB",
        Handshakes("tls1_2", resumed=True),
        front=Front.HTTPS,
    ),
)

if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))
