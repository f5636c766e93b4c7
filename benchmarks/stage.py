"""What runs while something is measured: the origins, and every proxy from its first use on."""

from __future__ import annotations

import http.client
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from unittest import SkipTest

import attrs

from benchmarks import check
from benchmarks.machine import Cores
from benchmarks.proxies import PROXIES, Front, Proxy, Setting, start_origin
from benchmarks.setting import started
from tests.support.ports import free_port
from tests.support.programs import NotStarted


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@attrs.frozen
class Needs:
    """
    How a scenario wants its proxies; those that want the same share them.

    @ivar extras: see L{Setting}.
    @ivar files: name -> size of what the origin serves below C{/files/}.
    @ivar uploads: the origin is the one that takes bodies.
    @ivar verified: the origin speaks TLS, and is verified.
    """

    front: Front = Front.HTTP
    extras: Mapping[str, str] = attrs.field(factory=dict)
    files: Mapping[str, int] = attrs.field(factory=dict)
    uploads: bool = False
    verified: bool = False

    @property
    def shared(self) -> tuple[object, ...]:
        """Equal for those that can share a proxy."""
        return self.front, tuple(sorted(self.extras.items())), self.uploads, self.verified


class Stage:
    """
    A context; everything that was started in it is ended with it, by its process id.

    @ivar failures: lines about proxies that should have run and do not.
    """

    def __init__(
        self, cores: Cores, files: Mapping[str, int], say: Callable[[str], None] = _say
    ) -> None:
        self.cores = cores
        self.failures: list[str] = []
        self._files = files
        self._say = say
        self._stack = ExitStack()
        self._settings: dict[tuple[object, ...], Setting] = {}
        self._proxies: dict[tuple[object, ...], Proxy | None] = {}
        self._checked: set[tuple[int, str]] = set()
        self._origins: dict[bool, int] = {}

    def __enter__(self) -> Stage:
        temporary = tempfile.TemporaryDirectory(prefix="bench-")
        self._directory = Path(self._stack.enter_context(temporary))
        # nginx's workers run as an ordinary user and read what the origin serves.
        self._directory.chmod(0o755)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        why: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def setting(self, needs: Needs) -> Setting:
        """What the proxies of a scenario have in common."""
        if needs.shared not in self._settings:
            folder = self._directory / str(len(self._settings))
            folder.mkdir()
            origin, trusted = self._origin(needs.uploads), None
            if needs.verified:
                origin, trusted = self._tls_origin
            self._settings[needs.shared] = Setting(
                folder, origin, self.cores, needs.front, needs.extras, trusted
            )
        return self._settings[needs.shared]

    def proxy(self, name: str, needs: Needs) -> Proxy | None:
        """
        A proxy that runs and was checked; C{None}, once with a line why, when there is none.
        """
        key = (name, *needs.shared)
        if key not in self._proxies:
            self._proxies[key] = self._started(name, needs)
        proxy = self._proxies[key]
        if proxy is None or self._correct(proxy, needs):
            return proxy
        self._proxies[key] = None
        return None

    def _started(self, name: str, needs: Needs) -> Proxy | None:
        try:
            proxy = PROXIES[name](self.setting(needs))
        except SkipTest as why:
            self._say(f"{name} ({needs.front.value}) is left out: {why}")
            return None
        except NotStarted as why:
            self._fail(f"{name} ({needs.front.value}) did not start: {why}")
            return None
        self._stack.callback(proxy.program.stop)
        return proxy

    def _correct(self, proxy: Proxy, needs: Needs) -> bool:
        """What this scenario needs is checked once for each proxy."""
        setting = self.setting(needs)
        tests: dict[str, Callable[[], None]]
        if needs.uploads:
            tests = {"upload": lambda: check.same_upload(proxy, setting)}
        else:
            tests = {"answers": lambda: check.answers(proxy, setting)}
        for file, size in needs.files.items():
            tests[file] = lambda file=file, size=size: check.same_file(  # type: ignore[misc]
                proxy, setting, file, size
            )
        for name, test in tests.items():
            if (proxy.port, name) not in self._checked:
                self._checked.add((proxy.port, name))
                try:
                    test()
                except (check.Wrong, OSError, http.client.HTTPException) as why:
                    self._fail(f"{proxy.name} ({needs.front.value}) fails: {why!r}")
                    return False
        return True

    def _fail(self, line: str) -> None:
        self.failures.append(line)
        self._say(line)

    def _origin(self, uploads: bool) -> int:
        """The port of an origin, started when it is first needed."""
        if uploads not in self._origins:
            setting = Setting(self._directory, free_port(), self.cores)
            if uploads:
                origin = _start_sink(setting)
            else:
                port = free_port()
                origin = start_origin(setting, self._files, port)
                self._tls_origin = port, setting.pem
            self._stack.callback(origin.program.stop)
            self._origins[uploads] = origin.port
        return self._origins[uploads]


def _start_sink(setting: Setting) -> Proxy:
    script = str(Path(__file__).with_name("sink.py"))
    command = setting.cores.pin_load([sys.executable, "-P", script, str(setting.origin)])
    return started("sink", setting.origin, command, setting.folder("sink"))
