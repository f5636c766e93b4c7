"""Tests of L{fiberlb.control.member_names}, and of members by name in a node's control service."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.member_names import GATHERING, RETRY, NoNames, health_of, sum_of
from fiberlb.control.operations import Op, Operation
from fiberlb.model.pool import Member
from tests.control.stage import Health, Stage

FILE = """\
pools:
- {name: one, members: ["db.test:80"]}
- {name: all, members: ["dns:web.test:80 weight=3", "192.0.2.1:80"]}
- {name: plain, members: ["192.0.2.2:80"]}
- {name: open}
"""


class FollowTests(SynchronousTestCase):
    """What is in force follows the names."""

    def stage(self, text: str = FILE) -> Stage:
        """A node whose names are known."""
        stage = Stage(self, start=False)
        stage.names.zone = {"db.test": ("10.0.0.1", "10.0.0.2"), "web.test": ("10.0.0.3",)}
        stage.start(text)
        return stage

    def served(self, stage: Stage) -> dict[str, list[str]]:
        """Addresses of the members of each pool, as the plane has them."""
        snapshot = stage.plane.snapshot
        assert snapshot is not None
        pools = snapshot.pools.values()
        return {p.pool.name: [m.address for m in p.members] for p in pools}

    def test_start(self) -> None:
        """Names that are known when it starts are served at once."""
        stage = self.stage()
        self.assertEqual(stage.names.wanted, {"db.test", "web.test"})
        self.assertEqual(
            self.served(stage),
            {"one": ["10.0.0.1"], "all": ["10.0.0.3", "192.0.2.1"], "plain": ["192.0.2.2"]}
            | {"open": []},
        )

    def test_moves(self) -> None:
        """A name moves: in force without a revision; pools that it is not in stay as they are."""
        stage = self.stage()
        before = stage.plane.snapshot
        stage.move(web=("10.0.0.3", "10.0.0.4"))
        self.assertEqual(self.served(stage)["all"], ["10.0.0.3", "10.0.0.4", "192.0.2.1"])
        self.assertEqual(stage.plane.events, ["prepare 0", "activate 0", "health 0"])
        self.assertEqual((stage.control.revision, stage.control.file_generation), (0, 1))
        after = stage.plane.snapshot
        assert before is not None and after is not None
        same = {p.pool.name for i, p in after.pools.items() if before.pools[i] is p}
        self.assertEqual(same, {"one", "plain", "open"})

    def test_gathers(self) -> None:
        """What comes together is put in force in one go; what changes nothing is not."""
        stage = self.stage()
        stage.names.zone["db.test"] = ("10.0.0.9",)
        stage.names.changed()
        stage.move(web=("10.0.0.8",))
        self.assertEqual(stage.plane.events.count("prepare 0"), 1)
        stage.move()
        self.assertEqual(stage.plane.events.count("prepare 0"), 1)

    def test_waits(self) -> None:
        """A change that brings names waits for their first answers, and others behind it."""
        stage = self.stage("")
        waits: Deferred[None] = Deferred()
        stage.names.waits = waits
        stage.names.zone["db.test"] = ()
        done = stage.control.reload(stage.file(FILE))
        self.assertNoResult(done)
        stage.names.zone["db.test"] = ("10.0.0.7",)
        waits.callback(None)
        self.successResultOf(done)
        self.assertEqual(self.served(stage)["one"], ["10.0.0.7"])

    def test_writes(self) -> None:
        """A write after names have moved keeps the addresses, and is one revision."""
        stage = self.stage()
        stage.move(web=("10.0.0.5",))
        ident = stage.create("members", {"address": "api.test", "port": 1}, parent="open")
        self.assertEqual(stage.control.revision, 1)
        self.assertEqual(self.served(stage)["all"], ["10.0.0.5", "192.0.2.1"])
        self.assertEqual(self.served(stage)["open"], [])
        self.assertEqual(stage.control.member_health(ident).health, "unknown")
        stage.move(api=("10.0.0.6",))
        self.assertEqual(self.served(stage)["open"], ["10.0.0.6"])
        stage.write(Operation(op=Op.DELETE, collection="members", word=ident, parent="open"))
        self.assertEqual(stage.names.wanted, {"db.test", "web.test"})

    def test_dry_run(self) -> None:
        """What was only tried is not asked for any more."""
        stage = self.stage()
        body = {"address": "api.test", "port": 1}
        operation = Operation(op=Op.CREATE, collection="members", parent="open", body=body)
        stage.write(operation, dry_run=True)
        self.assertEqual(stage.names.wanted, {"db.test", "web.test"})

    def test_trouble(self) -> None:
        """A plane that refuses leaves the old addresses, a log line, and is asked again."""
        stage = self.stage()
        stage.plane.refuses = [RuntimeError("defect")]  # type: ignore[list-item]
        stage.move(web=("10.0.0.5",))
        self.assertEqual(self.served(stage)["all"], ["10.0.0.3", "192.0.2.1"])
        self.assertTrue(self.flushLoggedErrors())
        stage.plane.refuses = []
        stage.clock.advance(RETRY)
        self.assertEqual(self.served(stage)["all"], ["10.0.0.5", "192.0.2.1"])

    def test_stop(self) -> None:
        """After the end nothing is put in force."""
        stage = self.stage()
        stage.names.zone["db.test"] = ("10.0.0.9",)
        stage.names.changed()
        self.successResultOf(Deferred.fromCoroutine(stage.control.stop()))
        stage.names.changed()
        stage.clock.advance(GATHERING)
        self.assertEqual(stage.plane.events, [])


class View:
    """Health checks that know these members."""

    def __init__(self, **health: str) -> None:
        self.known = {name: Health(word, "", None) for name, word in health.items()}

    def apply(self, snapshot: Any) -> None:
        """Nothing."""

    def hold(self, members: frozenset[str], restrained: frozenset[str] = frozenset()) -> None:
        """Nothing."""

    def ejections(self) -> dict[str, int]:
        """Nobody."""
        return {}

    def panicking(self) -> list[str]:
        """None."""
        return []

    def status(self, member_id: str) -> Health:
        """As the test says."""
        return self.known[member_id]

    async def probe(self, member_id: str) -> None:
        """Nothing."""


class TogetherTests(SynchronousTestCase):
    """One word for several."""

    def test_health(self) -> None:
        """The best of them is the member's: it serves as long as one does."""
        for words, wanted in (
            (("up", "down"), "up"),
            (("down", "probing"), "probing"),
            (("down", "down"), "down"),
            (("unmonitored", "unmonitored"), "unmonitored"),
            (("ejected", "ejected"), "ejected"),
        ):
            view = View(**dict(zip("ab", words, strict=True)))
            parts = [Member(id=i, address="::1", port=1) for i in "ab"]
            self.assertEqual(health_of(view, parts, "").health, wanted)
        self.assertEqual(health_of(View(), [], "").reason, "not resolved yet")

    def test_sum(self) -> None:
        """Figures add up."""
        one = {"sessions": 1}
        self.assertIs(sum_of([one]), one)
        self.assertEqual(sum_of([one, {"sessions": 2, "in_flight": 1}])["sessions"], 3)
        self.assertEqual(sum_of([]), {})

    def test_nobody(self) -> None:
        """Without a resolver there are no addresses, and nothing is wrong."""
        names = NoNames()
        names.want({"a"})
        names.keep({"a"})
        self.successResultOf(names.first({"a"}, 1.0))
        self.assertEqual((names.answers(), names.states(), list(names.problems())), ({}, {}, []))
        self.assertEqual(names.state("a").addresses, ())
