"""Operations: what POST, PUT, PATCH and DELETE come to."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.applying import MONITORS, check_condition
from fiberlb.control.operations import ANY, Condition
from fiberlb.control.refusals import Ambiguous, Exists, NotFound, Stale
from fiberlb.model.l7 import L7Policy
from fiberlb.model.pool import Member
from tests.control.stage import Stage, create, delete, patch, replace

LISTENER: dict[str, Any] = {"name": "web", "port": 80, "protocol": "http"}
REJECT: dict[str, Any] = {"action": "reject", "rules": [{"path": "/x"}]}


class CreateTests(SynchronousTestCase):
    """POST."""

    def setUp(self) -> None:
        """One node."""
        self.stage = Stage(self)

    def test_nested(self) -> None:
        """Children come with their parent, in one revision."""
        policies = [{**REJECT, "name": "p"}, REJECT]
        outcome = self.stage.write(create("listeners", {**LISTENER, "l7_policies": policies}))
        self.assertEqual(outcome.revision, 1)
        self.assertEqual(
            [change.collection for change in outcome.changes],
            ["listeners", "l7_policies", "l7_policies", "l7_rules", "l7_rules"],
        )
        listener = self.stage.find("listeners", "web")
        made = self.stage.control.configuration.policies(listener.id)
        self.assertEqual([(p.position, p.name) for p in made], [(10, "p"), (20, "policy-20")])

    def test_position(self) -> None:
        """A policy without a position comes 10 after the last of its listener."""
        self.stage.create("listeners", LISTENER)
        for position in (None, 35, None):
            body = {**REJECT, "listener_id": "web", "position": position}
            self.stage.create("l7_policies", body)
        positions = [p.position for p in self.stage.control.configuration.all(L7Policy).values()]
        self.assertEqual(positions, [10, 35, 45])

    def test_own_id(self) -> None:
        """An id of the client's own is taken, in lower case; a second time it is refused."""
        ident = "ABCDEF00-0000-4000-8000-00000000000F"
        self.assertEqual(self.stage.create("pools", {"id": ident}), ident.lower())
        self.stage.refused(Exists, create("certificates", {"id": ident, "certificate": "x"}))

    def test_parent_in_body(self) -> None:
        """A flat child names its parent, by id or by name."""
        pool = self.stage.create("pools", {"name": "a"})
        body = {"address": "::1", "port": 1}
        self.stage.create("members", {**body, "pool_id": "a"})
        self.stage.create("members", {**body, "pool_id": pool, "port": 2})
        self.stage.create("members", {**body, "pool_id": "a", "port": 3}, parent=pool)
        members = self.stage.control.configuration.all(Member).values()
        self.assertEqual({member.pool_id for member in members}, {pool})
        self.assertEqual(self.stage.problems(create("members", body)), [("/pool_id", "is needed")])

    def test_other_parent(self) -> None:
        """A body that names another parent than its address is refused."""
        for name in "ab":
            self.stage.create("pools", {"name": name})
        body = {"address": "::1", "port": 1, "pool_id": "b"}
        self.assertEqual(
            self.stage.problems(create("members", body, "a")),
            [("/pool_id", "is said by the place where this stands; leave it out")],
        )

    def test_no_parent(self) -> None:
        """A parent that is not there, in the address or in the body."""
        self.stage.refused(NotFound, create("members", "127.0.0.1:1", "a"))
        body = {"address": "::1", "port": 1, "pool_id": "nope"}
        self.assertEqual(
            self.stage.problems(create("members", body)), [("/pool_id", "there is no pool 'nope'")]
        )

    def test_problems_at_once(self) -> None:
        """Everything that is wrong is told, each with its pointer."""
        body = {"protocol": "smtp", "x": 1, "members": ["127.0.0.1:1", "nonsense"]}
        pointers = [pointer for pointer, _ in self.stage.problems(create("pools", body))]
        self.assertEqual(pointers, ["/protocol", "/x", "/members/1"])

    def test_reference_problems(self) -> None:
        """References that lead nowhere point into the body, nested ones too."""
        policy = {"redirect_pool_id": "q", "rules": [{"path": "/"}]}
        body = {**LISTENER, "default_pool_id": "p", "l7_policies": [policy]}
        self.assertEqual(
            self.stage.problems(create("listeners", body)),
            [
                ("/default_pool_id", "there is no pool 'p'"),
                ("/l7_policies/0/redirect_pool_id", "there is no pool 'q'"),
            ],
        )

    def test_compile_problem(self) -> None:
        """What compiling refuses points into the body as well."""
        policy = {"action": "reject", "rules": [{"path": "(", "compare_type": "regex"}]}
        [(pointer, _)] = self.stage.problems(
            create("listeners", {**LISTENER, "l7_policies": [policy]})
        )
        self.assertEqual(pointer, "/l7_policies/0/rules/0/value")

    def test_ambiguous_reference(self) -> None:
        """A reference by a name that several bear."""
        for _ in range(2):
            self.stage.create("pools", {"name": "a"})
        problems = self.stage.problems(create("listeners", {**LISTENER, "default_pool_id": "a"}))
        self.assertEqual(problems, [("/default_pool_id", "2 pools are named 'a'; use an id")])

    def test_port_taken(self) -> None:
        """A port that another listener has, and one that another program has."""
        self.stage.create("listeners", LISTENER)
        [(pointer, _)] = self.stage.problems(create("listeners", LISTENER))
        self.assertEqual(pointer, "/port")
        self.stage.plane.busy.add(81)
        problems = self.stage.problems(create("listeners", {**LISTENER, "port": 81}))
        self.assertEqual(problems, [("/port", "port 81 of :: is taken")])

    def test_several_listeners(self) -> None:
        """The file's short form for one policy in several listeners is refused here."""
        [(pointer, _)] = self.stage.problems(
            create("l7_policies", {**REJECT, "listener_ids": ["a", "b"]})
        )
        self.assertEqual(pointer, "/listener_ids")

    def test_condition(self) -> None:
        """A condition on a POST is about the list."""
        match = Condition(match=("0",))
        self.stage.write(create("pools", {}, condition=match))
        self.stage.refused(Stale, create("pools", {}, condition=match))


class ReplaceTests(SynchronousTestCase):
    """PUT."""

    def setUp(self) -> None:
        """One node with a pool."""
        self.stage = Stage(self)
        self.pool = self.stage.create(
            "pools", {"name": "a", "description": "d", "members": ["127.0.0.1:1"]}
        )

    def test_defaults(self) -> None:
        """Scalars that are absent take their defaults; lists of children stay."""
        self.stage.write(replace("pools", self.pool, {"name": "b"}))
        pool = self.stage.control.configuration.objects["pools"][self.pool]
        self.assertEqual((pool.name, pool.description), ("b", ""))
        self.assertEqual(len(self.stage.control.configuration.all(Member)), 1)

    def test_called_by_name(self) -> None:
        """An object called by its name keeps it; one called by its id does not."""
        self.stage.write(replace("pools", "a", {}))
        self.assertEqual(self.stage.find("pools", "a").id, self.pool)
        self.stage.write(replace("pools", self.pool, {}))
        self.assertEqual(self.stage.find("pools", "").id, self.pool)

    def test_creates(self) -> None:
        """What is not there by its name is made, of that name."""
        outcome = self.stage.write(replace("pools", "new", {"members": ["127.0.0.1:2"]}))
        self.assertTrue(outcome.applied[0].created)
        self.assertEqual(self.stage.find("pools", "new").id, outcome.applied[0].id)
        self.assertEqual(
            self.stage.problems(replace("pools", "newer", {"name": "other"})),
            [("/name", "is not the name of the address, 'newer'")],
        )

    def test_no_such_id(self) -> None:
        """An id that is not there is not made."""
        missing = "00000000-0000-4000-8000-0000000000aa"
        self.stage.refused(NotFound, replace("pools", missing, {}))

    def test_conditions(self) -> None:
        """If-Match needs an object; If-None-Match * needs none."""
        some = Condition(match=(ANY,))
        none = Condition(none_match=(ANY,))
        self.stage.refused(Stale, replace("pools", "new", {}, condition=some))
        self.stage.refused(Stale, replace("pools", "a", {}, condition=none))
        self.stage.write(replace("pools", "new", {}, condition=none))
        self.stage.write(replace("pools", "a", {}, condition=some))

    def test_children(self) -> None:
        """A list that is given replaces: by id, name or address what stays, the rest goes."""
        [before] = self.stage.control.configuration.all(Member).values()
        body = {"members": ["127.0.0.1:1 weight=5", "127.0.0.1:2"]}
        self.stage.write(replace("pools", "a", body))
        kept, new = self.stage.control.configuration.all(Member).values()
        self.assertEqual((kept.id, kept.weight, new.port), (before.id, 5, 2))
        self.stage.write(replace("pools", "a", {"members": []}))
        self.assertEqual(self.stage.control.configuration.all(Member), {})

    def test_position_kept(self) -> None:
        """A policy without a position in its new document stays where it is."""
        self.stage.create("listeners", LISTENER)
        for name in "pq":
            self.stage.create("l7_policies", {**REJECT, "name": name, "listener_id": "web"})
        self.stage.write(replace("l7_policies", "p", {**REJECT, "rules": [{"path": "/y"}]}))
        self.assertEqual(self.stage.find("l7_policies", "p").position, 10)

    def test_moved(self) -> None:
        """A document that names another parent moves the object; both parents' tags change."""
        self.stage.create("pools", {"name": "b"})
        [member] = self.stage.control.configuration.all(Member).values()
        body = {"address": "127.0.0.1", "port": 1, "pool_id": "b"}
        self.stage.write(replace("members", member.id, body))
        moved = self.stage.control.configuration.all(Member)[member.id]
        self.assertEqual(moved.pool_id, self.stage.find("pools", "b").id)
        self.assertEqual((self.stage.tag("pools", "a"), self.stage.tag("pools", "b")), ("3", "3"))

    def test_ambiguous(self) -> None:
        """A name that several bear is no address."""
        self.stage.create("pools", {"name": "a"})
        self.stage.refused(Ambiguous, replace("pools", "a", {}))


class PatchTests(SynchronousTestCase):
    """PATCH."""

    def setUp(self) -> None:
        """One node with a pool."""
        self.stage = Stage(self)
        monitor = {"interval": "5s", "headers": {"a": "1", "b": "2"}}
        self.pool = self.stage.create(
            "pools", {"name": "a", "description": "d", "health_monitor": monitor}
        )

    def test_merged(self) -> None:
        """Fields merge, nested ones too; null brings the default back."""
        body = {"description": None, "health_monitor": {"headers": {"a": None}, "rise": 4}}
        self.stage.write(patch("pools", "a", body))
        pool = self.stage.find("pools", "a")
        self.assertEqual(pool.description, "")
        self.assertEqual(
            (pool.health_monitor.interval, pool.health_monitor.rise, pool.health_monitor.headers),
            (5.0, 4, (("b", "2"),)),
        )

    def test_unknown(self) -> None:
        """Null for a key that nothing is called is refused like any other value, at any depth."""
        for body, path in (
            ({"descripton": None}, "/descripton"),
            ({"queue": {"sizzle": None}}, "/queue/sizzle"),
            ({"health_monitor": {"fal": None}}, "/health_monitor/fal"),
            ({"tls_config": {"nope": None}}, "/tls_config/nope"),
            ({"timeouts": {"tunel": None}}, "/timeouts/tunel"),
        ):
            problems = self.stage.problems(patch("pools", "a", body))
            self.assertEqual([at for at, _ in problems], [path])
            self.assertIn("unknown key", problems[0][1])
        self.stage.write(patch("pools", "a", {"timeouts": {"tunnel": None}}))
        self.stage.write(patch("pools", "a", {"health_monitor": {"headers": {"none": None}}}))

    def test_removed(self) -> None:
        """A health monitor goes with null."""
        self.stage.write(patch("pools", "a", {"health_monitor": None}))
        self.assertIsNone(self.stage.find("pools", "a").health_monitor)

    def test_children(self) -> None:
        """Lists of children are refused, whatever they hold."""
        self.assertEqual(
            self.stage.problems(patch("pools", "a", {"members": []})),
            [("/members", "is not patched here: use the address of its members")],
        )

    def test_not_a_mapping(self) -> None:
        """A patch is a mapping."""
        self.assertEqual(self.stage.problems(patch("pools", "a", [])), [("", "must be a mapping")])

    def test_parent_removed(self) -> None:
        """A child cannot be left without a parent."""
        member = self.stage.create("members", "127.0.0.1:1", "a")
        [(pointer, _)] = self.stage.problems(patch("members", member, {"pool_id": None}))
        self.assertEqual(pointer, "/pool_id")

    def test_missing(self) -> None:
        """What is not there is not patched, nor what is somewhere else."""
        self.stage.refused(NotFound, patch("pools", "b", {}))
        self.stage.create("pools", {"name": "b"})
        self.stage.create("members", {"name": "m", "address": "::1", "port": 1}, "a")
        self.stage.refused(NotFound, patch("members", "m", {}, "b"))

    def test_stale(self) -> None:
        """A tag that is not the current one stops it, and is told."""
        why = self.stage.refused(
            Stale, patch("pools", "a", {"description": "x"}, condition=Condition(match=("7",)))
        )
        self.assertEqual(why.tag, "1")


class DeleteTests(SynchronousTestCase):
    """DELETE."""

    def test_children(self) -> None:
        """What an object contains goes with it."""
        stage = Stage(self)
        stage.create("listeners", {**LISTENER, "l7_policies": [REJECT]})
        outcome = stage.write(delete("listeners", "web"))
        self.assertEqual([c.op for c in outcome.changes], ["delete"] * 3)
        for collection in ("listeners", "l7_policies", "l7_rules"):
            self.assertEqual(stage.control.configuration.objects[collection], {})

    def test_within(self) -> None:
        """A child is found by its name within its parent only."""
        stage = Stage(self)
        for name in "ab":
            member = {"name": "m", "address": "::1", "port": 1}
            stage.create("pools", {"name": name, "members": [member]})
        stage.refused(Ambiguous, delete("members", "m"))
        stage.write(delete("members", "m", "a"))
        [left] = stage.control.configuration.all(Member).values()
        self.assertEqual(left.pool_id, stage.find("pools", "b").id)


class MonitorTests(SynchronousTestCase):
    """A pool's health monitor under its own address."""

    def setUp(self) -> None:
        """One node with a pool."""
        self.stage = Stage(self)
        self.pool = self.stage.create("pools", {"name": "a"})

    def monitor(self) -> Any:
        """The pool's."""
        return self.stage.find("pools", "a").health_monitor

    def test_life(self) -> None:
        """Made, patched, replaced, removed; its id stays the same for the pool's life."""
        outcome = self.stage.write(replace(MONITORS, "", {"interval": "9s"}, "a"))
        self.assertTrue(outcome.applied[0].created)
        ident = self.monitor().id
        self.assertTrue(ident)
        self.stage.write(patch(MONITORS, "", {"rise": 9}, "a"))
        self.assertEqual((self.monitor().interval, self.monitor().rise), (9.0, 9))
        self.stage.write(replace(MONITORS, "", {"id": ident}, "a"))
        self.assertEqual((self.monitor().interval, self.monitor().id), (2.0, ident))
        self.stage.write(delete(MONITORS, "", "a"))
        self.assertIsNone(self.monitor())

    def test_missing(self) -> None:
        """What is not there is neither patched nor deleted, nor put on a condition."""
        self.stage.refused(NotFound, patch(MONITORS, "", {}, "a"))
        self.stage.refused(NotFound, delete(MONITORS, "", "a"))
        some = Condition(match=(ANY,))
        self.stage.refused(Stale, replace(MONITORS, "", {}, "a", condition=some))

    def test_problems(self) -> None:
        """Pointers are into the monitor's own document."""
        body = {"interval": "fast", "id": "other"}
        self.assertEqual(
            [p for p, _ in self.stage.problems(replace(MONITORS, "", body, "a"))],
            ["/id", "/interval"],
        )

    def test_in_pool(self) -> None:
        """Within a pool's document an id of its own is refused."""
        body = {"health_monitor": {"id": "00000000-0000-4000-8000-000000000001"}}
        self.assertEqual(
            self.stage.problems(patch("pools", "a", body)),
            [("/health_monitor/id", "cannot be set")],
        )


class ConditionTests(SynchronousTestCase):
    """Entity tags against conditions."""

    def test_match(self) -> None:
        """One of several, or anything."""
        check_condition("3", Condition())
        check_condition("3", Condition(match=("2", "3")))
        check_condition("3", Condition(match=(ANY,)))
        self.assertRaises(Stale, check_condition, "3", Condition(match=("2",)))
        self.assertRaises(Stale, check_condition, "3", Condition(match=()))

    def test_none_match(self) -> None:
        """None of several, not even anything."""
        check_condition("3", Condition(none_match=("2",)))
        self.assertRaises(Stale, check_condition, "3", Condition(none_match=("3",)))
        self.assertRaises(Stale, check_condition, "3", Condition(none_match=(ANY,)))
