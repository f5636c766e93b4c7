"""Steady load from wrk while a test does something to what serves it."""

from __future__ import annotations

import re

import attrs

from tests.support.programs import Program, need, temporary_directory


@attrs.frozen
class Told:
    """
    What wrk saw.

    @ivar errors: connections refused, reset, cut or timed out, and answers that are not 2xx.
    """

    requests: int
    errors: int
    text: str


class Load:
    """
    wrk with one thread.

    @param kept: requests share connections; else each has its own.
    """

    def __init__(
        self,
        port: int,
        seconds: float,
        *,
        kept: bool = False,
        connections: int = 16,
        scheme: str = "http",
    ) -> None:
        command = [need("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s"]
        if not kept:
            command += ["-H", "Connection: close"]
        address = f"{scheme}://127.0.0.1:{port}/"
        self._program = Program([*command, address], cwd=temporary_directory())

    def result(self) -> Told:
        """Wait for the end."""
        self._program.wait(60)
        text = self._program.output
        self._program.stop()
        requests = re.search(r"(\d+) requests in", text)
        errors = [int(number) for line in _ERRORS.findall(text) for number in _NUMBER.findall(line)]
        return Told(int(requests[1]) if requests else 0, sum(errors), text)


_ERRORS = re.compile(r"Socket errors:.*|Non-2xx.*")
_NUMBER = re.compile(r"\b\d+$|\b\d+(?=,)")
