"""
FiberLB itself, in one process, and variants: on Twisted's own reactor, writing an access log,
compiled, with worker processes.

The compiled one is that of another environment, whose folder C{FIBERLB_COMPILED} names.
"""

from __future__ import annotations

import os
from pathlib import Path
from unittest import SkipTest

from benchmarks.setting import Front, Proxy, Setting, started
from tests.support.ports import free_port
from tests.support.programs import venv_program

_FILE = """\
version: 1
state_directory: {folder}/state
store: "memory:"
admin: {{listen: "127.0.0.1:{admin}"}}
workers: {workers}
{log}
{certificates}
pools:
  - {{name: origin, protocol: {pool}, {verified} members: ["127.0.0.1:{origin}"]}}
listeners:
  - name: in
    address: 127.0.0.1
    port: {port}
    protocol: {front}
    default_pool_id: origin
    {tls}
{extra}
"""


def fiberlb(setting: Setting) -> Proxy:
    """FiberLB as C{fiberlb run} starts it."""
    return _fiberlb("fiberlb", setting, [venv_program("fiberlb"), "run"])


def on_stock_reactor(setting: Setting) -> Proxy:
    """The same on the epoll reactor that Twisted installs by itself."""
    twistd = [venv_program("twistd"), "-n", "--pidfile=", "--reactor=epoll", "fiberlb"]
    return _fiberlb("fiberlb-epoll", setting, twistd)


def with_access_log(setting: Setting) -> Proxy:
    """FiberLB writing a line for each request, into a file."""
    command = [venv_program("fiberlb"), "run"]
    return _fiberlb("fiberlb-log", setting, command, "{{format: combined, path: {}/log}}")


def compiled(setting: Setting) -> Proxy:
    """
    FiberLB as C{FIBERLB_COMPILE=1 pip install .} has installed it elsewhere.

    @raise SkipTest: C{FIBERLB_COMPILED} is not set.
    """
    environment = os.environ.get("FIBERLB_COMPILED")
    if not environment:
        raise SkipTest("FIBERLB_COMPILED names no environment with a compiled build")
    program = str(Path(environment).absolute() / "bin" / "fiberlb")
    return _fiberlb("fiberlb-compiled", setting, [program, "run"])


def one_worker(setting: Setting) -> Proxy:
    """FiberLB with a process for traffic beside the one for changes."""
    return _fiberlb("fiberlb-1", setting, [venv_program("fiberlb"), "run"], workers=1)


def two_workers(setting: Setting) -> Proxy:
    """FiberLB with two processes for traffic; the one core they share here."""
    return _fiberlb("fiberlb-2", setting, [venv_program("fiberlb"), "run"], workers=2)


def _fiberlb(
    name: str, setting: Setting, command: list[str], log: str = "", workers: int = 0
) -> Proxy:
    folder, port = setting.folder(name), free_port()
    certificates = [f"{{name: c, certificate: 'file:{setting.pem}'}}"] if setting.secure else []
    pool = "tcp" if setting.front is Front.TCP else "http"
    verified = ""
    if setting.trusted is not None:
        public = folder / "trusted.pem"
        public.write_text(setting.trusted.read_text().partition("-----BEGIN PRIVATE")[0])
        certificates.append(f"{{name: o, cert_type: client_ca, certificate: 'file:{public}'}}")
        pool = "https"
        verified = "tls_config: {server_name: localhost, ca_certificate_id: o},"
    text = _FILE.format(
        folder=folder,
        workers=workers,
        admin=free_port(),
        port=port,
        origin=setting.origin,
        front=setting.front.value,
        log=f"access_log: {log.format(folder)}" if log else "",
        pool=pool,
        verified=verified,
        certificates=f"certificates: [{', '.join(certificates)}]" if certificates else "",
        tls="tls_config: {certificate_id: c}" if setting.secure else "",
        extra=setting.extras.get("fiberlb", ""),
    )
    (folder / "fiberlb.yaml").write_text(text)
    command = [*command, "-c", f"{folder}/fiberlb.yaml"]
    return started(name, port, setting.cores.pin_proxy(command), folder)
