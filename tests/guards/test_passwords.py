"""Passwords in threads."""

from __future__ import annotations

from typing import Any

import bcrypt
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.guards.passwords import (
    LASTING,
    MOST_KNOWN,
    MOST_OF_CLIENT,
    MOST_WAITING,
    Passwords,
    behind,
    matches,
)

BCRYPT = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
ARGON2 = Argon2id(
    salt=b"s" * 16, length=32, iterations=1, lanes=1, memory_cost=8
).derive_phc_encoded(b"right")
USERS = {b"alice": BCRYPT}


class MatchTests(SynchronousTestCase):
    """Hashes."""

    def test_hashes(self) -> None:
        """Both kinds; no password is an error."""
        for hashed in (BCRYPT, BCRYPT.replace("$2b$", "$2y$"), ARGON2):
            self.assertTrue(matches(hashed, b"right"))
            for wrong in (b"", b"Right", b"right\x00", b"\xff" * 2000):
                self.assertFalse(matches(hashed, wrong))
        long = b"x" * 100
        self.assertTrue(matches(bcrypt.hashpw(long[:72], bcrypt.gensalt(4)).decode(), long))
        self.assertFalse(matches("$2b$04$" + "!" * 53, b"right"))

    def test_behind(self) -> None:
        """It can be said, or is not."""
        from threading import Thread

        thread = Thread(target=behind)
        thread.start()
        thread.join()


class PasswordsTests(SynchronousTestCase):
    """Who waits, and what is remembered."""

    def setUp(self) -> None:
        """Work that is done when it is told."""
        self.now = 0.0
        self.work: list[tuple[Any, Deferred[Any]]] = []
        self.passwords = Passwords(self.run_later, lambda: self.now, b"key")

    def run_later(self, work: Any) -> Deferred[Any]:
        """Something for a thread."""
        done: Deferred[Any] = Deferred()
        self.work.append((work, done))
        return done

    def ask(
        self, password: bytes, name: bytes = b"alice", client: str = "c", users: Any = None
    ) -> Any:
        """What becomes of it: a Deferred, a reply, or C{'in'} or C{'out'}."""
        users = USERS if users is None else users
        judge: Any = lambda right: "in" if right else "out"  # noqa: E731
        return self.passwords.judged(client, users, name, password, judge)

    def do(self) -> None:
        """All the work there is."""
        while self.work:
            work, done = self.work.pop(0)
            done.callback(work())

    def test_remembered(self) -> None:
        """What was right is, for a while, and while the hash is the same; wrong ones are not."""
        first = self.ask(b"right")
        self.do()
        self.assertEqual(self.successResultOf(first), "in")
        self.assertEqual(self.ask(b"right"), "in")
        self.assertIsInstance(self.ask(b"wrong"), Deferred)
        self.do()
        again = self.ask(b"wrong")
        self.do()
        self.assertEqual(self.successResultOf(again), "out")
        other = {b"alice": bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()}
        self.assertIsInstance(self.ask(b"right", users=other), Deferred)
        gone = self.ask(b"right", users={})
        self.do()
        self.assertEqual(self.successResultOf(gone), "out")
        self.now = LASTING
        self.assertIsInstance(self.ask(b"right"), Deferred)
        self.do()

    def test_unknown(self) -> None:
        """A name that there is not makes the same work, whatever the password."""
        found = self.ask(b"right", name=b"bob")
        self.assertEqual(len(self.work), 1)
        self.do()
        self.assertEqual(self.successResultOf(found), "out")

    def test_together(self) -> None:
        """Those who say the same wait for one check."""
        found = [self.ask(b"right", client=str(n)) for n in range(10)]
        self.assertEqual(len(self.work), 1)
        self.do()
        self.assertEqual([self.successResultOf(one) for one in found], ["in"] * 10)

    def test_bounds(self) -> None:
        """For one client, and for all."""
        waiting = [self.ask(b"%d" % n) for n in range(MOST_OF_CLIENT)]
        self.assertEqual(self.ask(b"x").reason, "rate_limited")
        waiting += [self.ask(b"%d" % n, client=str(n)) for n in range(MOST_OF_CLIENT, MOST_WAITING)]
        self.assertEqual(self.ask(b"y", client="y").reason, "overloaded")
        self.do()
        self.assertEqual({self.successResultOf(one) for one in waiting}, {"out"})
        self.assertIsInstance(self.ask(b"x"), Deferred)
        self.do()
        self.assertEqual(vars(self.passwords)["_of_client"], {})

    def test_gone(self) -> None:
        """Nobody's work is not done; who comes meanwhile has it done."""
        found = self.ask(b"right")
        found.cancel()
        self.failureResultOf(found, CancelledError)
        work, done = self.work.pop()
        self.assertIsNone(work())
        late = self.ask(b"right")
        done.callback(None)
        self.do()
        self.assertEqual(self.successResultOf(late), "in")

    def test_failed(self) -> None:
        """A thread that fails lets nobody in."""
        found = self.ask(b"right")
        _, done = self.work.pop()
        done.errback(RuntimeError("x"))
        self.failureResultOf(found, RuntimeError)
        self.assertIsInstance(self.ask(b"right"), Deferred)
        self.do()

    def test_most_known(self) -> None:
        """No more is remembered than fits."""
        known = vars(self.passwords)["_known"]
        known.update({b"%d" % n: 9.0 for n in range(MOST_KNOWN)})
        self.ask(b"right")
        self.do()
        self.assertEqual(len(known), MOST_KNOWN)
        self.assertEqual(self.ask(b"right"), "in")
