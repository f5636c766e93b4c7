"""Tests of fiberlb.control.keys."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.history import Wanted
from fiberlb.control.keys import KeyUse
from fiberlb.control.refusals import KeysUnchanged, StoreAway
from fiberlb.control.service import ControlService
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
