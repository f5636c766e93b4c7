"""Tests of L{fiberlb.workers.worker}: one in this process, on a reactor that does not run."""

from __future__ import annotations

import os
import socket

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import Configuration
from fiberlb.model.pool import Member, Pool
from fiberlb.relay.reactor import LeanReactor
from fiberlb.tls.contexts import bare_context
from fiberlb.workers import messages
from fiberlb.workers.order import Order
from fiberlb.workers.pages import Page, make_page
from fiberlb.workers.revisions import Encoder, Revision, content
from fiberlb.workers.worker import Worker
from tests.support.ports import free_port
from tests.workers.test_slots import listening

_MEMBERS = {
    ident: Member(id=ident, name=ident, pool_id="p", address="192.0.2.1", port=80)
    for ident in ("a", "b")
}


class WorkerTests(SynchronousTestCase):
    """A worker, and what it is told."""

    def setUp(self) -> None:
        """It has served nothing yet."""
        self.directory = self.mktemp()
        os.mkdir(self.directory)
        order = Order(
            number=1,
            slot=1,
            directory=self.directory,
            board=os.path.join(self.directory, "board"),
            deadline=60.0,
            log_format="off",
            log_path="stdout",
        )
        self.reactor = LeanReactor()
        self.addCleanup(self.reactor.removeAll)
        self.page = Page(make_page())
        self.addCleanup(self.page.close)
        self.bases = [bare_context() for _ in range(2)]
        self.worker = Worker(self.reactor, order, self.page, self.bases)
        self.port = free_port()

    def apply(self, serial: int = 1, down: bytes = b"", number: int = 0) -> None:
        """Serve a listener, and a pool of two members."""
        objects = dict(listening(l=self.port).configuration.objects)
        (listener,) = objects["listeners"].values()
        objects["pools"] = {"p": Pool(id="p", name="p")}
        objects["members"] = _MEMBERS
        revision = Revision(
            serial=serial,
            configuration=Configuration(objects=objects),
            limits=Limits(),
            trusted=(),
            bases={listener.id: 1},
            places={"a": 1, "b": 2, "l": 3},
        )
        (fd,) = [step for step in Encoder().encode(revision) if step is not None]
        done = Deferred.fromCoroutine(self.worker.apply(serial, content(fd), down, number))
        # On a busy machine it takes more than one turn.
        while not done.called:
            self.reactor.runUntilCurrent()
        self.successResultOf(done)

    def up(self) -> set[str]:
        """Members that may be chosen."""
        members = self.worker.plane._table.members
        return {ident for ident, (state, _) in members.items() if state.up}

    def test_apply(self) -> None:
        """The revision is served, without the members that are down."""
        self.apply(serial=9, down=b"b", number=3)
        self.assertEqual(self.worker.serial, 9)
        self.assertEqual(self.up(), {"a"})

    def test_health(self) -> None:
        """News in their order; what is older than known is not minded; all survives a change."""
        self.apply(down=b"b", number=3)
        self.worker.usable(3, "a", False)
        self.assertEqual(self.up(), {"a"})
        self.worker.usable(4, "a", False)
        self.worker.usable(5, "b", True)
        self.assertEqual(self.up(), {"b"})
        self.apply(serial=2, down=b"b", number=3)
        self.assertEqual(self.up(), {"b"})
        self.apply(serial=3, down=b"", number=6)
        self.assertEqual(self.up(), {"a", "b"})

    def test_sockets(self) -> None:
        """A socket that is handed over is accepted from, and one of nobody waits."""
        sock = socket.create_server(("127.0.0.1", 0))
        key = ("::", self.port)
        self.worker.listen(*key, 1, sock.detach(), None)
        self.assertEqual(self.worker.plane.sockets(), [])
        found = next(iter(self.worker.plane._waiting))
        self.assertEqual(found, (key, 1))

    def test_slot(self) -> None:
        """TLS begins with the context of the listener's number."""
        self.worker._index = {"l": 1}
        made = self.worker._slot("l")
        self.assertIs(made._make_base(), self.bases[1])
        self.assertNotIn(self.worker._slot("other")._make_base(), self.bases)

    def test_alone(self) -> None:
        """Without a control process there is nobody to tell."""
        self.assertFalse(self.worker.tell("info", "fiberlb", "text"))

    def test_figures(self) -> None:
        """What is counted stands in the page, at the places of the revision."""
        self.apply()
        self.worker.plane._table.members["b"][0].requests = 7
        self.worker._beat()
        self.assertEqual(self.page.read(2), (0, 0, 7, 0))
        self.assertGreater(self.page.read(0)[0], 0)

    def test_nothing_on_disk(self) -> None:
        """Where nobody can take it over, a worker without a control process drains at once."""
        self.apply()
        self.worker._order = attrs.evolve(self.worker._order, directory="")
        drained: list[float] = []
        self.worker.drain = drained.append  # type: ignore[method-assign, assignment]
        self.worker.unlinked(None)  # type: ignore[arg-type]
        self.assertEqual(drained, [60.0])

    def test_suspect(self) -> None:
        """Control is told of a member that fails; without one nobody is."""
        told: list[object] = []

        class Link:
            """To control."""

            def callRemote(self, command: object, **named: object) -> Deferred[object]:
                """A message."""
                told.append((command, named))
                return Deferred()

        suspect = self.worker.plane._services.suspect
        suspect("a", "member_reset", "5 failures in a row")
        self.assertEqual(told, [])
        self.worker.linked(Link())  # type: ignore[arg-type]
        told.clear()
        suspect("a", "member_reset", "5 failures in a row")
        about = {"member": "a", "cause": "member_reset", "text": "5 failures in a row"}
        self.assertEqual(told, [(messages.Suspect, about)])
