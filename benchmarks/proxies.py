"""
The proxies that are compared, each configured to do the same work.

One thread or process each, keep-alive on both sides, no access log, and the
client's address, scheme and port handed on in C{X-Forwarded-*}.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from benchmarks.machine import Cores
from tests.support.ports import free_port
from tests.support.programs import Program, accepts, need, venv_program


@attrs.frozen
class Setting:
    """
    What the proxies of one measurement have in common.

    @ivar directory: each proxy keeps its files in a folder below.
    @ivar origin: the port of the server behind all of them.
    @ivar extras: by the proxy's name, lines for a scenario's own purpose: in HAProxy's
        C{frontend}, in nginx's C{server}, at the end of FiberLB's file.
    """

    directory: Path
    origin: int
    cores: Cores
    extras: Mapping[str, str] = attrs.field(factory=dict)

    def folder(self, name: str) -> Path:
        """A new folder for one proxy."""
        made = self.directory / name
        made.mkdir()
        return made


@attrs.frozen
class Proxy:
    """A proxy that runs."""

    name: str
    port: int
    program: Program


_ORIGIN = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
}}
"""

_SERVED = """
    sendfile on;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        default_type text/html;
        location / {{ return 200 "{body}"; }}
        location /files/ {{ alias {folder}/files/; }}
    }}
"""

_FORWARDED = """
    upstream origin {{ server 127.0.0.1:{origin}; keepalive 128; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Port $server_port;
        location / {{ proxy_pass http://origin; }}
        {extra}
    }}
"""

_HAPROXY = """
global
    nbthread 1
    maxconn 4000
defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    http-reuse always
frontend in
    bind 127.0.0.1:{port} backlog 4096
    option forwardfor
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Port {port}
    default_backend out
{extra}
backend out
    server origin 127.0.0.1:{origin}
"""

_FIBERLB = """\
version: 1
state_directory: {folder}/state
store: "memory:"
admin: {{listen: "127.0.0.1:{admin}"}}
pools:
  - name: origin
    members: ["127.0.0.1:{origin}"]
listeners:
  - {{name: in, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: origin}}
{extra}
"""


def start_origin(setting: Setting, files: Mapping[str, int]) -> Proxy:
    """
    The server behind the proxies, on the load's CPUs: 1 KiB for every path.

    @param files: name -> size of what is served below C{/files/}.
    """
    folder = setting.folder("origin")
    (folder / "files").mkdir()
    for name, size in files.items():
        (folder / "files" / name).write_bytes(bytes(size))
    served = _SERVED.format(port=setting.origin, body="x" * 1024, folder=folder)
    return _nginx("origin", folder, setting.origin, served, setting.cores.pin_load)


def _nginx(
    name: str, folder: Path, port: int, http: str, pin: Callable[[list[str]], list[str]]
) -> Proxy:
    (folder / "nginx.conf").write_text(_ORIGIN.format(folder=folder, http=http))
    command = [need("nginx"), "-p", str(folder), "-c", f"{folder}/nginx.conf", "-e", "stderr"]
    return _started(name, port, pin(command), folder)


def _started(name: str, port: int, command: list[str], folder: Path) -> Proxy:
    program = Program(command, cwd=str(folder))
    program.wait_until(lambda: accepts(port))
    return Proxy(name, port, program)


def _haproxy(setting: Setting) -> Proxy:
    folder, port = setting.folder("haproxy"), free_port()
    extra = setting.extras.get("haproxy", "")
    text = _HAPROXY.format(port=port, origin=setting.origin, extra=extra)
    (folder / "haproxy.cfg").write_text(text)
    command = [need("haproxy"), "-db", "-f", f"{folder}/haproxy.cfg"]
    return _started("haproxy", port, setting.cores.pin_proxy(command), folder)


def _nginx_proxy(setting: Setting) -> Proxy:
    folder, port = setting.folder("nginx"), free_port()
    extra = setting.extras.get("nginx", "")
    http = _FORWARDED.format(port=port, origin=setting.origin, extra=extra)
    return _nginx("nginx", folder, port, http, setting.cores.pin_proxy)


def _twisted(setting: Setting) -> Proxy:
    folder, port = setting.folder("twisted"), free_port()
    script = str(Path(__file__).with_name("stock_proxy.py"))
    command = [sys.executable, script, str(port), str(setting.origin)]
    return _started("twisted", port, setting.cores.pin_proxy(command), folder)


def _fiberlb(setting: Setting) -> Proxy:
    folder, port = setting.folder("fiberlb"), free_port()
    extra = setting.extras.get("fiberlb", "")
    text = _FIBERLB.format(
        folder=folder, admin=free_port(), port=port, origin=setting.origin, extra=extra
    )
    (folder / "fiberlb.yaml").write_text(text)
    command = [venv_program("twistd"), "-n", "--pidfile=", "--reactor=fiberlb", "fiberlb"]
    command += ["-c", f"{folder}/fiberlb.yaml"]
    return _started("fiberlb", port, setting.cores.pin_proxy(command), folder)


#: Every proxy that can be compared, in the order of the report.
PROXIES: Mapping[str, Callable[[Setting], Proxy]] = {
    "haproxy": _haproxy,
    "nginx": _nginx_proxy,
    "fiberlb": _fiberlb,
    "twisted": _twisted,
}
