"""
The proxies that are compared, each configured to do the same work.

One thread or process each, keep-alive on both sides, no access log, and the
client's address, scheme and port handed on in C{X-Forwarded-*}. Over TLS all
have the same certificate (ECDSA, P-256) and TLS 1.2 and 1.3.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from unittest import SkipTest

import attrs

from benchmarks.machine import Cores
from tests.support.ports import free_port
from tests.support.programs import Program, accepts, need, venv_program


class Front(Enum):
    """What the proxies speak to clients; to the origin it is HTTP, or bytes with C{TCP}."""

    HTTP = "http"
    HTTPS = "https"
    TCP = "tcp"


@attrs.frozen
class Setting:
    """
    What the proxies of one measurement have in common.

    @ivar directory: each proxy keeps its files in a folder below.
    @ivar origin: the port of the server behind all of them.
    @ivar extras: by the proxy's name, lines for a scenario's own purpose: in HAProxy's
        C{frontend}, in nginx's C{server}, at the end of FiberLB's file.
    @ivar pem: the path of a certificate with its key, for C{HTTPS}.
    """

    directory: Path
    origin: int
    cores: Cores
    front: Front = Front.HTTP
    extras: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def pem(self) -> Path:
        """A certificate for C{localhost} with its key, in one file; made when first asked for."""
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
    """A proxy that runs."""

    name: str
    port: int
    program: Program


def _make_certificate(directory: Path, path: Path) -> None:
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    command = [need("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "30"]
    command += ["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    path.write_text(certificate.read_text() + key.read_text())


_NGINX = """
{modules}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 8192; }}
{blocks}
"""

_HTTP = """
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
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
        listen 127.0.0.1:{port} {ssl} backlog=4096;
        {certificate}
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

_NGINX_TLS = """
        ssl_certificate {pem};
        ssl_certificate_key {pem};
        ssl_protocols TLSv1.2 TLSv1.3;
"""

_STREAM = """
stream {{ server {{ listen 127.0.0.1:{port} backlog=4096; proxy_pass 127.0.0.1:{origin}; }} }}
"""
_STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"

_HAPROXY = """
global
    nbthread 1
    maxconn 4000
defaults
    mode {mode}
    timeout connect 5s
    timeout client 300s
    timeout server 300s
frontend in
    bind 127.0.0.1:{port} backlog 4096 {ssl}
    default_backend out
{forwarded}
{extra}
backend out
    server origin 127.0.0.1:{origin}
"""

_HAPROXY_FORWARDED = """
    option forwardfor
    http-request set-header X-Forwarded-Proto {scheme}
    http-request set-header X-Forwarded-Port {port}
"""

_FIBERLB = """\
version: 1
state_directory: {folder}/state
store: "memory:"
admin: {{listen: "127.0.0.1:{admin}"}}
{certificates}
pools:
  - {{name: origin, protocol: {pool}, members: ["127.0.0.1:{origin}"]}}
listeners:
  - name: in
    address: 127.0.0.1
    port: {port}
    protocol: {front}
    default_pool_id: origin
    {tls}
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
    blocks = _HTTP.format(folder=folder, servers=served)
    return _nginx("origin", folder, setting.origin, blocks, setting.cores.pin_load)


def _nginx(
    name: str,
    folder: Path,
    port: int,
    blocks: str,
    pin: Callable[[list[str]], list[str]],
    modules: str = "",
) -> Proxy:
    text = _NGINX.format(folder=folder, blocks=blocks, modules=modules)
    (folder / "nginx.conf").write_text(text)
    command = [need("nginx"), "-p", str(folder), "-c", f"{folder}/nginx.conf", "-e", "stderr"]
    return _started(name, port, pin(command), folder)


def _started(name: str, port: int, command: list[str], folder: Path) -> Proxy:
    program = Program(command, cwd=str(folder))
    program.wait_until(lambda: accepts(port))
    return Proxy(name, port, program)


def _haproxy(setting: Setting) -> Proxy:
    folder, port = setting.folder("haproxy"), free_port()
    scheme = setting.front.value
    forwarded = _HAPROXY_FORWARDED.format(scheme=scheme, port=port)
    text = _HAPROXY.format(
        port=port,
        origin=setting.origin,
        mode="tcp" if setting.front is Front.TCP else "http",
        ssl=f"ssl crt {setting.pem} ssl-min-ver TLSv1.2" if setting.front is Front.HTTPS else "",
        forwarded="" if setting.front is Front.TCP else forwarded,
        extra=setting.extras.get("haproxy", ""),
    )
    (folder / "haproxy.cfg").write_text(text)
    command = [need("haproxy"), "-db", "-f", f"{folder}/haproxy.cfg"]
    return _started("haproxy", port, setting.cores.pin_proxy(command), folder)


def _nginx_proxy(setting: Setting) -> Proxy:
    folder, port = setting.folder("nginx"), free_port()
    if setting.front is Front.TCP:
        if not Path(_STREAM_MODULE).exists():
            raise SkipTest("nginx has no stream module")
        blocks = _STREAM.format(port=port, origin=setting.origin)
        modules = f"load_module {_STREAM_MODULE};"
        return _nginx("nginx", folder, port, blocks, setting.cores.pin_proxy, modules)
    pem = setting.pem if setting.front is Front.HTTPS else None
    servers = _FORWARDED.format(
        port=port,
        origin=setting.origin,
        ssl="ssl" if pem else "",
        certificate=_NGINX_TLS.format(pem=pem) if pem else "",
        extra=setting.extras.get("nginx", ""),
    )
    blocks = _HTTP.format(folder=folder, servers=servers)
    return _nginx("nginx", folder, port, blocks, setting.cores.pin_proxy)


def _twisted(setting: Setting) -> Proxy:
    folder, port = setting.folder("twisted"), free_port()
    script = str(Path(__file__).with_name("stock_proxy.py"))
    command = [sys.executable, script, str(port), str(setting.origin), setting.front.value]
    if setting.front is Front.HTTPS:
        command.append(str(setting.pem))
    return _started("twisted", port, setting.cores.pin_proxy(command), folder)


def _fiberlb(setting: Setting) -> Proxy:
    folder, port = setting.folder("fiberlb"), free_port()
    secure = setting.front is Front.HTTPS
    text = _FIBERLB.format(
        folder=folder,
        admin=free_port(),
        port=port,
        origin=setting.origin,
        front=setting.front.value,
        pool="tcp" if setting.front is Front.TCP else "http",
        certificates=f"certificates: [{{name: c, certificate: 'file:{setting.pem}'}}]"
        if secure
        else "",
        tls="tls_config: {certificate_id: c}" if secure else "",
        extra=setting.extras.get("fiberlb", ""),
    )
    (folder / "fiberlb.yaml").write_text(text)
    command = [venv_program("fiberlb"), "run", "-c", f"{folder}/fiberlb.yaml"]
    return _started("fiberlb", port, setting.cores.pin_proxy(command), folder)


#: Every proxy that can be compared, in the order of the report.
PROXIES: Mapping[str, Callable[[Setting], Proxy]] = {
    "haproxy": _haproxy,
    "nginx": _nginx_proxy,
    "fiberlb": _fiberlb,
    "twisted": _twisted,
}
