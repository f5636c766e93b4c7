"""Load: requests with the head a browser sends, TLS handshakes, and what came of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Protocol

import attrs

from benchmarks.machine import Cores
from tests.support.programs import need

#: Seconds a program of the load may take longer than it was told, before it is ended.
_GRACE = 25

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
class Result:
    """
    What came of one run.

    @ivar errors: answers of 400 and above, failed connections and timeouts together.
    @ivar p50_ms: half of the answers took no longer; C{None}: not measured.
    @ivar trouble: what went wrong, where the program tells.
    """

    requests: int
    bytes: int
    seconds: float
    errors: int
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    trouble: str = ""


class Load(Protocol):
    """Something that sends requests for a while."""

    @property
    def connections(self) -> int:
        """Open at the same time, each with one request at a time."""

    def run(self, url: str, seconds: float, cores: Cores, directory: Path) -> Result:
        """
        One run against C{url}.

        @param directory: for files it needs.

        @raise RuntimeError: the program gave no result.
        @raise subprocess.TimeoutExpired: it did not end; it has been ended.
        """


def _told(command: list[str], seconds: float, cores: Cores) -> Result:
    """Run a program of the load and read its line of JSON."""
    found = subprocess.run(
        cores.pin_load(command),
        capture_output=True,
        text=True,
        timeout=seconds + _GRACE,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    for line in found.stdout.splitlines():
        if line.startswith("RESULT "):
            return Result(**json.loads(line.removeprefix("RESULT ")))
    raise RuntimeError(f"{command[0]}: {found.stdout}{found.stderr}")


@attrs.frozen
class Wrk:
    """
    Requests from wrk, with one thread.

    @ivar script: Lua after the usual fields of the head are set.
    """

    script: str = ""
    path: str = "/"
    connections: int = 64

    def run(self, url: str, seconds: float, cores: Cores, directory: Path) -> Result:
        """See L{Load}."""
        script = directory / "load.lua"
        script.write_text(_HEADERS + self.script + _DONE)
        command = [need("wrk"), "-t1", f"-c{self.connections}", f"-d{max(1, round(seconds))}s"]
        command += ["--timeout", "10s", "-s", str(script), url + self.path]
        return _told(command, seconds, cores)


#: A new connection for each request.
CLOSE = Wrk('wrk.headers["Connection"] = "close"\n')


@attrs.frozen
class Uploads:
    """
    Uploads of one size, each connection one after another.

    @ivar size: bytes of each.
    """

    size: int
    connections: int

    def run(self, url: str, seconds: float, cores: Cores, directory: Path) -> Result:
        """See L{Load}."""
        host, _, port = url.removeprefix("http://").partition(":")
        script = str(Path(__file__).with_name("uploader.py"))
        command = [sys.executable, "-P", script, host, port, str(self.size)]
        return _told([*command, str(self.connections), str(seconds)], seconds, cores)


_TIMED = re.compile(r"^(\d+) connections in .* real seconds, (\d+) bytes", re.MULTILINE)


def _started(command: list[str], cores: Cores, stack: ExitStack) -> subprocess.Popen[str]:
    """A program that is ended with the stack, if it has not by then."""
    process = subprocess.Popen(
        cores.pin_load(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    stack.enter_context(process)
    stack.callback(process.kill)
    return process


@attrs.frozen
class Handshakes:
    """
    TLS handshakes from OpenSSL's C{s_time}, each followed by one small request.

    wrk is of no use here: it resumes sessions with some servers and not with others.

    @ivar version: C{tls1_2} or C{tls1_3}.
    @ivar resumed: all but the first one of each process resume its session.
    @ivar connections: processes.
    """

    version: str
    resumed: bool
    connections: int = 4

    def run(self, url: str, seconds: float, cores: Cores, directory: Path) -> Result:
        """See L{Load}."""
        where = url.removeprefix("https://")
        command = [need("openssl"), "s_time", "-connect", where, "-www", "/"]
        command += ["-time", str(max(1, round(seconds))), f"-{self.version}"]
        command.append("-reuse" if self.resumed else "-new")
        began = monotonic()
        with ExitStack() as stack:
            running = [_started(command, cores, stack) for _ in range(self.connections)]
            said = [process.communicate(timeout=seconds + _GRACE)[0] for process in running]
        found = [_TIMED.search(text) for text in said]
        return Result(
            requests=sum(int(match[1]) for match in found if match),
            bytes=sum(int(match[1]) * int(match[2]) for match in found if match),
            seconds=monotonic() - began,
            errors=sum(match is None for match in found) + self._full(said),
        )

    def _full(self, said: list[str]) -> int:
        """Full handshakes where resumed ones were asked for, the first of each process apart."""
        if not self.resumed:
            return 0
        # Each handshake prints one character before the first line: * when it was a full one.
        return sum(max(0, text.partition("\n")[0].count("*") - 1) for text in said)
