"""
Changing a key file while it is in use.

The file is replaced whole (written beside it, synchronised, renamed), so that a
crash at any moment leaves the old one or the new one. Whoever changes it holds
a lock on it: of two that did so at once, one would undo the other, and with its
key what was sealed meanwhile would be lost.
"""

from __future__ import annotations

import base64
import fcntl
import os
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager

from fiberlb.store.files import settle
from fiberlb.store.key_file import KeyFileError, read_keys
from fiberlb.store.sealed import key_id

#: How often a file that was just replaced is opened again.
_ATTEMPTS = 10


def put_first(path: str, key: bytes) -> list[bytes]:
    """
    Make a key the first one, which seals; the others stay behind it, comments too. Blocks.

    @return: the keys of the file now.
    @raise KeyFileError: the file cannot be read or written; nothing has changed.
    """
    return _changed(path, lambda lines: [base64.b64encode(key), *lines])


def keep_only(path: str, ids: Container[str]) -> list[bytes]:
    """
    Take out all keys but those with these ids. Blocks.

    @return: the keys of the file now.
    @raise KeyFileError: the file cannot be read or written, or would be left without any key;
        nothing has changed.
    """

    def kept(lines: list[bytes]) -> list[bytes]:
        left = [line for line in lines if not _is_key(line) or key_id(_key(line)) in ids]
        if not any(map(_is_key, left)):
            raise KeyFileError(f"{path}: would be left without any key")
        return left

    return _changed(path, kept)


def _is_key(line: bytes) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(b"#")


def _key(line: bytes) -> bytes:
    return base64.b64decode(line.strip())


def _changed(path: str, change: Callable[[list[bytes]], list[bytes]]) -> list[bytes]:
    real = os.path.realpath(path)
    try:
        with _locked(real) as number:
            read_keys(real)  # refuses what a change would make worse
            found = os.fstat(number)
            lines = os.pread(number, found.st_size, 0).splitlines()
            content = b"".join(line + b"\n" for line in change(lines))
            _replace(real, content, found)
            return read_keys(real)
    except BlockingIOError:
        raise KeyFileError(f"{path}: is being changed by another process") from None
    except OSError as why:
        raise KeyFileError(f"{path}: cannot be changed: {why.strerror}") from None


@contextmanager
def _locked(path: str) -> Iterator[int]:
    """The file, locked for changes, and indeed the one that the name leads to."""
    for _ in range(_ATTEMPTS):
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(number), os.stat(path)):
                yield number
                return
        finally:
            os.close(number)
    raise BlockingIOError


def _replace(path: str, content: bytes, like: os.stat_result) -> None:
    """The draft has one name always, so that one left by a crash is gone the next time."""
    directory, name = os.path.split(path)
    draft = os.path.join(directory, f".{name}.fiberlb-new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with _absent(draft):
        number = os.open(draft, flags, 0o600)
        try:
            if os.geteuid() == 0:
                # The service may work as another user than whoever runs this.
                os.fchown(number, like.st_uid, like.st_gid)
                os.fchmod(number, like.st_mode & 0o7777)
            with open(number, "wb", closefd=False) as file:
                file.write(content)
            os.fsync(number)
        finally:
            os.close(number)
        os.rename(draft, path)
    settle(directory)


@contextmanager
def _absent(draft: str) -> Iterator[None]:
    """Nothing of that name before, and nothing after a failure."""
    if os.path.lexists(draft):
        os.unlink(draft)
    try:
        yield
    except BaseException:
        if os.path.lexists(draft):
            os.unlink(draft)
        raise
