"""Tests of L{fiberlb.admin_ports}."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from fiberlb.admin_ports import NOTE, AdminPorts, open_to
from fiberlb.control.document import load_file
from fiberlb.model.admin import AdminListen
from fiberlb.relay.held import Held
from fiberlb.starting import CannotStart, sentence
from tests.support.certificates import leaf

_THREE = """
version: 1
admin:
  listen: ["unix:/run/a", "[::1]:1", "10.0.0.1:2"]
  tls_config: {certificate: "file:a.pem"}
  tokens: [boss-boss-boss-boss]
"""


class _Port:
    """One that listens."""

    def __init__(self, host: Any = None) -> None:
        self.reads = True
        self._host = host

    def getHost(self) -> Any:
        return self._host

    def stopReading(self) -> None:
        self.reads = False

    def startReading(self) -> None:
        self.reads = True

    stopListening = stopReading


class _Reactor(Clock):
    """Notes its ports."""

    def __init__(self) -> None:
        super().__init__()
        self.factories: list[Any] = []
        self.ports: list[_Port] = []
        self.adopted: list[Any] = []
        self.backlogs: list[int] = []

    def adoptStreamPort(self, fd: int, family: int, factory: Any) -> _Port:
        with socket.socket(fileno=os.dup(fd)) as sock:
            self.adopted.append(sock.getsockname())
        self.ports.append(_Port(IPv4Address("TCP", *self.adopted[-1])))
        return self.ports[-1]

    def listenTCP(self, port: int, factory: Any, backlog: int, interface: str) -> _Port:
        self.backlogs.append(backlog)
        self.factories.append(factory)
        self.ports.append(_Port(IPv6Address("TCP", interface, port)))
        return self.ports[-1]

    def listenUNIX(self, path: str, factory: Any, backlog: int, mode: int, **named: Any) -> _Port:
        self.backlogs.append(backlog)
        self.factories.append(factory)
        self.ports.append(_Port())
        return self.ports[-1]


def _hindered() -> socket.socket:
    raise OSError(98, "taken")


class _Full:
    """No port is free."""

    def listenTCP(self, *arguments: Any, **named: Any) -> Any:
        raise CannotListenError("127.0.0.1", 1, OSError("in use"))


class AdminPortsTests(SynchronousTestCase):
    """Where it listens."""

    def test_listens(self) -> None:
        """TCP and Unix sockets, told as a person writes them; nothing is left at the end."""
        reactor = _Reactor()
        ports = AdminPorts(reactor)
        site = Site(Resource())
        self.assertEqual(ports.listen(site, "unix:/run/admin"), "unix:/run/admin")
        self.assertEqual(ports.listen(site, "[::1]:9876"), "http://[::1]:9876")
        self.assertEqual([port.reads for port in reactor.ports], [False, False])
        ports.start()
        self.assertEqual([port.reads for port in reactor.ports], [True, True])
        self.successResultOf(Deferred.fromCoroutine(ports.stop()))
        self.assertEqual([port.reads for port in reactor.ports], [False, False])

    def test_crowd(self) -> None:
        """A hundred clients that come at once do not fill the queue of what is to be accepted."""
        reactor = _Reactor()
        ports = AdminPorts(reactor)
        for address in ("unix:/run/admin", "[::1]:9876"):
            ports.listen(Site(Resource()), address)
        self.assertEqual(reactor.backlogs, [4096, 4096])

    def test_note(self) -> None:
        """Where it listens is written down for as long as it does."""
        directory = Path(self.mktemp())
        directory.mkdir()
        ports = AdminPorts(_Reactor())
        for address in ("unix:/run/admin", "[::1]:9876"):
            ports.listen(Site(Resource()), address)
        ports.start(str(directory))
        note = directory / NOTE
        self.assertEqual(note.read_text(), "unix:/run/admin\nhttp://[::1]:9876\n")
        self.successResultOf(Deferred.fromCoroutine(ports.stop()))
        self.assertEqual(list(directory.iterdir()), [])

    def test_open(self) -> None:
        """Every address of the file has its own site; TLS is spoken where the file says so."""
        directory = Path(self.mktemp())
        directory.mkdir()
        made = leaf("lb.example")
        (directory / "a.pem").write_text(made.chain + made.key_pem())
        path = directory / "f.yaml"
        path.write_text(_THREE)
        layer = load_file(str(path), {})
        reactor = _Reactor()
        ports = AdminPorts(reactor)
        sites: list[AdminListen] = []

        def site(listen: AdminListen) -> Site:
            sites.append(listen)
            return Site(Resource())

        where = ports.open(site, layer, lambda work: maybeDeferred(work))
        self.assertEqual(where, ["unix:/run/a", "http://[::1]:1", "https://10.0.0.1:2"])
        self.assertEqual(tuple(sites), layer.settings.admin.listen)
        secured = [isinstance(each, TLSMemoryBIOFactory) for each in reactor.factories]
        self.assertEqual(secured, [False, False, True])
        ports.prepared(layer)()
        self.successResultOf(Deferred.fromCoroutine(ports.stop()))
        self.assertEqual(reactor.getDelayedCalls(), [])

    def test_group(self) -> None:
        """A socket is for a group where the file says so; one that is not there is told."""
        socket_file = Path(self.mktemp())
        socket_file.touch(0o600)
        open_to(str(socket_file), str(os.getgid()))
        found = socket_file.stat()
        self.assertEqual((found.st_gid, found.st_mode & 0o777), (os.getgid(), 0o660))
        why = self.assertRaises(CannotStart, open_to, str(socket_file), "no-such-group")
        self.assertIn("there is no group no-such-group", str(why))
        why = self.assertRaises(CannotStart, open_to, "/no/such/socket", str(os.getgid()))
        self.assertIn("cannot be given to group", str(why))

    def test_none_free(self) -> None:
        """Without a free port it says which were tried."""
        ports = AdminPorts(_Full())
        why = self.assertRaises(CannotStart, ports.listen_first, Site(Resource()), range(5, 8))
        self.assertIn("no port from 5 to 7", str(why))

    def test_held(self) -> None:
        """Ports that were made before are listened at; what hindered them is told."""
        held = Held()
        made = socket.create_server(("127.0.0.1", 0))
        port = made.getsockname()[1]
        held.keep(f"127.0.0.1:{port}", lambda: made)
        held.keep("127.0.0.1:81", _hindered)
        self.addCleanup(held.drop, f"127.0.0.1:{port}")
        reactor = _Reactor()
        ports = AdminPorts(reactor, held)
        site = Site(Resource())
        self.assertEqual(ports.listen(site, f"127.0.0.1:{port}"), f"http://127.0.0.1:{port}")
        self.assertEqual(reactor.adopted, [("127.0.0.1", port)])
        why = self.assertRaises(CannotListenError, ports.listen, site, "127.0.0.1:81")
        self.assertEqual(sentence(why), "the admin API cannot listen on 127.0.0.1:81: taken")
