"""
Tokens of the configuration file that stand in files of their own, read again when these change.

They are looked at in a thread, every L{fiberlb.control.looking.INTERVAL}, by their names. One
that cannot be read, or holds no token, changes nothing: the old token stays good.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from fiberlb.control.document import FileLayer
from fiberlb.control.file_values import NamedFile, Reading
from fiberlb.control.file_watch import PATIENCE
from fiberlb.control.looking import Looking, Run
from fiberlb.control.service import ControlService
from fiberlb.model.access import TokenSetting
from fiberlb.model.convert import kinds
from fiberlb.model.fields import REFUSED, Loading

_SAID = "{path} has changed and is refused, the old token stays: {why}"


@attrs.frozen
class _Read:
    """
    A file as it is now.

    @ivar token: the digest of its token; empty: it is refused for C{why}.
    """

    file: NamedFile
    token: str = attrs.field(default="", repr=False)
    why: str = ""


class TokenFilesWatch(Looking):
    """
    Looks after the files that C{admin.tokens} names.

    @param run: runs in a thread.
    """

    _log = Logger()
    WHAT = "files of tokens"

    def __init__(self, control: ControlService, clock: IReactorTime, run: Run) -> None:
        super().__init__(clock)
        self._control = control
        self._run = run
        self._layer: FileLayer | None = None
        self._known: dict[int, NamedFile] = {}
        #: For how many looks a file has been unfit, and why it is, once that was told.
        self._unfit: dict[int, int] = {}
        self._said: dict[int, str] = {}
        #: Changed a moment ago: looked at once more, for times of files are coarse.
        self._fresh: frozenset[int] = frozenset()

    async def _look(self) -> None:
        layer = self._control.state.file
        if layer is not self._layer:
            self._begin(layer)
        if not self._known:
            return
        known, again = dict(self._known), self._fresh | self._unfit.keys()
        found: dict[int, _Read] = await self._run(lambda: _read(known, again))
        self._fresh = frozenset(n for n, one in found.items() if one.file.stamp != known[n].stamp)
        changed = {}
        for number, one in found.items():
            self._known[number] = one.file
            if not one.token:
                self._mind(number, one.why)
            elif one.token == _tokens(layer)[number].token:
                self._settled(number)
            else:
                changed[number] = one
        if changed:
            await self._renew(layer, changed)

    def _begin(self, layer: FileLayer) -> None:
        """The configuration file was read again, and with it all that it names."""
        self._layer, self._known = layer, dict(layer.token_files)
        self._unfit.clear()
        self._said.clear()
        self._fresh = frozenset()
        self._tell()

    def _settled(self, number: int) -> None:
        self._unfit.pop(number, None)
        if self._said.pop(number, None) is not None:
            self._tell()

    def _mind(self, number: int, why: str) -> None:
        """It is unfit: wait, and say so once when it stays so."""
        self._unfit[number] = looks = self._unfit.get(number, 0) + 1
        if looks < PATIENCE or self._said.get(number) == why:
            return
        self._said[number] = why
        self._log.error(_SAID, path=self._known[number].path, why=why)
        self._tell()

    def _tell(self) -> None:
        told = (
            _SAID.format(path=self._known[number].path, why=why)
            for number, why in self._said.items()
        )
        self._control.mind_files("tokens", told)

    async def _renew(self, layer: FileLayer, found: Mapping[int, _Read]) -> None:
        """Have the new tokens in force, unless one of them is another one's already."""
        tokens = list(_tokens(layer))
        for number, one in found.items():
            tokens[number] = attrs.evolve(tokens[number], token=one.token)
        admin = attrs.evolve(layer.settings.admin, tokens=tuple(tokens))
        loading = Loading()
        admin.check(("admin",), loading)
        if loading.problems:
            for number in found:
                self._mind(number, loading.problems[0].message)
            return
        settings = attrs.evolve(layer.settings, admin=admin)
        files = {**layer.token_files, **{n: one.file for n, one in found.items()}}
        renewed = attrs.evolve(layer, settings=settings, token_files=files)
        if not await self._control.renew(layer, renewed):
            return  # the whole file was read again meanwhile, and these files with it
        # Nothing else is begun anew, so that what was unfit stays so.
        self._layer = self._control.state.file
        for number in found:
            self._settled(number)
        names = ", ".join(sorted(one.file.path for one in found.values()))
        self._log.info("Tokens were read again from {names}", names=names)


def _tokens(layer: FileLayer) -> tuple[TokenSetting, ...]:
    return layer.settings.admin.tokens


def _read(known: Mapping[int, NamedFile], again: frozenset[int]) -> dict[int, _Read]:
    """Those that have changed or are wanted again; in a thread, for files may be slow."""
    return {
        number: _examined(file) for number, file in known.items() if number in again or file.changed
    }


def _examined(file: NamedFile) -> _Read:
    reading = Reading("/")
    loading = Loading(reading)
    value = kinds(TokenSetting)["token"].load(f"file:{file.path}", ("token",), loading)
    now = reading.files[file.path]
    return _Read(now, why=loading.problems[0].message) if value is REFUSED else _Read(now, value)
