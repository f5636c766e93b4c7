"""Tests of L{fiberlb.privileges}: what needs no other user; the rest is tested live."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.belongings import User
from fiberlb.control.document import FileLayer, load_file
from fiberlb.errors import AddressInUse
from fiberlb.model.settings import AUTO
from fiberlb.privileges import Wanted, asked_for, first_port, hold_admin, hold_listeners, unreadable
from fiberlb.relay.held import Held
from fiberlb.starting import CannotStart
from tests.support.ports import free_ports
from tests.support.rights import need_root


def _none(listener_id: str, host: str, port: int, freebind: bool, probe: bool) -> socket.socket:
    """What a process gets whose rights are gone."""
    raise AddressInUse(listener_id, host, port, "no")


class AskedTests(SynchronousTestCase):
    """Whom twistd is to become."""

    def test_nobody(self) -> None:
        """Nothing was said, or nothing that changes anything."""
        self.assertIsNone(asked_for({}, 0))
        self.assertIsNone(asked_for({"uid": None, "gid": 5}, 0))
        self.assertIsNone(asked_for({"uid": 0, "gid": 0}, 0))
        self.assertIsNone(asked_for({"uid": 12, "gid": None}, 12))

    def test_user(self) -> None:
        """The main group is the user's, unless another one is given."""
        found = pwd.getpwnam("nobody")
        expected = User(found.pw_uid, found.pw_gid, "nobody")
        self.assertEqual(asked_for({"uid": found.pw_uid, "gid": None}, 0), expected)
        self.assertEqual(asked_for({"uid": found.pw_uid, "gid": 7}, 0).owner, (found.pw_uid, 7))  # type: ignore[union-attr]

    def test_refused(self) -> None:
        """Not root, a way back to root, no such user."""
        for options, user, said in (
            ({"uid": 12, "gid": None}, 13, "take root"),
            ({"uid": None, "gid": 5, "euid": 1}, 13, ""),
            ({"uid": 1, "gid": None, "euid": 1}, 0, "way back to root"),
            ({"uid": 54321, "gid": 1, "euid": 0}, 0, "no user of this number"),
        ):
            if said:
                why = self.assertRaises(CannotStart, asked_for, options, user)
                self.assertIn(said, str(why))
            else:
                self.assertIsNone(asked_for(options, user))

    def test_first_port(self) -> None:
        """What the system says; where it says nothing, what it always was."""
        path = self.mktemp()
        self.assertEqual(first_port(path), 1024)
        Path(path).write_text("80\n")
        self.assertEqual(first_port(path), 80)


class HoldTests(SynchronousTestCase):
    """Sockets of a file's listeners and of its admin API, all ports taken for low ones."""

    def setUp(self) -> None:
        """Ports, and this user."""
        need_root()
        self.ports = free_ports(5)
        self.user = User(os.getuid(), os.getgid(), "root")
        self.held = Held(_none)

    def none(
        self, listener_id: str, host: str, port: int, freebind: bool, probe: bool
    ) -> socket.socket:
        """Nothing else can be bound."""
        raise AddressInUse(listener_id, host, port, "no")

    def layer(self) -> FileLayer:
        """Listeners of every kind."""
        a, b, c, d, e = self.ports
        path = self.mktemp()
        Path(path).write_text(f"""
version: 1
admin: {{listen: ["127.0.0.1:{d}", "unix:{os.path.abspath(path)}.sock"]}}
load_balancers: [{{name: two, vip_address: 127.0.0.1, additional_vips: [127.0.0.2]}}]
listeners:
  - {{name: own, address: 127.0.0.1, port: {a}, protocol: tcp}}
  - {{name: two, loadbalancer_id: two, port: {b}, protocol: tcp}}
  - {{name: off, address: 127.0.0.1, port: {c}, protocol: tcp, enabled: false}}
  - {{name: high, address: 127.0.0.1, port: {e + 32000}, protocol: tcp}}
""")
        return load_file(path, {})

    def test_listeners(self) -> None:
        """Those that are on, at all their addresses, as often as was said."""
        a, b, c, _, e = self.ports
        hold_listeners(self.layer(), self.user, self.held, Wanted(2, 2), 32000)
        for host, port in (("127.0.0.1", a), ("127.0.0.1", b), ("127.0.0.2", b)):
            for probe in (True, False):
                self.addCleanup(self.held.bind("l", host, port, False, probe).close)
            self.assertRaises(AddressInUse, self.held.bind, "l", host, port, False, False)
        for port in (c, e + 32000):
            self.assertRaises(AddressInUse, self.held.bind, "l", "127.0.0.1", port, False, True)

    def test_admin(self) -> None:
        """Its ports; a Unix socket is made later where the user may make it."""
        layer = self.layer()
        hold_admin(layer.settings, self.user, self.held, 32000)
        tcp, unix = layer.settings.admin.addresses
        found = self.held.named(tcp)
        assert found is not None
        self.assertEqual(found.getsockname(), ("127.0.0.1", self.ports[3]))
        found.close()
        self.held.drop(tcp)
        self.assertIsNone(self.held.named(unix))
        hold_admin(layer.settings, self.user, self.held, 1024)
        self.assertIsNone(self.held.named(tcp))


class WantedTests(SynchronousTestCase):
    """How many sockets for each address."""

    def test_of(self) -> None:
        """Twice the workers, and no fewer than processors."""
        self.assertEqual(Wanted.of(0, 4), Wanted(1, 1))
        self.assertEqual(Wanted.of(1, 4), Wanted(1, 4))
        self.assertEqual(Wanted.of(AUTO, 4), Wanted(4, 8))

    def test_each(self) -> None:
        """As many as may be needed; of many addresses fewer, but one for each worker."""
        self.assertEqual(Wanted(2, 8).each(1, 1024), 8)
        self.assertEqual(Wanted(2, 8).each(0, 1024), 8)
        self.assertEqual(Wanted(2, 8).each(64, 1024), 4)
        self.assertEqual(Wanted(2, 8).each(1000, 1024), 2)


class UnreadableTests(SynchronousTestCase):
    """Files that cannot be read again."""

    def test_gone(self) -> None:
        """They are named."""
        path = self.mktemp()
        Path(path).write_text("version: 1\n")
        layer = load_file(path, {})
        self.assertEqual(unreadable(layer), [])
        os.unlink(path)
        self.assertEqual(unreadable(layer), [path])
