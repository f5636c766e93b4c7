"""What a process leaves in the state directory for the next one, where losing it costs little."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger

_log = Logger()


class Noted:
    """
    A file of JSON, replaced as a whole, for the user of the process alone.

    It is not synchronised with the disk. That it cannot be written is logged once, and again
    after it could be.

    @param path: of the file; C{None}: nothing is kept.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._told = False

    def read(self) -> dict[str, Any]:
        """What it says; nothing where there is none, or no sense in it."""
        if self.path is None:
            return {}
        try:
            with open(self.path, encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, known: Mapping[str, Any]) -> None:
        """Have it say this."""
        if self.path is None:
            return
        draft = f"{self.path}.new"
        try:
            number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(number, "w", encoding="utf-8") as file:
                json.dump(known, file)
            os.replace(draft, self.path)
            self._told = False
        except OSError as why:
            if not self._told:
                self._told = True
                _log.warn("{path} cannot be written: {why}", path=self.path, why=why.strerror)
