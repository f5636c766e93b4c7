"""TLS with workers: a session of one is every other's, also of those that come later."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
from pathlib import Path

from tests.live.crew_case import CrewCase
from tests.support.certificates import authority, leaf
from tests.support.clients import PATIENCE
from tests.support.programs import need, temporary_directory

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
        # They are told apart by their connections to the member, which may also be replaced.
        self.assertGreaterEqual(len(served), 2, "one of the workers was never asked")

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

    def s_client(self, version: str, *options: str) -> bool:
        """A request by openssl, which must be answered: whether its session was resumed."""
        command = [need("openssl"), "s_client", "-connect", f"127.0.0.1:{self.port}", "-ign_eof"]
        command += ["-servername", "main.test", version, *options]
        done = subprocess.run(
            command,
            input=b"GET / HTTP/1.1\r\nHost: main.test\r\nConnection: close\r\n\r\n",
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        said = done.stdout.decode()
        self.assertIn("member a\n", said, done.stderr)
        (how,) = set(re.findall(r"^(New|Reused), TLSv1", said, re.MULTILINE))
        return str(how) == "Reused"

    def template(self) -> int:
        """The process that has drawn the keys."""
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, _, rest = path.read_text().partition("(")[2].partition(")")
            except OSError:
                continue
            if name == "fiberlb-templ" and int(rest.split()[1]) == self.program().pid:
                return int(path.parent.name)
        raise AssertionError("no template")

    def test_rotation(self) -> None:
        """
        Another template has other keys, which is how they rotate: sessions from before begin anew
        and are served, those from after are every worker's.
        """
        self.start()
        directory = temporary_directory()
        for version in ("-tls1_2", "-tls1_3"):
            kept = os.path.join(directory, f"session{version}")
            self.assertFalse(self.s_client(version, "-sess_out", kept))
            self.assertEqual({self.s_client(version, "-sess_in", kept) for _ in range(8)}, {True})
        for _ in range(2):
            self.rotate()
            for version in ("-tls1_2", "-tls1_3"):
                kept = os.path.join(directory, f"session{version}")
                for _ in range(8):
                    self.assertFalse(self.s_client(version, "-sess_in", kept))
                self.assertFalse(self.s_client(version, "-sess_out", kept))
                found = {self.s_client(version, "-sess_in", kept) for _ in range(8)}
                self.assertEqual(found, {True})

    def rotate(self) -> None:
        """End the template: as after a day, another one comes, and workers of it."""
        before, template = set(self.pids(self.balancer)), self.template()
        os.kill(template, signal.SIGKILL)
        self.program().wait_until(
            lambda: not before & set(self.pids(self.balancer)) and self.serving()["serving"] == 2,
            within=60,
        )
