"""
Records and accounts as documents of the store, private keys sealed.

::

    acme/certificates/<id>      what was issued for a certificate, and how the next order goes
    acme/accounts/<digest>      the account at one authority

They are operational state: no revision counts them, a rollback does not touch
them, and those of certificates that a file names are there too.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import attrs

from fiberlb.acme.issued import Issue, Record
from fiberlb.store.sealed import Keyring, SealError

PREFIX = b"acme/"
CERTIFICATES = PREFIX + b"certificates/"
ACCOUNTS = PREFIX + b"accounts/"


class Unreadable(Exception):
    """A document that is damaged, or sealed with another key; the message says which."""


@attrs.frozen
class Account:
    """
    An account at an authority.

    @ivar key: PEM.
    @ivar url: empty until it is registered.
    """

    key: str = attrs.field(repr=False)
    url: str


def certificate_key(ident: str) -> bytes:
    """The key of a certificate's record."""
    return CERTIFICATES + ident.encode()


def account_key(directory: str, email: str | None) -> bytes:
    """The key of an account: another address is another account."""
    digest = hashlib.sha256(f"{directory}\n{email or ''}".encode()).hexdigest()
    return ACCOUNTS + digest[:32].encode()


def encode_record(key: bytes, record: Record, keyring: Keyring) -> bytes:
    """The document of a record."""
    issue = record.issue
    document: dict[str, Any] = attrs.asdict(record, recurse=False)
    document["issue"] = None
    if issue is not None:
        sealed = keyring.seal(issue.private_key.encode(), key)
        document["issue"] = {**attrs.asdict(issue), "private_key": sealed}
    return json.dumps(document, separators=(",", ":")).encode()


def decode_record(key: bytes, value: bytes, keyring: Keyring) -> Record:
    """
    The inverse of L{encode_record}.

    @raise Unreadable: it is damaged, or sealed with another key.
    """
    try:
        document = json.loads(value)
        issue = document["issue"]
        if issue is not None:
            opened = keyring.open(issue["private_key"], key).decode()
            issue = Issue(**{**issue, "private_key": opened, "domains": tuple(issue["domains"])})
        return Record(**{**document, "issue": issue})
    except SealError as why:
        raise Unreadable(f"{key.decode()}: {why}") from None
    except (ValueError, KeyError, TypeError) as why:
        raise Unreadable(f"{key.decode()} is not understood ({type(why).__name__})") from None


def encode_account(key: bytes, account: Account, keyring: Keyring) -> bytes:
    """The document of an account."""
    document = {"url": account.url, "key": keyring.seal(account.key.encode(), key)}
    return json.dumps(document, separators=(",", ":")).encode()


def decode_account(key: bytes, value: bytes, keyring: Keyring) -> Account:
    """
    The inverse of L{encode_account}.

    @raise Unreadable: it is damaged, or sealed with another key.
    """
    try:
        document = json.loads(value)
        return Account(keyring.open(document["key"], key).decode(), str(document["url"]))
    except SealError as why:
        raise Unreadable(f"{key.decode()}: {why}") from None
    except (ValueError, KeyError, TypeError) as why:
        raise Unreadable(f"{key.decode()} is not understood ({type(why).__name__})") from None
