"""The control service as its callers see it: writes, reloads, the start and the end."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.history import Wanted
from fiberlb.control.refusals import OwnedByFile, Stopping, StoreAway
from fiberlb.errors import AddressInUse, ConfigurationError
from fiberlb.model.certificate import Certificate
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.ocsp import armoured
from fiberlb.model.pool import Member, Pool
from fiberlb.store.memory import MemoryStore
from tests.control.stage import ORIGIN, Stage, create, delete, patch
from tests.support.ocsp import NOW as OCSP_NOW
from tests.support.ocsp import Word, watched

FILE = """\
pools:
- {name: app, members: [127.0.0.1:9001]}
listeners:
- {name: web, port: 80, protocol: http, default_pool_id: app}
"""


class StartTests(SynchronousTestCase):
    """From nothing to serving."""

    def test_file(self) -> None:
        """The file's objects are in force, references resolved, with the default load balancer."""
        stage = Stage(self, FILE)
        self.assertEqual(
            stage.find("listeners", "web").default_pool_id, stage.find("pools", "app").id
        )
        balancers = stage.control.configuration.all(LoadBalancer).values()
        self.assertEqual([made.name for made in balancers], ["default"])
        self.assertEqual(stage.control.revision, 0)
        self.assertTrue(stage.control.ready)

    def test_not_started(self) -> None:
        """Before the start it says that it is not ready, of revision 0."""
        control = Stage(self, start=False).control
        self.assertEqual((control.started, control.ready, control.revision), (False, False, 0))
        self.assertEqual(control.file_generation, 0)

    def test_stored(self) -> None:
        """What was stored is there again after a restart, under the same ids and times."""
        stage = Stage(self, FILE)
        ident = stage.create("pools", {"name": "more", "members": ["127.0.0.1:9009"]})
        again = Stage(self, FILE, store=stage.store, clock=stage.clock)
        self.assertEqual(again.control.revision, 1)
        self.assertEqual(again.find("pools", "more"), stage.find("pools", "more"))
        meta = again.control.configuration.meta[ident]
        self.assertEqual(meta, stage.control.configuration.meta[ident])

    def test_bad_reference(self) -> None:
        """A file that refers to nothing is refused with its position."""
        stage = Stage(self, start=False)
        starting = stage.control.start(stage.file(FILE.replace("app, mem", "ape, mem")))
        why = self.failureResultOf(starting, ConfigurationError).value
        [problem] = why.problems
        self.assertEqual((problem.message, problem.suggestion), ("there is no pool 'app'", "ape"))
        assert problem.position is not None
        self.assertEqual(problem.position.line, 4)
        self.assertFalse(stage.control.started)

    def test_file_address_in_use(self) -> None:
        """A listener of the file that cannot listen refuses the start."""
        stage = Stage(self, start=False)
        stage.plane.busy.add(80)
        self.failureResultOf(stage.control.start(stage.file(FILE)), AddressInUse)

    def test_stored_address_in_use(self) -> None:
        """A stored listener that cannot listen is in state error; the rest serves."""
        first = Stage(self, FILE)
        first.create("listeners", {"name": "extra", "port": 81, "protocol": "http"})
        stage = Stage(self, store=first.store, clock=first.clock, start=False)
        stage.plane.busy.add(81)
        stage.start(FILE)
        states = {one.port: one.state for one in stage.control.listeners()}
        self.assertEqual(states, {80: "listening", 81: "error"})

    def test_store_away(self) -> None:
        """A store that cannot be read refuses the start."""
        stage = Stage(self, start=False)
        self.successResultOf(Deferred.fromCoroutine(stage.store.close()))
        self.failureResultOf(stage.control.start(stage.file("")), StoreAway)

    def test_wrong_key(self) -> None:
        """A document that does not open refuses the start, naming it."""
        stage = Stage(self, start=False)
        puts = {b"objects/pools/x": b"{}", b"revision": b"1"}
        self.successResultOf(Deferred.fromCoroutine(stage.store.commit({}, puts)))
        why = self.failureResultOf(stage.control.start(stage.file("")), StoreAway).value
        self.assertIn("objects/pools/x", str(why))


class WriteTests(SynchronousTestCase):
    """What a write does, in which order."""

    def test_order(self) -> None:
        """Prepare, store, activate and tell the health checks; then the answer."""
        stage = Stage(self)
        outcome = stage.write(create("pools", {"name": "a"}))
        self.assertEqual(stage.plane.events, ["prepare 1", "activate 1", "health 1"])
        self.assertEqual(outcome.revision, 1)
        self.assertEqual(stage.control.revision, 1)

    def test_activation_awaited(self) -> None:
        """The answer comes when the activation has ended; health is told before that."""
        stage = Stage(self)
        stage.plane.activation = Deferred()
        writing = stage.control.write([create("pools", {"name": "a"})], ORIGIN)
        self.assertNoResult(writing)
        self.assertEqual(stage.plane.events[-1], "health 1")
        stage.plane.activation.callback(None)
        self.successResultOf(writing)

    def test_one_at_a_time(self) -> None:
        """A write waits for the one before it, and sees what that one did."""
        stage = Stage(self)
        stage.plane.waits = Deferred()
        first = stage.control.write([create("pools", {"name": "a"})], ORIGIN)
        second = stage.control.write([patch("pools", "a", {"description": "d"})], ORIGIN)
        self.assertNoResult(first)
        waits, stage.plane.waits = stage.plane.waits, None
        waits.callback(None)
        self.assertEqual(self.successResultOf(first).revision, 1)
        self.assertEqual(self.successResultOf(second).revision, 2)

    def test_cancelled_waiting(self) -> None:
        """A client that goes away stops waiting; its write is done nevertheless, and whole."""
        stage = Stage(self)
        stage.plane.waits = Deferred()
        writing = stage.control.write([create("pools", {"name": "a"})], ORIGIN)
        writing.cancel()
        self.failureResultOf(writing)
        stage.plane.waits.callback(None)
        self.assertEqual(stage.control.revision, 1)
        self.assertEqual(stage.plane.events[-2:], ["activate 1", "health 1"])

    def test_nothing_changed(self) -> None:
        """A write that changes nothing makes no revision and disturbs nobody."""
        stage = Stage(self)
        stage.create("pools", {"name": "a"})
        stage.plane.events.clear()
        outcome = stage.write(patch("pools", "a", {"name": "a"}))
        self.assertEqual((outcome.revision, outcome.changes), (1, ()))
        self.assertEqual(stage.plane.events, [])

    def test_dry_run(self) -> None:
        """A dry run prepares and undoes it, stores nothing, and says what would change."""
        stage = Stage(self)
        outcome = stage.write(create("pools", {"name": "a"}), dry_run=True)
        self.assertEqual(stage.plane.events, ["prepare 1", "discard 1"])
        self.assertEqual([change.op for change in outcome.changes], ["create"])
        self.assertEqual((outcome.revision, stage.control.revision), (0, 0))
        self.assertEqual(stage.control.configuration.all(Pool), {})

    def test_several(self) -> None:
        """Operations of one write see each other by name, and make one revision."""
        stage = Stage(self)
        outcome = stage.write(
            create("pools", {"name": "a"}),
            create("members", "127.0.0.1:1", parent="a"),
            create(
                "listeners", {"name": "l", "port": 80, "protocol": "http", "default_pool_id": "a"}
            ),
        )
        self.assertEqual(outcome.revision, 1)
        self.assertEqual(len(outcome.changes), 3)

    def test_all_or_nothing(self) -> None:
        """One bad operation refuses all of them."""
        stage = Stage(self)
        problems = stage.problems(create("pools", {"name": "a"}), create("pools", {"nmae": "b"}))
        self.assertEqual(problems, [("/nmae", "unknown key 'nmae'")])
        self.assertEqual(stage.control.configuration.all(Pool), {})


class ReloadTests(SynchronousTestCase):
    """Another file in place of the one in force."""

    def test_replaced(self) -> None:
        """The new file's objects are in force; no revision is made."""
        stage = Stage(self, FILE)
        stage.reload(FILE.replace("9001", "9002"))
        [member] = stage.control.configuration.all(Member).values()
        self.assertEqual(member.port, 9002)
        self.assertEqual((stage.control.revision, stage.control.file_generation), (0, 2))

    def test_stored_objects_stay(self) -> None:
        """What the API made goes on through a reload."""
        stage = Stage(self, FILE)
        stage.create("pools", {"name": "more"})
        stage.reload(FILE.replace("9001", "9002"))
        self.assertEqual(stage.find("pools", "more").name, "more")

    def test_needed(self) -> None:
        """A file without an object that a stored one refers to is refused, naming who needs it."""
        stage = Stage(self, FILE)
        stage.create(
            "listeners", {"name": "l", "port": 81, "protocol": "http", "default_pool_id": "app"}
        )
        reloading = stage.control.reload(stage.file(""))
        why = self.failureResultOf(reloading, ConfigurationError).value
        self.assertEqual(
            [problem.message for problem in why.problems],
            [
                "'app' of pools cannot be taken out of the file: stored objects need it:"
                " 'l' of listeners"
            ],
        )
        self.assertEqual(stage.find("pools", "app").name, "app")

    def test_needed_parent(self) -> None:
        """Stored children need their parent of the file."""
        stage = Stage(self, "pools: [{name: app}]")
        stage.create("members", "127.0.0.1:5", parent="app")
        reloading = stage.control.reload(stage.file(""))
        why = self.failureResultOf(reloading, ConfigurationError).value
        self.assertIn("'127.0.0.1:5' of members", str(why))

    def test_list_taken_over(self) -> None:
        """A file that begins to give a list which the store fills is refused."""
        stage = Stage(self, "pools: [{name: app}]")
        stage.create("members", "127.0.0.1:5", parent="app")
        reloading = stage.control.reload(stage.file("pools: [{name: app, members: []}]"))
        why = self.failureResultOf(reloading, ConfigurationError).value
        self.assertIn("the file gives its members, but '127.0.0.1:5' is stored", str(why))

    def test_address_in_use(self) -> None:
        """A new listener of the file that cannot listen refuses the reload."""
        stage = Stage(self, FILE)
        stage.plane.busy.add(81)
        more = FILE + "- {name: b, port: 81, protocol: tcp}\n"
        self.failureResultOf(stage.control.reload(stage.file(more)), AddressInUse)
        self.assertEqual(len(stage.control.configuration.all(Listener)), 1)


class OthersTests(SynchronousTestCase):
    """Several nodes with one store."""

    def setUp(self) -> None:
        """Two nodes."""
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.one = Stage(self, FILE, self.store, self.clock, 1)
        self.two = Stage(self, "", self.store, self.clock, 2)

    def settle(self) -> None:
        """Let the watches bring their news."""
        self.clock.pump([0.1] * 5)

    def test_followed(self) -> None:
        """What one writes, the other serves."""
        self.one.create("pools", {"name": "a"})
        self.settle()
        self.assertEqual(self.two.find("pools", "a").name, "a")
        self.assertEqual(self.two.control.revision, 1)
        self.assertEqual(self.two.plane.events, ["prepare 1", "activate 1", "health 1"])

    def test_own_commit_once(self) -> None:
        """A node's own commit does not come back to it."""
        self.one.create("pools", {"name": "a"})
        self.settle()
        self.assertEqual(self.one.plane.events, ["prepare 1", "activate 1", "health 1"])

    def test_race(self) -> None:
        """Who writes without having seen the other's commit starts over on top of it."""
        self.one.create("pools", {"name": "a"})
        outcome = self.two.write(create("pools", {"name": "b"}))
        self.assertEqual(outcome.revision, 2)
        self.assertEqual(self.two.find("pools", "a").name, "a")
        self.settle()
        self.assertEqual(self.one.find("pools", "b").name, "b")

    def test_cannot_listen(self) -> None:
        """A node where an address is taken serves the rest of the revision."""
        self.two.plane.busy.add(90)
        self.one.create("listeners", {"name": "l", "port": 90, "protocol": "tcp"})
        self.settle()
        self.assertEqual([one.state for one in self.two.control.listeners()], ["error"])

    def test_does_not_fit(self) -> None:
        """What does not go with a node's file stays out there; the last good one serves."""
        body = {"name": "l", "port": 80, "protocol": "http", "address": "::"}
        self.two.create("listeners", body)
        self.settle()
        self.assertIn("cannot be served", self.one.control.problems[0])
        self.assertEqual(self.one.control.revision, 0)
        self.two.write(delete("listeners", "l"))
        self.settle()
        self.assertEqual(self.one.control.problems, ())
        self.assertEqual(self.one.control.revision, 2)

    def test_write_while_apart(self) -> None:
        """A write on such a node starts from what is stored, and can mend it."""
        body = {"name": "l", "port": 80, "protocol": "http", "address": "::"}
        self.two.create("listeners", body)
        self.settle()
        self.one.write(patch("listeners", "l", {"port": 8080}))
        self.assertEqual((self.one.control.revision, self.one.control.problems), (2, ()))

    def test_race_is_lost_for_good(self) -> None:
        """A write that no longer makes sense after the other's commit is refused as such."""
        self.one.create("pools", {"name": "a"})
        self.settle()
        self.one.write(delete("pools", "a"))
        writing = self.two.control.write([patch("pools", "a", {"description": "x"})], ORIGIN)
        self.failureResultOf(writing)
        self.assertEqual(self.two.control.revision, 2)


class EndTests(SynchronousTestCase):
    """Stopping."""

    def test_refuses(self) -> None:
        """Writes and reloads are refused once the end has begun."""
        stage = Stage(self)
        self.successResultOf(Deferred.fromCoroutine(stage.control.stop()))
        self.assertFalse(stage.control.ready)
        stage.refused(Stopping, create("pools", {"name": "a"}))
        self.failureResultOf(stage.control.reload(stage.file("")), Stopping)

    def test_waits(self) -> None:
        """It returns when the running write has ended."""
        stage = Stage(self)
        stage.plane.waits = Deferred()
        writing = stage.control.write([create("pools", {"name": "a"})], ORIGIN)
        stopping = Deferred.fromCoroutine(stage.control.stop())
        self.assertNoResult(stopping)
        stage.plane.waits.callback(None)
        self.successResultOf(writing)
        self.successResultOf(stopping)

    def test_watch_ends(self) -> None:
        """Commits of others are not taken any more."""
        clock = Clock()
        store = MemoryStore(clock)
        one, two = (Stage(self, "", store, clock, n) for n in (1, 2))
        self.successResultOf(Deferred.fromCoroutine(two.control.stop()))
        one.create("pools", {"name": "a"})
        clock.pump([0.1] * 5)
        self.assertEqual(two.control.revision, 0)


class ReadTests(SynchronousTestCase):
    """What can be asked."""

    def test_owned(self) -> None:
        """A change of what the file holds is refused, with the place to change it."""
        stage = Stage(self, FILE)
        why = stage.refused(OwnedByFile, patch("pools", "app", {"description": "x"}))
        self.assertEqual(why.position.line, 2)
        self.assertIn("f.yaml, line 2", str(why))

    def test_revisions(self) -> None:
        """The history says who did what and why."""
        stage = Stage(self)
        ident = stage.create("pools", {"name": "a"})
        finding = Deferred.fromCoroutine(stage.control.history.search(Wanted()))
        [entry], more = self.successResultOf(finding)
        self.assertEqual((entry.revision, entry.origin, more), (1, ORIGIN, False))
        self.assertEqual(entry.at, "2027-01-15T08:00:00Z")
        self.assertEqual([(c.op, c.id) for c in entry.changes], [("create", ident)])

    def test_revisions_away(self) -> None:
        """Without the store there is no history, and it is said so."""
        stage = Stage(self)
        self.successResultOf(Deferred.fromCoroutine(stage.store.close()))
        finding = Deferred.fromCoroutine(stage.control.history.search(Wanted()))
        self.failureResultOf(finding, StoreAway)

    def test_member(self) -> None:
        """A member's health and figures come from those who know them."""
        stage = Stage(self, FILE)
        [ident] = stage.control.configuration.all(Member)
        self.assertEqual(stage.control.member_health(ident).health, "up")
        self.assertEqual(stage.control.member_figures(ident)["sessions"], 2)
        self.assertEqual(stage.control.node, "n1")


class StaplingTests(SynchronousTestCase):
    """OCSP responses of the configuration."""

    def test_in_force(self) -> None:
        """What is right is served, what is wrong is told; what is answered can be sent back."""
        stage = Stage(self)
        one = watched("a.test")
        good = armoured(Word().about(one))
        body = {"name": "c", "certificate": one.chain, "private_key": one.key_pem()}
        ident = stage.create("certificates", {**body, "ocsp": good})
        made = stage.control.configuration.all(Certificate)[ident]
        stage.wall = OCSP_NOW.timestamp()
        found = stage.control.stapling(made)
        self.assertEqual((found["status"], found["source"]), ("good", "given"))
        self.assertIsNotNone(stage.control.staples.staple(made, stage.control.certificates.read))
        self.assertEqual(stage.control.problems, ())
        stage.wall += 10 * 86400
        (problem,) = stage.control.problems
        self.assertIn("the response ended on", problem)
        (warning,) = stage.control.certificate_warnings(made)
        self.assertIn("has an OCSP response that is not shown", warning)
        stage.write(patch("certificates", ident, {"ocsp": found}))
        self.assertEqual(stage.control.configuration.all(Certificate)[ident].ocsp, good)
