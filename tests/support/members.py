"""
Members for live tests: real nginx processes with endpoints that show what reached them.

============================  ====================================================
``/`` and any other path      200, ``member NAME`` and a line feed
``/echo``                     200, the request's head as it arrived (method, target,
                              version, field lines in their order)
``/body``                     200, the request's body
``/status/NNN``               that status (see C{STATUSES})
``/bytes/SIZE``               that many bytes of a repeating pattern (see C{SIZES})
``/slow/SIZE``                the same at 16 KiB a second
``/late/SECONDS``             200 after that time (see C{DELAYS})
``/pieces``                   a chunked answer in three flushed pieces, 0.1 s apart
============================  ====================================================

Every answer has C{X-Member: NAME}, and C{X-Connection}, a number that tells
connections apart, for counting how many FiberLB opened.
"""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from tests.support.ports import free_port
from tests.support.programs import Program, accepts, need, temporary_directory

STATUSES = (200, 201, 204, 301, 302, 304, 400, 401, 403, 404, 405, 429, 500, 502, 503, 504)
SIZES = (0, 1, 1024, 65536, 1048576, 16777216)
DELAYS = ("0.2", "0.5", "1", "2", "5", "30")

_ECHO_MODULE = "/usr/lib/nginx/modules/ngx_http_echo_module.so"
_PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"

_CONFIGURATION = """
load_module {module};
daemon off;
master_process off;
worker_processes 1;
pid {directory}/pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    log_format member '{mark} $status $request_method $request_uri $connection '
                      '"$http_host" "$http_x_forwarded_for" "$http_user_agent"';
    access_log /dev/stdout member;
    default_type text/plain;
    keepalive_timeout {keep_alive};
    keepalive_requests 1000000;
    client_max_body_size 0;
    client_body_buffer_size 1m;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen {listen} {tls};
        {certificate}
        add_header X-Member {name} always;
        add_header X-Connection $connection always;
        location / {{ return 200 "member {name}\\n"; }}
        location = /echo {{ echo -n $echo_client_request_headers; }}
        location = /body {{ echo_read_request_body; echo_request_body; }}
        location = /pieces {{
            echo -n one; echo_flush; echo_sleep 0.1; echo -n two; echo_flush; echo_sleep 0.1;
            echo -n three;
        }}
        location /bytes/ {{ alias {directory}/files/; }}
        location /slow/ {{ limit_rate 16k; alias {directory}/files/; }}
{locations}
    }}
}}
"""


@attrs.frozen
class Logged:
    """One line of a member's access log."""

    status: int
    method: str
    target: str
    connection: str
    host: str
    forwarded_for: str
    user_agent: str


_MARK = "request"
_LOGGED = re.compile(rf'{_MARK} (\d+) (\S+) (\S+) (\d+) "(.*?)" "(.*?)" "(.*?)"$')


class Member:
    """
    An nginx that says who it is.

    The same port is used each time it is started, so a member can die and come back.

    @ivar name: in C{X-Member} and in the body of C{/}.
    @ivar address: C{HOST:PORT}, as members are written in the configuration.
    """

    def __init__(
        self,
        name: str,
        *,
        port: int | None = None,
        host: str = "127.0.0.1",
        keep_alive: str = "75s",
        tls: tuple[str, str] | None = None,
        extra: str = "",
    ) -> None:
        """
        @param host: where it listens, an IP address.
        @param keep_alive: how long nginx keeps an idle connection; C{0} closes each.
        @param tls: the paths of a certificate chain and its key, to serve TLS.
        @param extra: further C{location} blocks.
        """
        self._nginx = need("nginx")
        need_module()
        self.name = name
        self.port = port if port is not None else free_port()
        self.host = host
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.directory = temporary_directory()
        self.program: Program | None = None
        self._write(keep_alive, tls, extra)

    def _write(self, keep_alive: str, tls: tuple[str, str] | None, extra: str) -> None:
        files = Path(self.directory, "files")
        files.mkdir()
        for size in SIZES:
            (files / str(size)).write_bytes((_PATTERN * (size // len(_PATTERN) + 1))[:size])
        locations = [f"location = /status/{s} {{ return {s}; }}" for s in STATUSES]
        locations += [
            f'location = /late/{d} {{ echo_sleep {d}; echo "member {self.name}"; }}' for d in DELAYS
        ]
        text = _CONFIGURATION.format(
            module=_ECHO_MODULE,
            directory=self.directory,
            mark=_MARK,
            keep_alive=keep_alive,
            listen=self.address,
            tls="ssl" if tls else "",
            certificate=f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]};" if tls else "",
            name=self.name,
            locations="\n".join([*locations, extra]),
        )
        Path(self.directory, "nginx.conf").write_text(text)

    def start(self) -> Member:
        """Start it and wait until it accepts; itself, so that it can be chained."""
        command = [self._nginx, "-p", self.directory, "-c", f"{self.directory}/nginx.conf"]
        # -e: nginx opens a log before it reads the configuration.
        self.program = Program([*command, "-e", "stderr"], cwd=self.directory)
        self.program.wait_until(lambda: accepts(self.port, self.host))
        return self

    def stop(self) -> None:
        """End it in order; its port refuses connections afterwards."""
        if self.program is not None:
            self.program.stop()

    def kill(self) -> None:
        """End it as a crash would: connections are reset or closed by the kernel."""
        if self.program is not None:
            self.program.kill()

    def requests(self) -> list[Logged]:
        """The requests served since the last start, those of health checks included."""
        assert self.program is not None
        found = filter(None, map(_LOGGED.search, self.program.output.splitlines()))
        return [Logged(int(m[1]), m[2], m[3], m[4], m[5], m[6], m[7]) for m in found]

    def wait_for_request(self, pattern: str) -> str:
        """The log line of a request whose method, target and so on match, waiting for it."""
        assert self.program is not None
        return self.program.wait_for_line(rf"{_MARK} .*(?:{pattern})")


def need_module() -> None:
    """
    Nginx's echo module.

    @raise SkipTest: it is missing; a failure where C{FIBERLB_REQUIRE} names nginx.
    """
    if not Path(_ECHO_MODULE).exists():
        need("nginx-echo-module")
