"""Tests of L{fiberlb.store.etcd.security}: a real etcd with TLS and with users."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography.x509 import IPAddress
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.store import EtcdSettings
from fiberlb.store.etcd.security import Policy
from fiberlb.store.interface import Unavailable, Unusable
from tests.store.etcd.stage import EtcdStage
from tests.support.certificates import authority, leaf
from tests.support.etcd import Etcd, one
from tests.support.ports import free_ports
from tests.support.programs import temporary_directory


class TlsTests(SynchronousTestCase):
    """An etcd that speaks TLS, and wants to see a certificate."""

    def setUp(self) -> None:
        """It runs, below an authority of its own."""
        directory = temporary_directory()
        # An etcd shows its own certificate to itself as well.
        own = leaf(IPAddress(ip_address("127.0.0.1")), purpose=None)
        for name, text in (
            ("own.pem", own.chain),
            ("own.key", own.key_pem()),
            ("ca.pem", authority().pem),
        ):
            Path(directory, name).write_text(text)
        more = [f"--cert-file={directory}/own.pem", f"--key-file={directory}/own.key"]
        more += [f"--trusted-ca-file={directory}/ca.pem", "--client-cert-auth"]
        client, peer = free_ports(2)
        self.etcd = Etcd("secure", client, peer, more, scheme="https").start()
        self.addCleanup(self.etcd.stop)
        shown = leaf("client", purpose="client")
        self.shown = {"certificate": shown.chain, "private_key": shown.key_pem()}
        self.ca = {"ca": authority().pem}

    def load(self, **more: Any) -> Any:
        """What a node with these settings gets."""
        stage = EtcdStage(etcd=self.etcd, more=more)
        try:
            return stage.wait(stage.store().load())[1]
        finally:
            stage.end()

    def test_verified(self) -> None:
        """With the authority and a certificate all is well; without either it is not."""
        stage = EtcdStage(etcd=self.etcd, more={**self.ca, **self.shown})
        self.addCleanup(stage.end)
        store = stage.store()
        stage.turn(lambda: stage.wait(store.health()).usable)
        told: list[int] = []
        store.watch(0, lambda at, changes: told.append(at), lambda: None)
        at = stage.wait(store.commit({}, {b"a": b"1"}))

        def heard() -> bool:
            stage.clock.advance(0)
            return told == [at]

        stage.turn(heard)
        for settings in (self.shown, self.ca, {"ca": authority("Other").pem, **self.shown}):
            self.assertRaises(Unavailable, lambda more=settings: self.load(**more))

    def test_unreadable(self) -> None:
        """What cannot be read is told without showing it."""
        cases: list[dict[str, Any]] = [
            {"ca": "nothing"},
            {"certificate": "C", "private_key": "hush"},
            {"certificate": leaf("a").chain, "private_key": leaf("b").key_pem()},
        ]
        for more in cases:
            with self.assertRaises(Unusable) as caught:
                Policy(EtcdSettings(endpoints=("https://a:1",), **more))
            self.assertNotIn("hush", str(caught.exception))


class UserTests(SynchronousTestCase):
    """An etcd that asks who is there."""

    def setUp(self) -> None:
        """A user who may do everything below one prefix."""
        self.etcd = one()
        self.addCleanup(self.etcd.stop)
        for words in (
            ("user", "add", "root:r"),
            ("user", "grant-role", "root", "root"),
            ("user", "add", "fiberlb:secret"),
            ("role", "add", "fiberlb"),
            ("role", "grant-permission", "--prefix=true", "fiberlb", "readwrite", "/t"),
            ("user", "grant-role", "fiberlb", "fiberlb"),
            ("auth", "enable"),
        ):
            self.etcd.control(*words)

    def stage(self, password: str = "secret", **more: Any) -> EtcdStage:
        """A node with a password."""
        made = EtcdStage(etcd=self.etcd, more={"username": "fiberlb", "password": password, **more})
        self.addCleanup(made.end)
        return made

    def test_token(self) -> None:
        """The name and the password do, for watches and leaders as well; old tokens are renewed."""
        stage = self.stage()
        store = stage.store()
        told: list[int] = []
        store.watch(0, lambda at, changes: told.append(at), lambda: None)
        at = stage.wait(store.commit({}, {b"a": b"1"}))
        store._gateway._token = "old.1"
        later = stage.wait(store.commit({}, {b"a": b"2"}))
        election = store.lead("acme", "one", 9.0)
        stage.turn(lambda: election.leading)

        def heard() -> bool:
            stage.clock.advance(0)
            return told[:2] == [at, later]

        stage.turn(heard)

    def test_wrong(self) -> None:
        """A wrong password is told as such, and is not shown; so is a prefix of others."""
        stage = self.stage("hush")
        with self.assertRaises(Unavailable) as caught:
            stage.wait(stage.store().load())
        self.assertIn("the user fiberlb is refused", str(caught.exception))
        self.assertNotIn("hush", str(caught.exception))
        elsewhere = self.stage(prefix="/elsewhere/")
        with self.assertRaises(Unavailable) as caught:
            elsewhere.wait(elsewhere.store().load())
        self.assertIn("permission denied", str(caught.exception))
