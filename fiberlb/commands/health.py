"""
C{fiberlb health}: whether a FiberLB that runs here serves, for probes that start a process.

It is asked every few seconds on small machines, so it imports next to nothing: no
Twisted, no configuration. Where to ask, the process has written down in its state
directory.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import NoReturn

import click

from fiberlb.commands.exits import REFUSED, UNREACHABLE
from fiberlb.control.state_directory import state_directory

#: The file in the state directory that names the addresses (L{fiberlb.admin_ports}).
NOTE = "admin"
#: Octets of an answer that are read.
_LONGEST = 65536


@click.command()
@click.option(
    "-c", "--config", "path", metavar="FILE", help="The configuration file of the process."
)
@click.option("--state-directory", "directory", metavar="DIR", help="Its state directory.")
@click.option("--admin", "address", metavar="ADDRESS", help="HOST:PORT or unix:/path of its API.")
@click.option("--alive", is_flag=True, help="Ask only whether it lives (/healthz), not /readyz.")
@click.option("--timeout", default=5.0, show_default=True, help="Seconds that it may take.")
def health(
    path: str | None, directory: str | None, address: str | None, alive: bool, timeout: float
) -> None:
    """
    Whether a FiberLB that runs here serves: 0 yes, 1 no, 3 it cannot be reached.

    \b
    Example: fiberlb health --alive
    """
    target = "/healthz" if alive else "/readyz"
    until = time.monotonic() + timeout
    trouble = []
    for where in [address] if address else _addresses(path, directory):
        try:
            status = asked(where, target, until)
        except (OSError, ValueError) as why:
            trouble.append(f"{where}: {why}")
            continue
        if status != 200:
            _leave(REFUSED, f"{where}{target}: {status}")
        click.echo("alive" if alive else "ready")
        return
    _leave(UNREACHABLE, "; ".join(trouble) or "the admin API is off")


def _addresses(path: str | None, directory: str | None) -> list[str]:
    """
    Where the admin API listens, as the process that runs wrote it down.

    @raise SystemExit: nobody has.
    """
    if path is not None and directory is None:
        # Only this form reads the file: it is the slow one.
        from fiberlb.commands.where import settings_of

        directory = settings_of(path).state_directory
    place = state_directory(directory, os.environ, os.geteuid() == 0)
    try:
        return Path(place, NOTE).read_text("utf-8").split()
    except OSError as why:
        _leave(UNREACHABLE, f"{place}: no process says where it is asked: {why.strerror}")


def asked(address: str, target: str, until: float) -> int:
    """
    The status of an answer.

    @param address: C{HOST:PORT}, with or without C{http://} or C{https://}, or C{unix:/path}.
    @param until: seconds of the monotonic clock.
    @raise OSError: nobody answers in time.
    @raise ValueError: that is no address, or no answer.
    """
    request = f"GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()
    with _connected(address, until) as sock:
        sock.sendall(request)
        answer = b""
        while b"\r\n" not in answer and len(answer) < _LONGEST:
            sock.settimeout(_left(until))
            piece = sock.recv(4096)
            if not piece:
                break
            answer += piece
    words = answer.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("that is no HTTP")
    return int(words[1])


def _connected(address: str, until: float) -> socket.socket:
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(_left(until))
        try:
            sock.connect(address.removeprefix("unix:"))
        except OSError:
            sock.close()
            raise
        return sock
    scheme, _, place = address.rpartition("://")
    host, _, port = place.rpartition(":")
    sock = socket.create_connection((host.strip("[]"), int(port)), timeout=_left(until))
    return _secured(sock) if scheme == "https" else sock


def _secured(sock: socket.socket) -> socket.socket:
    """Its certificate is not looked at: nothing secret is said, and a lie would help nobody."""
    import ssl  # slow to import, and seldom needed

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(sock)
    except OSError:
        sock.close()
        raise


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left


def _leave(code: int, why: str) -> NoReturn:
    click.echo(why, err=True)
    raise SystemExit(code)
