"""nginx's stream module around a FiberLB: PROXY headers that it sends, and that it reads."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.certificates import authority, leaf
from tests.support.ports import free_ports
from tests.support.programs import Program, accepts, need, temporary_directory

#: Of FiberLB: listeners that await PROXY headers.
LISTENS = ("plain", "bytes", "bytes2", "ended")
#: Of nginx: before each of them, and behind them.
BEFORE = tuple(f"to_{name}" for name in LISTENS)
#: Where clients come from, and where nginx connects to FiberLB from.
CLIENT, PROXY = "127.0.0.5", "127.0.0.9"
_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
_NGINX = """
load_module {module};
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ }}
stream {{
    proxy_bind 127.0.0.9;
    proxy_protocol on;
    {forwards}
    server {{
        listen 127.0.0.1:{told} proxy_protocol;
        return "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_port";
    }}
}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{web} proxy_protocol;
        location / {{
            return 200 "$proxy_protocol_addr $proxy_protocol_port $http_x_forwarded_for";
        }}
    }}
}}
"""
_FORWARD = "server {{ listen 127.0.0.1:{at}; proxy_pass 127.0.0.1:{to}; }}\n"
_FIBERLB = """
trusted_proxies: [127.0.0.9]
certificates:
  - {{name: main, certificate: "file:{pem}", private_key: "file:{pem}"}}
pools:
  - {{name: web, proxy_protocol: v2, members: ["127.0.0.1:{web}"]}}
  - {{name: one, protocol: tcp, proxy_protocol: v1, members: ["127.0.0.1:{told}"]}}
  - {{name: two, protocol: tcp, proxy_protocol: v2, members: ["127.0.0.1:{told}"]}}
x-l: &l {{address: 127.0.0.1, accept_proxy_protocol: true}}
listeners:
  - {{<<: *l, name: plain, port: {plain}, protocol: http, default_pool_id: web}}
  - {{<<: *l, name: bytes, port: {bytes}, protocol: tcp, default_pool_id: one}}
  - {{<<: *l, name: bytes2, port: {bytes2}, protocol: tcp, default_pool_id: two}}
  - {{<<: *l, name: ended, port: {ended}, protocol: https, default_pool_id: web,
      tls_config: {{certificate_id: main}}}}
"""
_ASK = b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"


class NginxStreamTests(SynchronousTestCase):
    """Through nginx to FiberLB, and on to nginx: the client is the same at both ends."""

    def setUp(self) -> None:
        """One nginx, and a FiberLB in the middle of it."""
        if not Path(_MODULE).exists():
            need("nginx-stream-module")
        names = [*LISTENS, *BEFORE, "told", "web"]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        directory = temporary_directory()
        made = leaf("a.test", issuer=authority())
        pem = Path(directory, "both.pem")
        pem.write_text(made.chain + made.key_pem())
        forwards = "".join(
            _FORWARD.format(at=self.ports[f"to_{name}"], to=self.ports[name]) for name in LISTENS
        )
        given = {
            **self.ports,
            "module": _MODULE,
            "directory": directory,
            "pem": str(pem),
            "forwards": forwards,
        }
        path = Path(directory, "nginx.cfg")
        path.write_text(_NGINX.format(**given))
        self.nginx = Program([need("nginx"), "-c", str(path)], cwd=directory)
        self.addCleanup(self.nginx.stop)
        self.nginx.wait_until(lambda: accepts(self.ports["web"]))
        balancer = Balancer(_FIBERLB.format(**given), workers=0)
        self.addCleanup(balancer.stop)
        balancer.start(self.ports["plain"])

    def through(self, name: str, data: bytes, secure: bool = False) -> tuple[list[str], int]:
        """The words of an answer from the far end, and the port that was connected from."""
        sock = socket.create_connection(
            ("127.0.0.1", self.ports[name]), timeout=20, source_address=(CLIENT, 0)
        )
        port: int = sock.getsockname()[1]
        if secure:
            context = ssl.create_default_context(cadata=authority().pem)
            sock = context.wrap_socket(sock, server_hostname="a.test")
        with sock:
            if data:
                sock.sendall(data)
            found = b""
            while piece := sock.recv(65536):
                found += piece
        return found.rpartition(b"\r\n\r\n")[2].decode().split(), port

    def test_http(self) -> None:
        """An HTTP listener, and a TLS one: the member learns the address both ways."""
        for name, secure in (("to_plain", False), ("to_ended", True)):
            told, port = self.through(name, _ASK, secure)
            self.assertEqual(told, [CLIENT, str(port), CLIENT], name)

    def test_tcp(self) -> None:
        """TCP listeners, sending version 1 and version 2 on: address and port, and where to."""
        for name in ("to_bytes", "to_bytes2"):
            told, port = self.through(name, b"")
            self.assertEqual(told, [CLIENT, str(port), str(self.ports[name])], name)

    def test_untrusted(self) -> None:
        """The same header from an address that is not trusted: a reset, and no member."""
        sock = socket.create_connection(("127.0.0.1", self.ports["plain"]), timeout=20)
        with sock:
            sock.sendall(b"PROXY TCP4 127.0.0.5 127.0.0.1 1 2\r\n" + _ASK)
            self.assertRaises(ConnectionResetError, sock.recv, 1)
