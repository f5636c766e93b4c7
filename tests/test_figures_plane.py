"""Tests of L{fiberlb.figures_plane}; with sockets it is in L{tests.live.test_figures}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import AddressInUse
from fiberlb.figures_plane import FiguresPlane
from fiberlb.relay.binding import Binding
from fiberlb.relay.missing import RETRY
from tests.control.loading import load
from tests.control.stage import Stage
from tests.control.test_validate import compiled

_NONE = "version: 1\n"
_ONE = """\
version: 1
listeners:
- {name: web, port: 80, protocol: http}
- {name: figures, address: 127.0.0.1, port: 9, protocol: prometheus}
"""


class _Socket:
    """One that listens."""

    family = 2

    def __enter__(self) -> None:
        """It is given away."""

    def __exit__(self, *why: object) -> None:
        """A copy of it goes on."""

    def fileno(self) -> int:
        return 5


class _Port:
    """What the reactor makes of it."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.reads = self.listens = True

    def stopReading(self) -> None:
        self.reads = False

    def startReading(self) -> None:
        self.reads = True

    def stopListening(self) -> None:
        self.listens = False

    def getHost(self) -> Any:
        return type("Address", (), {"port": 9})


class _Reactor(Clock):
    """Takes sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[_Port] = []

    def adoptStreamPort(self, descriptor: int, family: int, site: Any) -> _Port:
        """See L{IReactorSocket}."""
        self.ports.append(_Port(site))
        return self.ports[-1]


class FiguresPlaneTests(SynchronousTestCase):
    """Listeners of figures come and go with snapshots."""

    def setUp(self) -> None:
        """A plane in memory."""
        self.stage = Stage(self)
        self.reactor = _Reactor()
        self.taken = False
        self.probed: list[tuple[str, int, bool]] = []
        self.binding = Binding(tcp=self.bind)
        self.plane = FiguresPlane(self.stage.plane, self.reactor, self.binding)
        self.plane.control = self.stage.control

    def bind(self, ident: str, host: str, port: int, freebind: bool, probe: bool) -> Any:
        """A socket."""
        self.probed.append((host, port, probe))
        if self.taken:
            raise AddressInUse(ident, host, port, "taken")
        return _Socket()

    def prepared(self, text: str, tolerated: bool = False) -> Any:
        """A file, prepared."""
        snapshot = compiled(load(self, text))
        every = snapshot.figures if tolerated else ()
        return self.done(self.plane.prepare(snapshot, every))

    def done(self, coroutine: Any) -> Any:
        """What becomes of it."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def states(self) -> list[tuple[int, str]]:
        """Of the listener of figures; the plane in memory says what it likes of others."""
        return [(one.port, one.state) for one in self.plane.listeners() if one.port == 9]

    def test_life(self) -> None:
        """It is bound when it is prepared, serves when it is activated, ends when it is gone."""
        ready = self.prepared(_ONE)
        self.assertEqual(self.probed, [("127.0.0.1", 9, True)])
        (port,) = self.reactor.ports
        self.assertFalse(port.reads)
        self.done(ready.activate())
        self.assertTrue(port.reads)
        self.assertEqual(self.states(), [(9, "listening")])
        self.done(self.prepared(_ONE.replace("9, ", "9, connection_limit: 3, ")).activate())
        self.assertEqual(self.reactor.ports, [port])
        self.assertEqual(port.site.connections.most, 3)
        self.assertEqual(dict(self.plane.listener_figures(self.ident())), {"connections": 0})
        self.done(self.prepared(_NONE).activate())
        self.assertFalse(port.listens)
        self.assertEqual((self.states(), self.binding.known.total()), ([], 0))

    def ident(self) -> str:
        """Of the listener."""
        (found,) = compiled(load(self, _ONE)).figures
        return found

    def test_discarded(self) -> None:
        """What is not wanted after all is closed; the plane's side too."""
        self.done(self.prepared(_ONE).discard())
        self.assertFalse(self.reactor.ports[0].listens)
        self.assertEqual((self.states(), self.binding.known.total()), ([], 0))

    def test_taken(self) -> None:
        """An address that is taken is a refusal."""
        self.taken = True
        failed = Deferred.fromCoroutine(self.plane.prepare(compiled(load(self, _ONE))))
        self.failureResultOf(failed, AddressInUse)

    def test_tolerated(self) -> None:
        """Where it may be taken it is tried again."""
        self.taken = True
        self.done(self.prepared(_ONE, tolerated=True).activate())
        self.assertEqual(self.states(), [(9, "error")])
        self.taken = False
        self.reactor.advance(RETRY)
        self.assertEqual(self.states(), [(9, "listening")])
        self.assertTrue(self.reactor.ports[0].reads)

    def test_ours(self) -> None:
        """A port of this process is not looked at for others: its traffic would be in the way."""
        self.done(self.prepared(_ONE).activate())
        other = _ONE.replace("127.0.0.1", "127.0.0.2").replace("name: figures", "name: more")
        self.done(self.prepared(other).activate())
        self.assertEqual(self.probed[-1], ("127.0.0.2", 9, False))
        self.assertEqual([port.listens for port in self.reactor.ports], [False, True])
        # The plane's side, which has the same binding.
        self.binding.bind("x", "::", 9, False, True)
        self.assertEqual(self.probed[-1], ("::", 9, False))

    def test_close(self) -> None:
        """The end of the process."""
        self.done(self.prepared(_ONE).activate())
        self.done(self.plane.close())
        self.assertFalse(self.reactor.ports[0].listens)
