"""Tests of L{fiberlb.node}: what needs no sockets; the rest is in L{tests.live.test_node}."""

from __future__ import annotations

import itertools
import os
from typing import Any

import attrs
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import FileLayer, load_file
from fiberlb.errors import ConfigurationError, Problem
from fiberlb.node import Node
from fiberlb.process.reporting import Reporting
from fiberlb.relay.loop import StockLoop
from fiberlb.world import World
from tests.support.programs import temporary_directory


class Pool:
    """Threads whose work is done at once."""

    def callInThreadWithCallback(self, told: Any, work: Any) -> None:
        """See L{twisted.python.threadpool.ThreadPool.callInThreadWithCallback}."""
        told(True, work())


class Reactor(MemoryReactorClock):
    """A reactor in memory whose ports can be held."""

    def __init__(self) -> None:
        super().__init__()
        self.reading: list[bool] = []

    def getThreadPool(self) -> Pool:
        """See L{IReactorThreads.getThreadPool}."""
        return Pool()

    def callFromThread(self, work: Any, *arguments: Any) -> None:
        """See L{IReactorFromThreads.callFromThread}."""
        work(*arguments)

    def listenTCP(self, *arguments: Any, **named: Any) -> Any:
        """See L{IReactorTCP.listenTCP}."""
        return self.held(super().listenTCP(*arguments, **named))

    def listenUNIX(self, *arguments: Any, **named: Any) -> Any:
        """See L{IReactorUNIX.listenUNIX}."""
        return self.held(super().listenUNIX(*arguments, **named))

    def held(self, port: Any) -> Any:
        """The port, whose reading is noted."""
        port.stopReading = lambda: self.reading.append(False)
        port.startReading = lambda: self.reading.append(True)
        return port


class NodeTests(SynchronousTestCase):
    """A node without listeners, its store in memory."""

    def setUp(self) -> None:
        """A file and a world."""
        self.directory = self.mktemp()
        os.mkdir(self.directory)
        self.reactor = Reactor()
        self.failures: list[str] = []
        self.nodes: list[Node] = []
        self.again: list[FileLayer | Exception] = []
        self.heard: list[str] = []

    def hear(self, lines: str) -> bool:
        """A service manager."""
        self.heard.append(lines)
        return True

    def layer(self, text: str = "") -> FileLayer:
        """A file layer with its state in a directory of its own."""
        path = os.path.join(self.directory, "f.yaml")
        settings = f"version: 1\nstore: 'memory:'\nstate_directory: {self.directory}/state\n"
        settings += "shutdown: {grace: 0s}\nworkers: 0\n"
        with open(path, "w", encoding="utf-8") as file:
            file.write(settings + text)
        return load_file(path, {})

    def read_again(self) -> FileLayer:
        """What the file has become."""
        found = self.again.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def node(self, text: str = "") -> Node:
        """A node, not started."""
        ids = itertools.count()
        world = World(
            reactor=self.reactor,
            wall=self.reactor.seconds,
            monotonic=self.reactor.seconds,
            random=lambda: 0.5,
            random_bytes=lambda count: b"\x01" * count,
            make_id=lambda: f"00000000-0000-4000-8000-{next(ids):012}",
            environment={},
            host_name="host",
            pid=lambda: 1,
            root=False,
            reporting=Reporting(self.reactor, self.hear, None, lambda: 7, self.reactor.seconds),
        )
        node = Node(self.layer(text), world, self.read_again, self.failures.append)
        self.nodes.append(node)
        self.addCleanup(self.stop, node)
        return node

    def start(self, node: Node) -> None:
        """Start, and let compiling have its turns."""
        node.startService()
        self.turn()

    def turn(self) -> None:
        """Some turns of the reactor."""
        self.reactor.pump([0.01] * 20)

    def stop(self, node: Node) -> None:
        """Stop, if it runs, and see that nothing is left to do."""
        if node.running:
            done = node.stopService()
            self.turn()
            self.successResultOf(done)
            if not any(other.running for other in self.nodes):
                self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_started(self) -> None:
        """It serves what the file says, and its admin API listens where the file says."""
        node = self.node("pools: [{name: a, members: ['127.0.0.1:1']}]\n")
        self.start(node)
        self.assertEqual(self.failures, [])
        assert node.control is not None
        self.assertTrue(node.control.ready)
        self.assertEqual(node.control.node, "host")
        self.assertEqual(self.reactor.tcpServers[0][0], 9876)
        self.assertEqual(self.reactor.tcpServers[0][3], "127.0.0.1")
        self.assertEqual(self.reactor.reading, [False, True])

    def test_unix(self) -> None:
        """An admin socket is for its owner alone."""
        path = f"{temporary_directory()}/admin.sock"
        self.start(self.node(f"admin: {{listen: 'unix:{path}'}}\n"))
        self.assertEqual(self.reactor.unixServers[0][0], path)
        self.assertEqual(self.reactor.unixServers[0][3], 0o600)

    def test_stock_loop(self) -> None:
        """On a reactor that is not ours it puts a loop between."""
        self.assertIsInstance(self.node().loop, StockLoop)

    def test_refused(self) -> None:
        """What is wrong with the objects is told with the place in the file."""
        node = self.node(
            "pools: [{name: a}]\nl7_policies: [{listener_id: nobody, redirect_pool_id: a}]\n"
        )
        self.start(node)
        self.assertEqual(len(self.failures), 1)
        self.assertIn("f.yaml:7:", self.failures[0])
        self.assertIn("nobody", self.failures[0])

    def test_state_directory_taken(self) -> None:
        """Two processes do not share a state directory."""
        self.start(self.node())
        second = self.node()
        self.start(second)
        self.assertIn("uses this state directory", self.failures[0])

    def test_state_directory_too_long(self) -> None:
        """One that workers' sockets do not go into is refused, wherever it comes from."""
        node = self.node()
        node._wanted = 1
        node._layer = attrs.evolve(
            node._layer,
            settings=attrs.evolve(node._layer.settings, state_directory="/" + "s" * 100),
        )
        self.start(node)
        self.assertIn("has a path of 101 octets", self.failures[0])

    def test_reload(self) -> None:
        """Another file takes the place of the one in force."""
        node = self.node()
        self.start(node)
        self.again = [self.layer("pools: [{name: late}]\n")]
        node.reload()
        self.turn()
        assert node.control is not None
        names = [pool.name for pool in node.control.configuration.objects["pools"].values()]
        self.assertEqual(names, ["late"])

    def test_reload_refused(self) -> None:
        """A file that cannot be read changes nothing."""
        node = self.node("pools: [{name: first}]\n")
        self.start(node)
        self.again = [ConfigurationError([Problem((), "nonsense")])]
        node.reload()
        self.turn()
        listener = "{name: l, port: 9, protocol: tcp, default_pool_id: nobody}"
        self.again = [self.layer(f"pools: [{{name: x}}]\nlisteners: [{listener}]\n")]
        node.reload()
        self.turn()
        assert node.control is not None
        names = [pool.name for pool in node.control.configuration.objects["pools"].values()]
        self.assertEqual(names, ["first"])

    def test_reload_twice(self) -> None:
        """After a refusal the next good file is taken."""
        node = self.node()
        self.start(node)
        self.again = [ConfigurationError([Problem((), "no")]), self.layer("pools: [{name: p}]\n")]
        node.reload()
        node.reload()
        self.turn()
        assert node.control is not None
        self.assertEqual(len(node.control.configuration.objects["pools"]), 1)

    def test_reported(self) -> None:
        """A service manager hears of the start, of reloads and of the end."""
        node = self.node()
        self.start(node)
        self.again = [ConfigurationError([Problem((), "no")]), self.layer()]
        node.reload()
        node.reload()
        self.turn()
        done = node.stopService()
        self.turn()
        self.successResultOf(done)
        states = [first for one in self.heard if (first := one.split("\n")[0]).endswith("=1")]
        reload = ["RELOADING=1", "READY=1"]
        self.assertEqual(states, ["READY=1", *reload, *reload, "STOPPING=1"])
        self.assertIn("STATUS=serving revision 0 and file generation 1", self.heard[1])
        (refused,) = [one for one in self.heard if "refused" in one and "READY=1" in one]
        self.assertIn("the file was refused: no", refused)

    def test_nothing_to_reload(self) -> None:
        """Without a file a reload ends at once, for a manager that waits for its end."""
        node = self.node()
        self.start(node)
        node._read_again = None
        node.reload()
        self.assertEqual(self.heard[-2].split("\n")[0], "RELOADING=1")
        self.assertIn("READY=1", self.heard[-1])

    def test_asked_here(self) -> None:
        """Where the admin API listens is written down as long as it does."""
        node = self.node()
        self.start(node)
        note = os.path.join(node.directory, "admin")
        with open(note, encoding="utf-8") as file:
            self.assertRegex(file.read(), r"^http://.*:9876\n$")
        done = node.stopService()
        self.turn()
        self.successResultOf(done)
        self.assertFalse(os.path.exists(note))
