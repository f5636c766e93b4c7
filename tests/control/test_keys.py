"""Tests of fiberlb.control.keys."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.history import Wanted
from fiberlb.control.keys import KeyUse
from fiberlb.control.refusals import KeysUnchanged, StoreAway
from fiberlb.control.service import ControlService
from fiberlb.store.canary import prove
from fiberlb.store.interface import Unavailable
from fiberlb.store.key_file import read_keys
from fiberlb.store.sealed import Keyring, key_id
from tests.control.stage import ORIGIN, Ids, Stage, create
from tests.support.certificates import leaf

OLD = b"1" * 32


class Away:
    """A store whose commits fail while it is told to."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def commit(self, expect: Any, puts: Any) -> int:
        """Commit, or do not."""
        if self.away:
            raise Unavailable("gone")
        found: int = await self.store.commit(expect, puts)
        return found


#: Two keys and a passphrase, each with its object and in the history.
SEALED = 6


class KeysCase(SynchronousTestCase):
    """A node with a key file and two certificates."""

    def setUp(self) -> None:
        """Start it."""
        self.path = Path(self.mktemp()).absolute()
        self.path.touch(mode=0o600)
        self.path.write_bytes(base64.b64encode(OLD) + b"\n")
        self.stage = Stage(self, start=False)
        self.stage.store = Away(self.stage.store)
        self.stage.control = self.node(0)
        self.stage.start()
        for name in ("a", "b"):
            one = leaf(f"{name}.test")
            secret = {"passphrase": "open sesame"} if name == "b" else {}
            form = one.key_pem(passphrase=secret.get("passphrase"))
            body = {"name": name, "certificate": one.pem, "private_key": form, **secret}
            self.stage.write(create("certificates", body))
        self.keys = self.stage.control.keys

    def node(self, number: int) -> ControlService:
        """A node with the keys of the file as they are now."""
        stage = self.stage
        keyring = Keyring(read_keys(str(self.path)), os.urandom, str(self.path))
        around = stage.surroundings(Ids(number))
        return ControlService(stage.store, stage.plane, stage.health, keyring, around)

    def restarted(self) -> ControlService:
        """What a new process makes of file and store."""
        control = self.node(1)
        self.stage.result(control.start(self.stage.file("")))
        return control

    def uses(self) -> list[KeyUse]:
        """The keys and what is sealed with them."""
        return self.stage.result(Deferred.fromCoroutine(self.keys.uses()))

    def everything(self) -> bytes:
        """All that is stored."""
        _, entries = self.stage.result(Deferred.fromCoroutine(self.stage.store.load()))
        return b"\n".join(value for value, _ in entries.values())


class RotationTests(KeysCase):
    """Keys are exchanged."""

    def test_rotate(self) -> None:
        """A new key seals everything, is in the file, and a new process reads all of it."""
        self.assertEqual(self.uses(), [KeyUse(key_id(OLD), SEALED)])
        done = self.stage.result(self.keys.rotate(ORIGIN))
        self.assertEqual((done.resealed, done.revision), (SEALED, 3))
        fresh, old = read_keys(str(self.path))
        self.assertEqual((key_id(fresh), old), (done.key_id, OLD))
        self.assertEqual(self.uses(), [KeyUse(done.key_id, SEALED), KeyUse(key_id(OLD), 0)])
        again = self.restarted()
        self.assertEqual(
            again.configuration.objects["certificates"],
            self.stage.control.configuration.objects["certificates"],
        )
        self.assertEqual(again.revision, 3)

    def test_goes_on(self) -> None:
        """Writes go on, with the new key; tags and objects stay as they were."""
        tag = self.stage.tag("certificates", "a")
        self.stage.plane.events.clear()
        done = self.stage.result(self.keys.rotate(ORIGIN))
        self.assertEqual(self.stage.tag("certificates", "a"), tag)
        self.assertEqual(self.stage.plane.events, [])
        one = leaf("c.test")
        body = {"name": "c", "certificate": one.pem, "private_key": one.key_pem()}
        self.stage.write(create("certificates", body))
        self.assertEqual(self.uses()[0], KeyUse(done.key_id, SEALED + 2))
        self.assertEqual(self.stage.control.revision, 4)

    def test_audit(self) -> None:
        """The history says who did it and why, and holds no key."""
        done = self.stage.result(self.keys.rotate(ORIGIN))
        (entry, *_), _ = self.stage.result(
            Deferred.fromCoroutine(self.stage.control.history.search(Wanted()))
        )
        self.assertEqual((entry.origin, entry.revision), (ORIGIN, 3))
        (change,) = entry.changes
        self.assertEqual((change.op, change.collection, change.id), ("rotate", "keys", done.key_id))
        stored = self.everything()
        for key in read_keys(str(self.path)):
            self.assertNotIn(base64.b64encode(key), stored)
        self.assertNotIn(b"sesame", stored)

    def test_prune(self) -> None:
        """Old keys leave the file once nothing needs them."""
        self.stage.result(self.keys.rotate(ORIGIN))
        done = self.stage.result(self.keys.prune(ORIGIN))
        self.assertEqual(done.removed, (key_id(OLD),))
        self.assertEqual([key_id(key) for key in read_keys(str(self.path))], [done.key_id])
        self.assertEqual(len(self.restarted().configuration.objects["certificates"]), 2)

    def test_reseal(self) -> None:
        """A file that somebody else has written is read again; one that lacks a key is refused."""
        new = b"n" * 32
        lines = [base64.b64encode(key) + b"\n" for key in (new, OLD)]
        self.path.write_bytes(lines[0])
        why = self.failureResultOf(self.keys.reseal(ORIGIN), KeysUnchanged)
        self.assertIn(key_id(OLD), str(why.value))
        self.assertEqual(self.uses()[0].id, key_id(OLD))
        self.path.write_bytes(b"".join(lines))
        done = self.stage.result(self.keys.reseal(ORIGIN))
        self.assertEqual((done.key_id, done.resealed), (key_id(new), SEALED))

    def test_look_alike(self) -> None:
        """A text that only looks sealed stays as it is."""
        text = "sealed:v1:0123456789abcdef:aaaa:bbbb"
        self.stage.write(create("pools", {"name": "p", "description": text}))
        self.stage.result(self.keys.rotate(ORIGIN))
        (pool,) = self.restarted().configuration.objects["pools"].values()
        self.assertEqual(pool.description, text)


class TroubleTests(KeysCase):
    """What goes wrong on the way."""

    def test_store_away(self) -> None:
        """Between the file and the store everything stays readable; the next rotation completes."""
        self.stage.store.away = True
        self.failureResultOf(self.keys.rotate(ORIGIN), StoreAway)
        self.assertEqual(len(read_keys(str(self.path))), 2)
        self.assertEqual(len(self.restarted().configuration.objects["certificates"]), 2)
        self.stage.store.away = False
        done = self.stage.result(self.keys.rotate(ORIGIN))
        self.assertEqual(done.resealed, SEALED)
        self.assertEqual(len(read_keys(str(self.path))), 3)

    def test_file_away(self) -> None:
        """A file that cannot be changed changes nothing."""
        self.path.chmod(0o644)
        for work in (self.keys.rotate, self.keys.reseal):
            why = self.failureResultOf(work(ORIGIN), KeysUnchanged)
            self.assertIn("chmod 600", str(why.value))
        self.assertEqual(self.uses(), [KeyUse(key_id(OLD), SEALED)])

    def test_no_file(self) -> None:
        """Keys that are nowhere on a disk end with their process."""
        stage = Stage(self)
        why = self.failureResultOf(stage.control.keys.rotate(ORIGIN), KeysUnchanged)
        self.assertIn("of this process alone", str(why.value))

    def test_others_write(self) -> None:
        """A commit of another node in between is neither lost nor in the way."""
        other = self.restarted()
        body = {"name": "from-other"}
        self.stage.result(other.write([create("pools", body)], ORIGIN))
        done = self.stage.result(self.keys.rotate(ORIGIN))
        self.assertEqual(done.revision, 4)
        self.stage.find("pools", "from-other")

    def test_told(self) -> None:
        """What is told of keys holds none."""
        told = json.dumps([use.id for use in self.uses()]) + repr(self.keys)
        self.assertNotIn(base64.b64encode(OLD).decode(), told)


class SharedTests(KeysCase):
    """Two nodes with one store, each with a key file of its own."""

    def setUp(self) -> None:
        """Start the second one."""
        super().setUp()
        self.paths = [Path(self.mktemp()).absolute() for _ in range(2)]
        for path in self.paths:
            path.touch(mode=0o600)
            self.write(path, OLD)
        self.nodes = [self.shared(number, path) for number, path in enumerate(self.paths, 1)]

    @staticmethod
    def write(path: Path, *keys: bytes) -> None:
        """Have these keys in a file."""
        path.write_bytes(b"".join(base64.b64encode(key) + b"\n" for key in keys))

    def shared(self, number: int, path: Path) -> ControlService:
        """A node that knows of others."""
        stage = self.stage
        keyring = Keyring(read_keys(str(path)), os.urandom, str(path))
        self.stage.result(Deferred.fromCoroutine(prove(stage.store, keyring)))
        around = attrs.evolve(stage.surroundings(Ids(number)), shared=True, node=f"lb-{number}")
        control = ControlService(stage.store, stage.plane, stage.health, keyring, around)
        stage.result(control.start(stage.file("")))
        self.addCleanup(lambda: Deferred.fromCoroutine(control.stop()))
        return control

    def reseal(self, number: int) -> Any:
        """What comes of it on one node."""
        return self.nodes[number].keys.reseal(ORIGIN)

    def test_rotate(self) -> None:
        """A key that one node alone would have is not made; the way to do it is told."""
        before = self.everything()
        why = self.failureResultOf(self.nodes[0].keys.rotate(ORIGIN), KeysUnchanged)
        self.assertIn("key_file of each", str(why.value))
        self.assertEqual((read_keys(str(self.paths[0])), self.everything()), ([OLD], before))

    def test_together(self) -> None:
        """A key is used once all nodes hold it; then all of them seal with it."""
        new = b"n" * 32
        self.write(self.paths[0], new, OLD)
        why = self.failureResultOf(self.reseal(0), KeysUnchanged)
        self.assertIn(f"the key {key_id(new)} is not used yet: lb-2 would", str(why.value))
        self.seal(0, "while-one-lacks-it")
        self.assertNotIn(b"v1:" + key_id(new).encode(), self.everything())
        self.write(self.paths[1], new, OLD)
        done = self.stage.result(self.reseal(1))
        self.assertEqual((done.key_id, done.resealed), (key_id(new), SEALED + 2 + 1))
        self.stage.clock.advance(1)
        self.seal(0, "after-it")
        self.assertNotIn(b"v1:" + key_id(OLD).encode(), self.everything())
        for path, node in zip(self.paths, self.nodes, strict=True):
            pruned = self.stage.result(node.keys.prune(ORIGIN))
            self.assertEqual((pruned.removed, read_keys(str(path))), ((key_id(OLD),), [new]))

    def seal(self, number: int, name: str) -> None:
        """A certificate, made on one node."""
        one = leaf(f"{name}.test")
        body = {"name": name, "certificate": one.pem, "private_key": one.key_pem()}
        self.stage.result(self.nodes[number].write([create("certificates", body)], ORIGIN))

    def test_started(self) -> None:
        """A node that starts with a new key first in its file seals with the one in use."""
        self.write(self.paths[1], b"n" * 32, OLD)
        self.nodes.append(self.shared(3, self.paths[1]))
        self.seal(2, "c")
        self.assertNotIn(b"v1:" + key_id(b"n" * 32).encode(), self.everything())

    def test_lacks(self) -> None:
        """A file without the key that is in use is refused."""
        self.write(self.paths[0], b"n" * 32)
        why = self.failureResultOf(self.reseal(0), KeysUnchanged)
        self.assertIn(key_id(OLD), str(why.value))

    def test_away(self) -> None:
        """Without the store nothing is sealed with the new key, later on neither."""
        for path in self.paths:
            self.write(path, b"n" * 32, OLD)
        self.failureResultOf(self.reseal(0), KeysUnchanged)
        self.stage.store.away = True
        self.failureResultOf(self.reseal(1), StoreAway)
        self.stage.store.away = False
        self.seal(1, "c")
        self.assertNotIn(b"v1:" + key_id(b"n" * 32).encode(), self.everything())
