"""Responses in the state directory, so that a restart goes on with those that are good still."""

from __future__ import annotations

import os
import re
from pathlib import Path

from twisted.logger import Logger

from fiberlb.model.ocsp import MOST_RESPONSE

_log = Logger()
_NAME = re.compile(r"([0-9a-f]{64})\.der")


class Shelf:
    """
    A directory with a file for each certificate, named by its fingerprint.

    Nothing here is believed: whatever is read is judged again. A failure is told, and is no
    reason not to serve.

    @param directory: C{None}: nothing is kept.
    """

    def __init__(self, directory: str | None) -> None:
        self._directory = None if directory is None else Path(directory)

    def load(self) -> dict[str, bytes]:
        """All of them, by fingerprint."""
        found: dict[str, bytes] = {}
        if self._directory is None or not self._directory.is_dir():
            return found
        try:
            for path in self._directory.iterdir():
                match = _NAME.fullmatch(path.name)
                if match is not None and path.stat().st_size <= MOST_RESPONSE:
                    found[match[1]] = path.read_bytes()
        except OSError as why:
            _log.error("OCSP responses that were kept cannot be read: {why}", why=str(why))
        return found

    def save(self, fingerprint: str, response: bytes) -> None:
        """Keep one, in place of an earlier one: whole, or not at all."""
        if self._directory is None:
            return
        path = self._directory / f"{fingerprint}.der"
        part = path.with_suffix(".new")
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            part.write_bytes(response)
            os.replace(part, path)
        except OSError as why:
            _log.error("An OCSP response is not kept: {why}", why=str(why))

    def forget(self, fingerprint: str) -> None:
        """Keep it no longer."""
        if self._directory is None:
            return
        try:
            (self._directory / f"{fingerprint}.der").unlink(missing_ok=True)
        except OSError as why:
            _log.error("An OCSP response cannot be deleted: {why}", why=str(why))
