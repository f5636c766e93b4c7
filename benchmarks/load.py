"""Load from wrk: requests with the head a browser sends, and what came of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import attrs

from benchmarks.machine import Cores
from tests.support.programs import need

#: With C{Host}, which wrk adds, the seven fields of the head.
_HEADERS = """\
wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
wrk.headers["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
wrk.headers["Accept-Language"] = "en-US,en;q=0.5"
wrk.headers["Accept-Encoding"] = "gzip, deflate, br, zstd"
wrk.headers["Cookie"] = "session=8f14e45fceea167a5a36dedd4bea2543; theme=dark"
wrk.headers["Upgrade-Insecure-Requests"] = "1"
"""

_DONE = """
function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        '\\nRESULT {"requests": %d, "bytes": %d, "seconds": %.6f, "errors": %d, ' ..
        '"p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f}\\n',
        summary.requests, summary.bytes, summary.duration / 1e6,
        e.connect + e.read + e.write + e.status + e.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
"""

#: Always the same bytes.
SAME = _HEADERS

#: A thousand different heads in turn, as from a crowd: paths, cookies, agents and languages.
VARIED = """
local prepared = {}
local at = 0
function init(args)
    math.randomseed(7)
    for i = 1, 1000 do
        local headers = {}
        for name, value in pairs(wrk.headers) do headers[name] = value end
        headers["User-Agent"] = string.format("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) "
            .. "Gecko/20100101 Firefox/%d.0", 100 + i % 40, 100 + i % 40)
        headers["Cookie"] = string.format("session=%08x%08x; seen=%d",
            math.random(2^31 - 1), math.random(2^31 - 1), i)
        headers["Accept-Language"] = ({"en-US,en;q=0.5", "de-DE,de;q=0.7", "fr"})[i % 3 + 1]
        prepared[i] = wrk.format("GET", string.format("/items/%d?page=%d", i, i % 17), headers)
    end
end
function request()
    at = at % 1000 + 1
    return prepared[at]
end
"""


@attrs.frozen
class Load:
    """
    What wrk is asked to do.

    @ivar script: Lua after the usual fields of the head are set.
    @ivar connections: open at the same time, each with one request at a time.
    """

    script: str = ""
    path: str = "/"
    connections: int = 64


@attrs.frozen
class Result:
    """
    What came of one run of wrk.

    @ivar errors: answers of 400 and above, failed connections and timeouts together.
    """

    requests: int
    bytes: int
    seconds: float
    errors: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def run(load: Load, url: str, seconds: float, cores: Cores, directory: Path) -> Result:
    """
    One run against C{url}, with one thread.

    @param directory: where the script is written.

    @raise RuntimeError: wrk gave no result.
    """
    script = directory / "load.lua"
    script.write_text(_HEADERS + load.script + _DONE)
    command = [need("wrk"), "-t1", f"-c{load.connections}", f"-d{max(1, round(seconds))}s"]
    command += ["--timeout", "10s", "-s", str(script), url + load.path]
    found = subprocess.run(
        cores.pin_load(command),
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    for line in found.stdout.splitlines():
        if line.startswith("RESULT "):
            return Result(**json.loads(line.removeprefix("RESULT ")))
    raise RuntimeError(f"wrk: {found.stdout}{found.stderr}")
