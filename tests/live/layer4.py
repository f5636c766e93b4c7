"""HAProxy and nginx around a FiberLB: sending PROXY headers before it, taking them behind it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.certificates import authority, leaf
from tests.support.ports import free_ports
from tests.support.programs import Program, accepts, need, temporary_directory

#: Of FiberLB: what it listens for.
LISTENS = ("plain", "tcp", "ended", "passed", "open")
#: Of the programs: HAProxy before it (by version and listener), and what is behind it.
BEFORE = [f"v{version}-{name}" for version in (1, 2) for name in LISTENS[:4]]
BEHIND = ("http", "tls", "nginx")

_MEMBERS = """
global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend http
    bind 127.0.0.1:{http} accept-proxy
    http-request return status 200 content-type text/plain lf-string "{plain_text}"
frontend tls
    bind 127.0.0.1:{tls} ssl crt {directory}/both.pem accept-proxy
    http-request return status 200 content-type text/plain lf-string "{tls_text}"
"""
#: What the members say of who asks.
_TEXTS = {
    "plain_text": "%[src] %[hdr(x-forwarded-for)]",
    "tls_text": "%[src] %[ssl_fc_sni] %[fc_pp_authority]",
}
_FORWARD = """
listen {name}
    mode tcp
    bind 127.0.0.1:{port}
    server one 127.0.0.1:{to} source 127.0.0.9 {how}
"""
_NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{nginx} ssl proxy_protocol;
        ssl_certificate {directory}/both.pem;
        ssl_certificate_key {directory}/both.pem;
        location / {{ return 200 "$proxy_protocol_addr $ssl_server_name"; }}
    }}
}}
"""
_FIBERLB = """
trusted_proxies: [127.0.0.9]
certificates:
  - {{name: main, certificate: "file:{pem}", private_key: "file:{pem}"}}
  - {{name: root, cert_type: client_ca, certificate: "file:{root}"}}
pools:
  - {{name: http, proxy_protocol: v1, members: ["127.0.0.1:{http}"], health_monitor: http}}
  - {{name: bytes, protocol: tcp, proxy_protocol: v1, members: ["127.0.0.1:{http}"]}}
  - {{name: tls, protocol: tcp, proxy_protocol: v2, members: ["127.0.0.1:{tls}"],
      health_monitor: tcp}}
  - {{name: nginx, protocol: tcp, proxy_protocol: v2, members: ["127.0.0.1:{nginx}"]}}
  - &again {{name: again, protocol: https, proxy_protocol: v2, members: ["127.0.0.1:{nginx}"],
      tls_config: {{server_name: b.test, ca_certificate_id: root}}, health_monitor: https}}
  - {{<<: *again, name: again1, proxy_protocol: v1}}
x-l: &l {{address: 127.0.0.1, accept_proxy_protocol: true}}
listeners:
  - {{<<: *l, name: plain, port: {plain}, protocol: http, default_pool_id: http}}
  - {{<<: *l, name: tcp, port: {tcp}, protocol: tcp, default_pool_id: bytes}}
  - {{<<: *l, name: ended, port: {ended}, protocol: https, default_pool_id: http,
      tls_config: {{certificate_id: main}}, l7_policies: [
      {{name: again, redirect_pool_id: again, rules: [{{host_name: b.test}}]}},
      {{name: again1, redirect_pool_id: again1, rules: [{{host_name: c.test}}]}}]}}
  - {{<<: *l, name: passed, port: {passed}, protocol: https, l7_policies: &policies [
      {{name: tls, redirect_pool_id: tls, rules: [{{ssl_conn_sni: a.test}}]}},
      {{name: nginx, redirect_pool_id: nginx, rules: [{{ssl_conn_sni: [b.test, c.test]}}]}}]}}
  - {{address: 127.0.0.1, name: open, port: {open}, protocol: https, l7_policies: *policies}}
"""


class Surroundings:
    """
    The programs, and what FiberLB is to be told.

    @ivar ports: by the names above.
    @ivar configuration: of FiberLB.
    """

    def __init__(self) -> None:
        names = [*LISTENS, *BEFORE, *BEHIND]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.directory = temporary_directory()
        made = leaf("a.test", "b.test", issuer=authority())
        Path(self.directory, "both.pem").write_text(made.chain + made.key_pem())
        root = Path(self.directory, "root.pem")
        root.write_text(authority().pem)
        told = {**self.ports, **_TEXTS, "directory": self.directory, "root": str(root)}
        told["pem"] = f"{self.directory}/both.pem"
        self.configuration = _FIBERLB.format(**told)
        forwards = [
            _FORWARD.format(
                name=name,
                port=self.ports[name],
                to=self.ports[name.partition("-")[2]],
                how="send-proxy" if name.startswith("v1") else "send-proxy-v2",
            )
            for name in BEFORE
        ]
        self.haproxy = self._start("haproxy", _MEMBERS.format(**told) + "".join(forwards), "-db")
        self.nginx = self._start("nginx", _NGINX.format(**told))
        for name in (*BEFORE, "http"):
            port = self.ports[name]
            self.haproxy.wait_until(lambda port=port: accepts(port))  # type: ignore[misc]
        self.nginx.wait_until(lambda: accepts(self.ports["nginx"]))

    def _start(self, name: str, text: str, *options: str) -> Program:
        path = os.path.join(self.directory, f"{name}.cfg")
        Path(path).write_text(text)
        options = (*options, "-f", path) if name == "haproxy" else ("-c", path)
        return Program([need(name), *options], cwd=self.directory)

    def stop(self) -> None:
        """End them."""
        self.haproxy.stop()
        self.nginx.stop()
