"""
The certificate of the admin API, from the file, and again whenever its files change.

As with certificates of listeners (L{fiberlb.control.file_watch}): files are looked at in a thread,
what does not fit together yet is tried again, and meanwhile the old one serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from OpenSSL import SSL
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from fiberlb.control.document import FileLayer
from fiberlb.control.file_values import NamedFile, Reading
from fiberlb.control.file_watch import PATIENCE
from fiberlb.control.looking import Looking, Run
from fiberlb.errors import ConfigurationError
from fiberlb.model.admin import AdminTls
from fiberlb.model.convert import kinds
from fiberlb.model.fields import Loading
from fiberlb.tls.admin import PLACE, AdminContext, context_of


@attrs.frozen
class _Read:
    """
    What files held.

    @ivar why: it is refused; empty: it is not.
    """

    files: Mapping[str, NamedFile]
    context: SSL.Context | None
    why: str = ""


class AdminTlsWatch(Looking):
    """
    TLS of the admin API of one process.

    @param layer: the configuration file.
    @param run: runs in a thread.

    @ivar context: what ports go by; C{None}: no address speaks TLS.

    @raise ConfigurationError: the certificate cannot be served.
    """

    _log = Logger()
    WHAT = "files of admin.tls_config"

    def __init__(self, layer: FileLayer, clock: IReactorTime, run: Run) -> None:
        super().__init__(clock)
        settings = layer.settings.admin.tls_config
        self.context = None if settings is None else AdminContext(settings)
        self._run = run
        self._settings = settings
        self._files = layer.admin_files
        self._unfit = 0
        self._again = False

    def start(self) -> None:
        """Look from now on, where there are files."""
        if self.context is not None:
            super().start()

    def prepared(self, layer: FileLayer) -> Callable[[], None]:
        """
        Everything for another configuration file, without using it.

        @return: uses it; cannot fail.
        @raise ConfigurationError: the certificate cannot be served.
        """
        settings, context = layer.settings.admin.tls_config, self.context
        if settings is None or context is None:
            return lambda: None  # where it listens needs a restart, and so does this
        made = context_of(settings)

        def use() -> None:
            self._settings, self._files = settings, layer.admin_files
            self._unfit, self._again = 0, False
            context.use(made)

        return use

    async def _look(self) -> None:
        settings, files, again = self._settings, self._files, self._again
        if settings is None or not files or self.context is None:
            return
        found: _Read | None = await self._run(lambda: _read(settings, files, again))
        if found is None or self._files is not files:
            return
        if found.context is None:
            self._mind(found.why)
            return
        self._unfit, self._files = 0, found.files
        # Times of files are coarse: what has just changed is looked at once more.
        self._again = not again
        self.context.use(found.context)
        if not again:
            self._log.info("The admin API's certificate was read again from its files")

    def _mind(self, why: str) -> None:
        self._unfit, self._again = self._unfit + 1, True
        if self._unfit == PATIENCE:
            text = "The files of admin.tls_config have changed and are refused, the old one serves"
            self._log.error(text + ": {why}", why=why)


def _read(settings: AdminTls, files: Mapping[str, NamedFile], again: bool) -> _Read | None:
    """What the files hold now; C{None}: the same. In a thread, for files may be slow."""
    if not again and not any(file.changed for file in files.values()):
        return None
    reading = Reading("/")
    loading = Loading(reading)
    values: dict[str, Any] = {
        field: kinds(AdminTls)[field].load(f"file:{file.path}", (*PLACE, field), loading)
        for field, file in files.items()
    }
    try:
        if loading.problems:
            raise ConfigurationError(loading.problems)
        context = context_of(attrs.evolve(settings, **values))
    except ConfigurationError as why:
        return _Read(files, None, str(why))
    return _Read({field: reading.files[file.path] for field, file in files.items()}, context)
