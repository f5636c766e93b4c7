"""HAProxy with one thread; idle connections to the origin are shared by all clients."""

from __future__ import annotations

from benchmarks.setting import Front, Proxy, Setting, started
from tests.support.ports import free_port
from tests.support.programs import need

_FILE = """
global
    nbthread 1
    maxconn 8000
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
{reuse}
    server origin 127.0.0.1:{origin} {verified}
"""

_FORWARDED = """
    option forwardfor
    http-request set-header X-Forwarded-Proto {scheme}
    http-request set-header X-Forwarded-Port {port}
"""

_VERIFIED = "ssl verify required ca-file {pem} sni str(localhost) verifyhost localhost"

# Without it the first request of each client gets a new connection to the server,
# which no other proxy here does.
_REUSE = """
    option http-keep-alive
    http-reuse always
"""


def haproxy(setting: Setting) -> Proxy:
    """HAProxy as Debian has it."""
    folder, port = setting.folder("haproxy"), free_port()
    bytes_only = setting.front is Front.TCP
    text = _FILE.format(
        port=port,
        origin=setting.origin,
        mode="tcp" if bytes_only else "http",
        ssl=f"ssl crt {setting.pem} ssl-min-ver TLSv1.2" if setting.secure else "",
        forwarded="" if bytes_only else _FORWARDED.format(scheme=setting.front.value, port=port),
        reuse="" if bytes_only else _REUSE,
        verified=_VERIFIED.format(pem=setting.trusted) if setting.trusted else "",
        extra=setting.extras.get("haproxy", ""),
    )
    (folder / "haproxy.cfg").write_text(text)
    command = [need("haproxy"), "-db", "-f", f"{folder}/haproxy.cfg"]
    return started("haproxy", port, setting.cores.pin_proxy(command), folder)
