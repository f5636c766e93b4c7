"""Who may import whom: the layers of C{docs/architecture.rst}, as a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from tests.support.sources import Source, sources

#: Part of the package -> the other parts it may import. A part not listed here fails the test,
#: so that a new folder gets its place on purpose.
ALLOWED: dict[str, str] = {
    "": "",
    "errors": "",
    "model": "errors",
    "wire": "errors model",
    "routing": "errors model",
    "balancing": "errors model",
    "treatment": "errors model wire routing",
    "pool_plans": "errors model wire balancing",
    "tls_plans": "errors model",
    "snapshot": "errors model wire routing balancing treatment pool_plans tls_plans",
    "resolved": "errors model pool_plans snapshot",
    "threads": "",
    "turns": "",
    "noted": "",
    "names": "errors model noted turns",
    "tls": "errors model wire routing balancing pool_plans snapshot",
    "health": "errors model noted wire routing balancing pool_plans snapshot tls",
    "store": "errors model threads turns",
    "observe": "errors model threads",
    "guards": "errors model threads treatment",
    "relay": "errors model wire routing balancing treatment pool_plans snapshot tls observe",
    "acme": "errors model tls store",
    "ocsp": "errors model tls",
    "control": (
        "errors model wire routing balancing pool_plans snapshot resolved tls health store observe"
        " acme ocsp turns"
    ),
    "api": "errors model control",
    "workers": (
        "errors model wire routing balancing treatment pool_plans snapshot resolved tls health"
        " store observe relay guards control turns"
    ),
    "commands": "errors model tls control store",
    "process": "",
    "build": "wire",
    "announcement": "errors model build control",
    "admin_ports": "model relay control starting",
    "figures_plane": "errors model snapshot relay control api admin_ports",
    "belongings": "",
    "background": "",
    "invocation": "",
    "succession": "",
    "privileges": "belongings model control relay starting",
    "started": "*",
    "starting": "errors control store workers",
    "world": "control process relay",
    "cli": "*",
    "node": "*",
    "tap": "*",
}

#: Parts that are functions of their arguments: no I/O, no clock, no chance.
PURE = frozenset(
    {
        "",
        *"errors model wire routing balancing treatment".split(),
        *"pool_plans tls_plans snapshot resolved".split(),
    }
)
_IMPURE = (
    "twisted socket select selectors ssl OpenSSL os time random secrets"
    " threading subprocess asyncio"
).split()

#: Where the running reactor may be imported; everywhere else it is a parameter.
REACTOR = frozenset({"fiberlb/tap.py"})

#: Where threads are made; those of everybody else come from there.
THREADS = frozenset({"fiberlb/threads.py"})
_MAKES_THREADS = ("threading.Thread", "_thread", "concurrent")

#: What no test uses: replaced attributes hide what the code does, sleeping hides what it waits for.
_UNWANTED_IN_TESTS = ("unittest.mock", "mock", "time.sleep", "asyncio.sleep")


def part(module: str) -> str:
    """C{model} for C{fiberlb.model.pool}; empty for the package itself."""
    return module.split(".")[1] if "." in module else ""


def upward(source: Source) -> Iterator[str]:
    """Imports of FiberLB's own that the layers forbid."""
    mine = part(source.module)
    if mine not in ALLOWED:
        yield f"{source.name}: {mine} has no place in the layers (tests/test_layers.py)"
        return
    allowed = {*ALLOWED[mine].split(), mine, "__version__"}
    for line, name in source.imports():
        if name.split(".")[0] == "fiberlb" and "*" not in allowed and part(name) not in allowed:
            yield f"{source.name}:{line}: {mine} imports {name}"


def impure(source: Source) -> Iterator[str]:
    """Imports of I/O, clock or chance in the pure parts."""
    if part(source.module) in PURE:
        for line, name in source.imports():
            if name.split(".")[0] in _IMPURE:
                yield f"{source.name}:{line}: {name} in a pure part"


def reactors(source: Source) -> Iterator[str]:
    """Imports of the running reactor outside the composition root."""
    if source.name not in REACTOR:
        for line, name in source.imports():
            if name == "twisted.internet.reactor" or name.startswith("twisted.internet.reactor."):
                yield f"{source.name}:{line}: the reactor is a parameter"


def threads(source: Source) -> Iterator[str]:
    """Threads that may take the signals of the process."""
    if source.name in THREADS:
        return
    for line, name in source.imports():
        if any(name == word or name.startswith(word + ".") for word in _MAKES_THREADS):
            yield f"{source.name}:{line}: {name}: see fiberlb/threads.py"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "threading.Thread":
            yield f"{source.name}:{node.lineno}: threading.Thread: see fiberlb/threads.py"


def unwanted(source: Source) -> Iterator[str]:
    """Uses of mocks and of sleeping in a test."""
    for line, name in source.imports():
        if any(name == word or name.startswith(word + ".") for word in _UNWANTED_IN_TESTS):
            yield f"{source.name}:{line}: {name}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("time.sleep", "mock.patch"):
            yield f"{source.name}:{node.lineno}: {ast.unparse(node)}"


class LayerTests(SynchronousTestCase):
    """The rules, held against the tree."""

    def check(self, rule: object, *folders: str) -> None:
        """Fail with every line of these folders that breaks the rule."""
        assert callable(rule)
        found = [line for source in sources(*folders) for line in rule(source)]
        self.assertEqual(found, [])

    def test_downward(self) -> None:
        """No part imports one above or beside it, except as listed."""
        self.check(upward, "fiberlb")

    def test_pure(self) -> None:
        """The parts below the relay do no I/O, read no clock and draw no lots."""
        self.check(impure, "fiberlb")

    def test_reactor(self) -> None:
        """One module imports the running reactor."""
        self.check(reactors, "fiberlb", "tests", "twisted")

    def test_threads(self) -> None:
        """One module makes threads."""
        self.check(threads, "fiberlb")

    def test_tests(self) -> None:
        """Tests use values and stand-ins, and wait for events."""
        self.check(unwanted, "tests")

    def test_plugin(self) -> None:
        """What twistd imports for every command imports nothing of FiberLB."""
        for source in sources("twisted"):
            for line, name in source.imports():
                self.assertTrue(name.startswith("twisted."), f"{source.name}:{line}: {name}")


class RuleTests(SynchronousTestCase):
    """The rules themselves: each finds what it is there to find."""

    def found(self, rule: object, name: str, text: str) -> int:
        """How many breaches a rule sees in a text."""
        assert callable(rule)
        return len(list(rule(Source.parse(name, text))))

    def test_upward(self) -> None:
        """An upward import is seen in each of its spellings, also inside a function."""
        for text in (
            "from fiberlb.relay import tcp",
            "import fiberlb.relay.tcp",
            "from ..relay import tcp",
            "def f():\n    from fiberlb.relay.tcp import Pair",
        ):
            self.assertEqual(self.found(upward, "fiberlb/model/pool.py", text), 1, text)
        self.assertEqual(self.found(upward, "fiberlb/relay/x.py", "import fiberlb.model.pool"), 0)
        self.assertEqual(self.found(upward, "fiberlb/api/x.py", "import fiberlb.store.sqlite"), 1)

    def test_unknown_part(self) -> None:
        """A folder that the layers do not name is refused."""
        self.assertEqual(self.found(upward, "fiberlb/helpers/x.py", ""), 1)

    def test_impure(self) -> None:
        """I/O, clock and chance are seen in a pure part, and allowed elsewhere."""
        for text in ("import socket", "from time import monotonic", "import os.path"):
            self.assertEqual(self.found(impure, "fiberlb/routing/match.py", text), 1, text)
            self.assertEqual(self.found(impure, "fiberlb/relay/tcp.py", text), 0, text)

    def test_reactor(self) -> None:
        """Both ways to import the reactor are seen."""
        for text in ("from twisted.internet import reactor", "import twisted.internet.reactor"):
            self.assertEqual(self.found(reactors, "fiberlb/relay/tcp.py", text), 1, text)
            self.assertEqual(self.found(reactors, "fiberlb/tap.py", text), 0, text)

    def test_threads(self) -> None:
        """Threads of the library's own are seen."""
        for text in ("from threading import Thread", "import threading\nthreading.Thread()"):
            self.assertEqual(self.found(threads, "fiberlb/store/x.py", text), 1, text)
            self.assertEqual(self.found(threads, "fiberlb/threads.py", text), 0, text)

    def test_unwanted(self) -> None:
        """Sleeping and patching are seen, imported or called."""
        for text in (
            "from time import sleep",
            "import time\ntime.sleep(1)",
            "from unittest.mock import patch",
            "from unittest import mock",
        ):
            self.assertEqual(self.found(unwanted, "tests/test_x.py", text), 1, text)
