"""Tests of L{fiberlb.acme.documents}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme.documents import (
    Account,
    Unreadable,
    account_key,
    certificate_key,
    decode_account,
    decode_record,
    encode_account,
    encode_record,
)
from fiberlb.acme.issued import Record
from tests.acme.test_issued import IDENT, issue
from tests.control.stage import keyring

KEY = certificate_key(IDENT)


class DocumentTests(SynchronousTestCase):
    """Records and accounts, there and back."""

    def test_record(self) -> None:
        """A record is the same afterwards; its private key is sealed."""
        for record in (Record(), Record(issue=issue(), failures=2, last_error="x", next_try=5.0)):
            value = encode_record(KEY, record, keyring())
            self.assertNotIn(b"PRIVATE KEY", value)
            self.assertEqual(decode_record(KEY, value, keyring()), record)

    def test_account(self) -> None:
        """So is an account, of which there is one for each authority and address."""
        key = account_key("https://ca.test/dir", "a@b.c")
        self.assertNotEqual(key, account_key("https://ca.test/dir", None))
        account = Account("SECRET", "https://ca.test/1")
        value = encode_account(key, account, keyring())
        self.assertNotIn(b"SECRET", value)
        self.assertNotIn("SECRET", repr(account))
        self.assertEqual(decode_account(key, value, keyring()), account)

    def test_unreadable(self) -> None:
        """Another key, another place, damage: said without a secret."""
        value = encode_record(KEY, Record(issue=issue()), keyring())
        other = certificate_key("other")
        for key, text, ring in (
            (KEY, value, keyring(2)),
            (other, value, keyring()),
            (KEY, b"{", keyring()),
            (KEY, b"[]", keyring()),
            (KEY, b'{"issue": null, "more": 1}', keyring()),
        ):
            with self.assertRaises(Unreadable):
                decode_record(key, text, ring)
        with self.assertRaises(Unreadable):
            decode_account(KEY, b"{}", keyring())
        account = encode_account(KEY, Account("k", ""), keyring())
        with self.assertRaises(Unreadable):
            decode_account(KEY, account, keyring(2))
