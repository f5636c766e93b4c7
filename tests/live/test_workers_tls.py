"""TLS with workers: a session of one is every other's, also of those that come later."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl

from tests.live.crew_case import CrewCase
from tests.support.certificates import authority, leaf
from tests.support.clients import PATIENCE
from tests.support.programs import temporary_directory

_TLS = """
certificates: [{{{{name: main, certificate: "file:{pem}", private_key: "file:{key}"}}}}]
pools: [{{{{name: web, members: ["{{member}}"]}}}}]
listeners:
  - {{{{name: web, address: 127.0.0.1, port: {{port}}, protocol: terminated_https,
      default_pool_id: web, tls_config: {{{{certificate_id: main}}}}}}}}
"""
_REQUEST = b"GET / HTTP/1.1\r\nHost: main.test\r\n\r\n"


class TicketTests(CrewCase):
    """Sessions resumed."""

    def start(self) -> None:
        """Two workers that serve TLS."""
        directory = temporary_directory()
        one = leaf("main.test", issuer=authority())
        texts = {"pem": one.chain, "key": one.key_pem()}
        paths = {}
        for name, text in texts.items():
            paths[name] = os.path.join(directory, f"main.{name}")
            with open(paths[name], "w", encoding="ascii") as file:
                file.write(text)
        self.crew(_TLS.format(**paths))

    def connect(
        self, context: ssl.SSLContext, session: ssl.SSLSession | None = None
    ) -> tuple[bool, str, ssl.SSLSession]:
        """A request: whether the session came back, who served it, the session it ended with."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as plain:
            secure = context.wrap_socket(plain, server_hostname="main.test", session=session)
            secure.sendall(_REQUEST)
            data = b""
            while b"member a\n" not in data:
                data += secure.recv(65536) or self.fail(f"cut off after {data!r}")
            found = re.search(rb"X-Connection: (\d+)", data)
            assert found is not None and secure.session is not None
            return secure.session_reused is True, found[1].decode(), secure.session

    def resumed(self, context: ssl.SSLContext, session: ssl.SSLSession) -> None:
        """One session is taken by every worker that there is."""
        served = set()
        for _ in range(24):
            again, by, _ = self.connect(context, session)
            self.assertTrue(again)
            served.add(by)
        self.assertEqual(len(served), 2, "one of the workers was never asked")

    def test_tickets(self) -> None:
        """Across workers, after a kill, after a restart of all, in both versions of TLS."""
        self.start()
        sessions = []
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cadata=authority().pem)
            context.minimum_version = context.maximum_version = version
            again, _, session = self.connect(context)
            self.assertFalse(again)
            sessions.append((context, session))
        for context, session in sessions:
            self.resumed(context, session)
        victim = self.pids(self.balancer)[0]
        os.kill(victim, signal.SIGKILL)
        self.program().wait_until(lambda: victim not in self.pids(self.balancer))
        self.wait_for_workers(2)
        for context, session in sessions:
            self.resumed(context, session)
        self.ask("/v1/workers/restart", "POST")
        for context, session in sessions:
            self.resumed(context, session)
