"""Where the key-encryption keys come from, and what is refused as a key file."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Callable, Mapping

from fiberlb.store.files import make_directory, make_file
from fiberlb.store.sealed import KEY_SIZE, Keyring, SealError

#: Of a key file, in bytes: a thousand keys and their comments.
FILE_LIMIT = 64 * 1024
RECIPE = f"(umask 077; head -c {KEY_SIZE} /dev/urandom | base64 >"


class KeyFileError(SealError):
    """A key file that is missing, open to others, or holds something else; names the file."""


def load_keyring(
    key_file: str | None,
    environment: Mapping[str, str],
    state_directory: str,
    randomness: Callable[[int], bytes],
) -> Keyring:
    """
    The keys of the first of: the file that the configuration names, C{FIBERLB_KEY_FILE} of the
    environment, C{key} in its C{CREDENTIALS_DIRECTORY} if there is one, and C{key} in the state
    directory, the only one that is made when it is missing.

    @param key_file: the setting of that name.
    @raise KeyFileError: the file of that place is missing, open to others, or holds no keys.
    """
    path = key_file or environment.get("FIBERLB_KEY_FILE") or _credential(environment)
    if path is None:
        path = os.path.join(state_directory, "key")
        _make(path, randomness)
    return Keyring(read_keys(path), randomness, path)


def read_keys(path: str) -> list[bytes]:
    """
    The keys of a file: one a line, each L{KEY_SIZE} bytes in base64; empty lines and those that
    begin with C{#} are skipped.

    @raise KeyFileError: it cannot be read, is open to others, or holds something else.
    """
    try:
        # Not blocking: whatever is no file is refused instead of waited for.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KeyFileError(f"{path}: no such key file; to make one: {RECIPE} {path})") from None
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from None
    try:
        check_access(path, os.fstat(number), os.geteuid())
        content = os.read(number, FILE_LIMIT + 1)
    finally:
        os.close(number)
    if len(content) > FILE_LIMIT:
        raise KeyFileError(f"{path}: too large for a key file")
    keys = [
        _key(line, f"{path}:{at}")
        for at, line in enumerate(content.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith(b"#")
    ]
    if not keys:
        raise KeyFileError(f"{path}: holds no key; to make one: {RECIPE} {path})")
    if len(set(keys)) < len(keys):
        raise KeyFileError(f"{path}: holds the same key twice")
    return keys


def check_access(path: str, found: os.stat_result, user: int) -> None:
    """
    Refuse a key file that anyone else could read or change.

    @param found: of the file as it was opened.
    @param user: that this process works as.
    @raise KeyFileError: it is refused.
    """
    if not stat.S_ISREG(found.st_mode):
        raise KeyFileError(f"{path}: is no file")
    if found.st_uid not in (0, user) and user != 0:
        raise KeyFileError(f"{path}: belongs to another user, who could read and change it")
    # A file of root's that is given to this process through its group cannot be closed by it:
    # that is how systemd hands credentials over.
    refused = 0o077 if found.st_uid == user else 0o037
    if found.st_mode & refused:
        raise KeyFileError(
            f"{path}: others can open it (mode {found.st_mode & 0o777:04o}); to close it:"
            f" chmod 600 {path}"
        )


def _credential(environment: Mapping[str, str]) -> str | None:
    # systemd sets the variable for any credential, so the key need not be among them.
    directory = environment.get("CREDENTIALS_DIRECTORY")
    path = os.path.join(directory, "key") if directory else ""
    return path if path and os.path.lexists(path) else None


def _make(path: str, randomness: Callable[[int], bytes]) -> None:
    try:
        make_directory(os.path.dirname(path))
        if not os.path.lexists(path):
            make_file(path, base64.b64encode(randomness(KEY_SIZE)) + b"\n")
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be made: {error.strerror}") from None


def _key(line: bytes, place: str) -> bytes:
    try:
        key = base64.b64decode(line.strip(), validate=True)
    except (ValueError, binascii.Error):
        # From nothing, and without the line: it may be a key with one wrong letter.
        raise KeyFileError(f"{place}: is no base64") from None
    if len(key) != KEY_SIZE:
        raise KeyFileError(f"{place}: a key has {KEY_SIZE} bytes, this one {len(key)}")
    return key
