"""Caddy: what a proxy in Go costs that is configured in a few lines."""

from __future__ import annotations

import os
from unittest import SkipTest

from benchmarks.setting import Front, Proxy, Setting, started
from tests.support.ports import free_port
from tests.support.programs import need

# More idle connections than its 32, since 64 clients at a time would have it reconnect all day.
# Without compression off it would ask for gzip, and unpack that, where the client did not ask.
_FILE = """
{{
    admin off
    auto_https off
    servers {{
        protocols h1 h2
    }}
    log {{
        level ERROR
    }}
}}
{scheme}://:{port} {{
    bind 127.0.0.1
    {tls}
    reverse_proxy 127.0.0.1:{origin} {{
        header_up X-Forwarded-Port {{port}}
        transport http {{
            keepalive 300s
            keepalive_idle_conns 1024
            keepalive_idle_conns_per_host 1024
            compression off
        }}
    }}
    {extra}
}}
"""


def caddy(setting: Setting) -> Proxy:
    """Caddy as Debian has it; one CPU is all it sees, so it runs one thread of Go at a time."""
    if setting.front is Front.TCP:
        raise SkipTest("as it comes, it relays no TCP")
    program = need("caddy")
    folder, port = setting.folder("caddy"), free_port()
    text = _FILE.format(
        port=port,
        scheme=setting.front.value,
        origin=setting.origin,
        tls=f"tls {setting.pem} {setting.pem}" if setting.secure else "",
        extra=setting.extras.get("caddy", ""),
    )
    (folder / "Caddyfile").write_text(text)
    command = [program, "run", "--adapter", "caddyfile", "--config", f"{folder}/Caddyfile"]
    env = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    env["XDG_DATA_HOME"] = str(folder)
    return started("caddy", port, setting.cores.pin_proxy(command), folder, env)
