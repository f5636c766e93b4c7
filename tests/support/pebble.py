"""Pebble, the authority that Let's Encrypt has for tests, and the names that it asks for."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.support.certificates import authority, leaf
from tests.support.ports import free_ports
from tests.support.programs import Program, accepts, need, temporary_directory


class Pebble:
    """
    An authority; every name it asks for is this machine.

    @ivar directory: its URL.
    @ivar roots: PEM that its own certificate is judged by.
    """

    def __init__(
        self,
        http: int,
        tls: int,
        *,
        validity: int = 86400 * 90,
        sleep: int = 0,
    ) -> None:
        """
        @param http, tls: the ports that it comes to.
        @param validity: seconds.
        @param sleep: seconds that it waits at the most before it comes.
        """
        pebble, names = need("pebble"), need("pebble-challtestsrv")
        where = Path(temporary_directory())
        own = leaf("localhost")
        (where / "own.pem").write_text(own.chain)
        (where / "own.key").write_text(own.key_pem())
        self.roots = authority().pem
        self.port, manage, dns, dns_manage = free_ports(4)
        self.directory = f"https://localhost:{self.port}/dir"
        settings = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{manage}",
            "certificate": "own.pem",
            "privateKey": "own.key",
            "httpPort": http,
            "tlsPort": tls,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "certificateValidityPeriod": validity,
        }
        (where / "pebble.json").write_text(json.dumps({"pebble": settings}))
        self.names = Program(
            [
                *(names, "-defaultIPv6", "", "-dns01", f"127.0.0.1:{dns}"),
                *("-http01", "", "-https01", "", "-tlsalpn01", ""),
                *("-management", f"127.0.0.1:{dns_manage}"),
            ],
            cwd=str(where),
        )
        # It refuses a nonce now and then, and proves every name for every order.
        environment = {
            "PATH": os.environ["PATH"],
            "PEBBLE_WFE_NONCEREJECT": "10",
            "PEBBLE_AUTHZREUSE": "0",
        }
        environment.update(
            {"PEBBLE_VA_SLEEPTIME": str(sleep)} if sleep else {"PEBBLE_VA_NOSLEEP": "1"}
        )
        command = [pebble, "-config", "pebble.json", "-dnsserver", f"127.0.0.1:{dns}"]
        self.program = Program(command, cwd=str(where), env=environment)
        try:
            self.program.wait_until(lambda: accepts(self.port))
            self.names.wait_until(lambda: accepts(dns_manage))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End both."""
        self.program.stop()
        self.names.stop()
