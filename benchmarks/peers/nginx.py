"""nginx with one worker: as a proxy, and as the origin behind all of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from unittest import SkipTest

from benchmarks.setting import Front, Proxy, Setting, started
from tests.support.ports import free_port
from tests.support.programs import need

_FILE = """
{modules}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 16384; }}
{blocks}
"""

_HTTP = """
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    client_max_body_size 0;
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
        listen 127.0.0.1:{tls_port} ssl backlog=4096;
        ssl_certificate {pem};
        ssl_certificate_key {pem};
        ssl_protocols TLSv1.2 TLSv1.3;
        default_type text/html;
        location / {{ return 200 "{body}"; }}
        location /files/ {{ alias {folder}/files/; }}
        location /seen {{
            set $by "$http_x_forwarded_for|$http_x_forwarded_proto|$http_x_forwarded_port";
            return 200 "$by|$connection_requests";
        }}
    }}
"""

# Bodies are not written to files on their way: that is a choice, not the price of proxying.
# $host and not $http_host: clients of HTTP/1.0 may send none, and the origin refuses that.
_FORWARDED = """
    upstream origin {{ server 127.0.0.1:{origin}; keepalive 128; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port} {ssl} backlog=4096;
        server_name localhost;
        {certificate}
        proxy_request_buffering off;
        proxy_max_temp_file_size 0;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Port $server_port;
        location / {{ proxy_pass {scheme}://origin; }}
        {verified}
        {extra}
    }}
"""

_TLS = """
        ssl_certificate {pem};
        ssl_certificate_key {pem};
        ssl_protocols TLSv1.2 TLSv1.3;
"""

_VERIFIED = """
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate {pem};
        proxy_ssl_name localhost;
        proxy_ssl_server_name on;
        proxy_ssl_protocols TLSv1.2 TLSv1.3;
"""

_STREAM = """
stream {{ server {{ listen 127.0.0.1:{port} backlog=4096; proxy_pass 127.0.0.1:{origin}; }} }}
"""
_STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


def start_origin(setting: Setting, files: Mapping[str, int], tls_port: int) -> Proxy:
    """
    The server behind the proxies, on the load's CPUs: 1 KiB for every path.

    Below C{/seen} it tells the C{X-Forwarded-*} fields it got and how many requests the
    connection has carried.

    @param files: name -> size in bytes of what is served below C{/files/}.
    @param tls_port: where it does the same by TLS, with the setting's certificate.
    """
    folder = setting.folder("origin")
    (folder / "files").mkdir()
    for name, size in files.items():
        # Nothing repeats in it, so that whatever is lost, doubled or swapped shows.
        (folder / "files" / name).write_bytes(random.Random(name).randbytes(size))
    served = _SERVED.format(
        port=setting.origin, tls_port=tls_port, pem=setting.pem, body="x" * 1024, folder=folder
    )
    blocks = _HTTP.format(folder=folder, servers=served)
    return _nginx("origin", folder, setting.origin, blocks, setting.cores.pin_load)


def nginx(setting: Setting) -> Proxy:
    """nginx as Debian has it."""
    folder, port = setting.folder("nginx"), free_port()
    if setting.front is Front.TCP:
        if not Path(_STREAM_MODULE).exists():
            raise SkipTest("its stream module is not installed")
        blocks = _STREAM.format(port=port, origin=setting.origin)
        modules = f"load_module {_STREAM_MODULE};"
        return _nginx("nginx", folder, port, blocks, setting.cores.pin_proxy, modules)
    servers = _FORWARDED.format(
        port=port,
        origin=setting.origin,
        ssl="ssl" if setting.secure else "",
        certificate=_TLS.format(pem=setting.pem) if setting.secure else "",
        extra=setting.extras.get("nginx", ""),
        scheme="https" if setting.trusted else "http",
        verified=_VERIFIED.format(pem=setting.trusted) if setting.trusted else "",
    )
    blocks = _HTTP.format(folder=folder, servers=servers)
    return _nginx("nginx", folder, port, blocks, setting.cores.pin_proxy)


def _nginx(
    name: str,
    folder: Path,
    port: int,
    blocks: str,
    pin: Callable[[list[str]], list[str]],
    modules: str = "",
) -> Proxy:
    text = _FILE.format(folder=folder, blocks=blocks, modules=modules)
    (folder / "nginx.conf").write_text(text)
    command = [need("nginx"), "-p", str(folder), "-c", f"{folder}/nginx.conf", "-e", "stderr"]
    return started(name, port, pin(command), folder)
