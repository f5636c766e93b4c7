"""
Certificates whose files change are read again, by themselves.

Whoever renews certificates writes files, and often cannot send a signal. The
files are looked at in a thread, every L{INTERVAL}: names are followed anew each
time, so a link that is turned (certbot, Kubernetes), a file renamed over
another and one written in place are all the same, on any file system. What
does not fit together yet, as key and certificate are written one after the
other, is tried again until it does; meanwhile the old one serves. Nothing else
of the configuration file is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from fiberlb.control.document import FileLayer
from fiberlb.control.file_material import FileMaterial
from fiberlb.control.looking import Looking, Run
from fiberlb.control.refusals import Refusal
from fiberlb.control.service import ControlService
from fiberlb.control.validate import unreadable
from fiberlb.errors import AddressInUse, ConfigurationError
from fiberlb.model.certificate import Certificate
from fiberlb.tls.bundles import unpacked

T = TypeVar("T")

#: Looks for which a pair may not match before that is told.
PATIENCE = 5


@attrs.frozen
class Found:
    """
    A certificate read anew.

    @ivar material: as its files are now; the old one when they cannot be read.
    @ivar made: in the form that is served; C{None} when it is refused.
    @ivar why: it is refused, a sentence for each field.
    """

    material: FileMaterial
    made: Certificate | None
    why: str = ""


class FileWatch(Looking):
    """
    Looks after the files of a control service's certificates.

    @param run: runs in a thread.
    """

    _log = Logger()
    WHAT = "files of certificates"

    def __init__(self, control: ControlService, clock: IReactorTime, run: Run) -> None:
        super().__init__(clock)
        self._control = control
        self._run = run
        self._layer: FileLayer | None = None
        self._known: dict[str, FileMaterial] = {}
        #: id -> for how many looks its files have been unfit.
        self._unfit: dict[str, int] = {}
        self._said: dict[str, str] = {}
        #: Changed a moment ago: looked at once more, for times of files are coarse.
        self._fresh: set[str] = set()

    async def _look(self) -> None:
        layer = self._control.state.file
        if layer is not self._layer:
            self._begin(layer)
        if not self._known:
            return
        again = frozenset([*self._unfit, *self._fresh])
        known = dict(self._known)
        found = await self._run(lambda: _read(known, again))
        self._fresh.clear()
        fit: dict[str, Found] = {}
        for ident, one in found.items():
            if one.made is None:
                self._mind(ident, one.why)
                continue
            if one.material.files != known[ident].files:
                self._fresh.add(ident)
            fit[ident] = one
        await self._renew(layer, fit)

    def _begin(self, layer: FileLayer) -> None:
        """The configuration file was read again, and with it all that it names."""
        self._layer = layer
        self._known = dict(layer.materials)
        self._unfit.clear()
        self._said.clear()
        self._fresh.clear()
        self._tell()

    async def _renew(self, layer: FileLayer, fit: Mapping[str, Found]) -> None:
        """Put in force what has changed: together if that goes, else one by one."""
        served = layer.configuration.all(Certificate)
        changed = [ident for ident, one in fit.items() if one.made != served.get(ident)]
        for ident in fit.keys() - set(changed):
            self._known[ident] = fit[ident].material
            self._settled(ident)
        if not changed:
            return
        if await self._put(layer, fit, changed) or len(changed) == 1:
            return
        for ident in changed:
            current = self._control.state.file
            if current is self._layer:
                await self._put(current, fit, [ident])

    async def _put(self, layer: FileLayer, fit: Mapping[str, Found], idents: Sequence[str]) -> bool:
        now = self._control.now()
        renewed = _with(layer, {ident: fit[ident] for ident in idents}, now)
        try:
            taken = await self._control.renew(layer, renewed)
        except (ConfigurationError, AddressInUse, Refusal) as why:
            if len(idents) == 1:
                self._mind(idents[0], str(why))
            return False
        if not taken:
            return True  # the whole file was read again meanwhile, and these files with it
        self._layer = self._control.state.file
        for ident in idents:
            self._known[ident] = fit[ident].material
            self._settled(ident)
        self._log.info(
            "Certificates were read again from their files and are shown from now on: {names}",
            names=", ".join(sorted(self._name(ident) for ident in idents)),
        )
        return True

    def _mind(self, ident: str, why: str) -> None:
        """It is unfit: wait, and say so once when it stays so."""
        self._unfit[ident] = looks = self._unfit.get(ident, 0) + 1
        if looks < PATIENCE or self._said.get(ident) == why:
            return
        self._said[ident] = why
        self._tell()
        for line in why.splitlines():
            self._log.error(
                "The files of certificate {name} have changed and are refused, the old one serves:"
                " {line}",
                name=self._name(ident),
                line=line,
            )

    def _settled(self, ident: str) -> None:
        self._unfit.pop(ident, None)
        if self._said.pop(ident, None) is not None:
            self._tell()

    def _tell(self) -> None:
        told = (
            f"the files of certificate {self._name(ident)} are refused, the old one serves: {why}"
            for ident, why in self._said.items()
        )
        self._control.mind_files("certificates", told)

    def _name(self, ident: str) -> str:
        assert self._layer is not None
        made = self._layer.configuration.all(Certificate).get(ident)
        return repr(made.name if made is not None else ident)


def _read(known: Mapping[str, FileMaterial], again: frozenset[str]) -> dict[str, Found]:
    """Those that have changed or are wanted again; in a thread, for files may be slow."""
    return {
        ident: _examined(material)
        for ident, material in known.items()
        if ident in again or material.changed
    }


def _examined(material: FileMaterial) -> Found:
    try:
        read = material.again()
        made = unpacked(read.made)
    except ConfigurationError as why:
        return Found(material, None, str(why))
    problems = list(unreadable([made], {}))
    if problems:
        said = (attrs.evolve(problem, path=problem.path[2:]) for problem in problems)
        return Found(material, None, "\n".join(map(str, said)))
    return Found(read, made)


def _with(layer: FileLayer, renewed: Mapping[str, Found], now: str) -> FileLayer:
    """The layer with these certificates in place of theirs, nothing else touched."""
    configuration = layer.configuration
    collection = Certificate.COLLECTION
    objects = {
        **configuration.objects,
        collection: {**configuration.objects[collection], **_made(renewed.items())},
    }
    meta = {
        **configuration.meta,
        **{ident: attrs.evolve(configuration.meta[ident], updated_at=now) for ident in renewed},
    }
    materials = {**layer.materials, **{ident: one.material for ident, one in renewed.items()}}
    configuration = attrs.evolve(configuration, objects=objects, meta=meta)
    return attrs.evolve(layer, configuration=configuration, materials=materials)


def _made(found: Iterable[tuple[str, Found]]) -> dict[str, Certificate]:
    return {ident: one.made for ident, one in found if one.made is not None}
