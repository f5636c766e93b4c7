"""Tests of L{fiberlb.acme.issued}."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme.issued import STAND_IN, Issue, Issued, Record, key_text, stand_in
from fiberlb.model.acme import Acme
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.tls.material import inspect
from tests.support.certificates import leaf

IDENT = "00000000-0000-4000-8000-000000000001"
ORDERED = Certificate(id=IDENT, name="sites", acme=Acme(domains=("a.test",)))


def issue(*domains: str, begin: float = 0.0, end: float = 90 * 86400.0) -> Issue:
    """What was issued for these."""
    names = domains or ("a.test",)
    made = leaf(*names)
    return Issue(
        certificate=made.chain,
        private_key=made.key_pem(),
        domains=names,
        directory="https://ca.test/dir",
        not_before=begin,
        not_after=end,
    )


class IssuedTests(SynchronousTestCase):
    """What is put in force."""

    def test_dressed(self) -> None:
        """Certificates that order themselves get what was issued; others are the same objects."""
        given = leaf("b.test").model()
        objects = {"certificates": {IDENT: ORDERED, given.id: given}}
        book = Issued()
        done = book.dressed(Configuration(objects=objects)).all(Certificate)
        self.assertTrue(done[IDENT].waiting)
        self.assertIs(done[given.id], given)
        self.assertEqual(inspect(done[IDENT]).names, (STAND_IN,))
        book.records[IDENT] = Record(issue=issue())
        done = book.dressed(Configuration(objects=objects)).all(Certificate)
        self.assertFalse(done[IDENT].waiting)
        self.assertEqual(inspect(done[IDENT]).names, ("a.test",))

    def test_nothing_to_do(self) -> None:
        """Without such certificates the configuration is the same object."""
        plain = Configuration(objects={"certificates": {}})
        self.assertIs(Issued().dressed(plain), plain)

    def test_stand_in(self) -> None:
        """It is made once, and no secret shows."""
        self.assertIs(stand_in(), stand_in())
        self.assertNotIn("PRIVATE", repr(issue()))
        self.assertTrue(callable(key_text))

    def test_states(self) -> None:
        """Pending, renewing, valid, failed."""
        book = Issued()
        self.assertEqual(book.state(IDENT, 0.0), "pending")
        book.records[IDENT] = Record(issue=issue(end=50.0))
        self.assertEqual(book.state(IDENT, 0.0), "valid")
        self.assertEqual(book.state(IDENT, 60.0), "pending")
        book.running.add(IDENT)
        self.assertEqual(book.state(IDENT, 0.0), "renewing")
        book.running.clear()
        book.records[IDENT] = attrs.evolve(book.records[IDENT], last_error="no")
        self.assertEqual(book.state(IDENT, 0.0), "failed")
