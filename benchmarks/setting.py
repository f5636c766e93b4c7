"""What the proxies of one measurement have in common: the origin, a certificate, a folder each."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

import attrs

from benchmarks.machine import Cores
from tests.support.programs import Program, accepts, need


class Front(Enum):
    """What the proxies speak to clients; to the origin it is HTTP, or bytes with C{TCP}."""

    HTTP = "http"
    HTTPS = "https"
    TCP = "tcp"


@attrs.frozen
class Setting:
    """
    One way to configure all the proxies.

    @ivar directory: each proxy keeps its files in a folder below.
    @ivar origin: the port of the server behind all of them.
    @ivar extras: by the proxy's name, lines for a scenario's own purpose: in HAProxy's
        C{frontend}, in nginx's C{server}, in Caddy's site, at the end of FiberLB's file.
    @ivar trusted: the origin speaks TLS, as C{localhost}, with this certificate, and the
        proxies verify it; C{None}: it speaks plainly.
    """

    directory: Path
    origin: int
    cores: Cores
    front: Front = Front.HTTP
    extras: Mapping[str, str] = attrs.field(factory=dict)
    trusted: Path | None = None

    @property
    def secure(self) -> bool:
        """Whether clients speak TLS."""
        return self.front is Front.HTTPS

    @property
    def pem(self) -> Path:
        """
        A certificate for C{localhost} and C{127.0.0.1} with its key, in one file.

        It is made when it is first asked for: ECDSA, P-256.
        """
        path = self.directory / "both.pem"
        if not path.exists():
            _make_certificate(self.directory, path)
        return path

    def folder(self, name: str) -> Path:
        """A new folder for one proxy."""
        made = self.directory / name
        made.mkdir()
        return made


@attrs.frozen
class Proxy:
    """A proxy that runs, or the origin."""

    name: str
    port: int
    program: Program


def started(
    name: str, port: int, command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None
) -> Proxy:
    """
    Start a program and wait until it accepts connections on C{port}.

    @raise tests.support.programs.NotStarted: it ended, or does not listen within 20 s.
    """
    program = Program(command, cwd=str(folder), env=env)
    try:
        program.wait_until(lambda: accepts(port))
    except BaseException:
        program.stop()
        raise
    return Proxy(name, port, program)


def _make_certificate(directory: Path, path: Path) -> None:
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    command = [need("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "30"]
    command += ["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    path.write_text(certificate.read_text() + key.read_text())
