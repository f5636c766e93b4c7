"""What happens by itself while a node runs, to certificates above all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from fiberlb.control.expiry import Reminding, oddities, reminders
from fiberlb.control.file_watch import FileWatch
from fiberlb.control.key_file_watch import KeyFileWatch
from fiberlb.control.service import ControlService
from fiberlb.control.token_files_watch import TokenFilesWatch
from fiberlb.control.users_watch import UsersWatch


class Upkeep:
    """
    Reminds of certificates that end, and reads again what stands in files that have changed
    (certificates, users, tokens, keys); says what of the configuration cannot be what was meant.

    @param reactor: keeps the time, and has threads for what blocks.
    """

    _log = Logger()

    def __init__(self, control: ControlService, reactor: Any) -> None:
        self._control = control
        self._cautioned: set[str] = set()

        def run(work: Callable[[], Any]) -> Deferred[Any]:
            return deferToThreadPool(reactor, reactor.getThreadPool(), work)

        self._watches = (
            FileWatch(control, reactor, run),
            UsersWatch(control, reactor, run),
            TokenFilesWatch(control, reactor, run),
            KeyFileWatch(control, reactor, run),
        )
        self._reminding = Reminding(reactor, self._reminders)

    def start(self) -> None:
        """Begin, until the control service stops; it has started."""
        control = self._control
        for sentence in oddities(control.configuration, control.certificates):
            self._log.warn("{sentence}", sentence=sentence[0].upper() + sentence[1:])
        control.observe(self._caution)
        self._caution()
        self._reminding.start()
        for watch in self._watches:
            watch.start()
        control.when_stopping(self.stop)

    def _caution(self) -> None:
        """Say once what cannot be what was meant."""
        found = self._control.cautions
        for sentence in set(found) - self._cautioned:
            self._log.warn("{sentence}", sentence=sentence[0].upper() + sentence[1:])
        self._cautioned = set(found)

    def stop(self) -> None:
        """End; what is under way ends by itself."""
        self._reminding.stop()
        for watch in self._watches:
            watch.stop()

    def _reminders(self) -> Iterator[str]:
        control = self._control
        return reminders(control.configuration, control.certificates, control.wall())
