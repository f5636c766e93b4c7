"""Addresses that could not be had: they are tried again until they can, or are not wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.logger import Logger

from fiberlb.errors import AddressInUse
from fiberlb.model.addresses import at

#: Seconds between two attempts.
RETRY = 5.0
_Key = tuple[str, int]
_log = Logger()


class Missing:
    """
    What one process could not bind.

    @param call_later: of a reactor.
    @param attempt: binds an address for a listener, by its id, and has it served; whether that
        listener still wants it.
    @raise AddressInUse: by C{attempt}: it cannot be had yet.
    """

    def __init__(
        self, call_later: Callable[..., Any], attempt: Callable[[_Key, str], bool]
    ) -> None:
        self._call_later = call_later
        self._attempt = attempt
        self._failed: dict[_Key, AddressInUse] = {}
        self._timer: Any = None

    def all(self) -> Mapping[_Key, AddressInUse]:
        """Why, of each."""
        return self._failed

    def use(self, failed: Mapping[_Key, AddressInUse]) -> None:
        """These are missing now, and no others."""
        self._failed = dict(failed)
        self._plan()

    def stop(self) -> None:
        """Try no more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _plan(self) -> None:
        if self._failed and (self._timer is None or not self._timer.active()):
            self._timer = self._call_later(RETRY, self._try_again)

    def _try_again(self) -> None:
        for key, why in list(self._failed.items()):
            try:
                wanted = self._attempt(key, why.listener_id)
            except AddressInUse as again:
                self._failed[key] = again
                continue
            del self._failed[key]
            if wanted:
                _log.info("Listening on {where} at last", where=at(*key))
        self._plan()
