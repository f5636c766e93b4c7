"""Drafts: who owns what, who needs what, and where things stood in a body."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import Place
from fiberlb.control.draft import Draft, with_parent
from fiberlb.control.mentions import elsewhere, mention
from fiberlb.control.refusals import Ambiguous, InUse, NotFound, OwnedByFile
from fiberlb.errors import Problem
from fiberlb.model.configuration import DEFAULT_LOAD_BALANCER
from fiberlb.model.l7 import L7Policy
from fiberlb.model.pool import Member, Pool
from tests.control.stage import Stage, create, delete, patch, replace, replace_all

FILE = """\
pools:
- {name: app, members: [127.0.0.1:9001]}
- {name: open}
listeners:
- {name: web, port: 80, protocol: http, default_pool_id: app}
"""
HERE = Place(None, ())


class OwnershipTests(SynchronousTestCase):
    """What belongs to the file."""

    def setUp(self) -> None:
        """One node with a file."""
        self.stage = Stage(self, FILE)

    def test_objects(self) -> None:
        """None of its objects is changed or deleted, its children neither."""
        for operation in (
            patch("pools", "app", {"description": "x"}),
            delete("pools", "app"),
            replace("pools", "app", {"description": "x"}),
            delete("members", "127.0.0.1:9001", "app"),
        ):
            why = self.stage.refused(OwnedByFile, operation)
            self.assertEqual(why.position.line, 2)

    def test_list(self) -> None:
        """A list that the file gives takes nothing, one that it does not give is open."""
        why = self.stage.refused(OwnedByFile, create("members", "127.0.0.1:2", "app"))
        self.assertIn("the list members of 'app'", str(why))
        self.stage.refused(OwnedByFile, replace_all("members", "app", []))
        self.stage.create("members", "127.0.0.1:2", "open")

    def test_same(self) -> None:
        """A document that changes nothing of it is taken."""
        outcome = self.stage.write(patch("pools", "app", {"name": "app"}))
        self.assertEqual(outcome.changes, ())

    def test_arguments(self) -> None:
        """What came from the command line has no position."""
        why = OwnedByFile(mention(Pool(id="x", name="p")), None)
        self.assertIn("the command's arguments", str(why))

    def test_file_child_of_stored(self) -> None:
        """A stored object that contains one of the file stays while the file has that."""
        stage = Stage(self)
        stage.create("listeners", {"name": "l", "port": 81, "protocol": "http"})
        stage.reload("l7_policies: [{listener_id: l, action: reject, rules: [{path: /}]}]")
        why = stage.refused(InUse, delete("listeners", "l"))
        self.assertEqual([m.collection for m in why.used_by], ["l7_policies"])

    def test_file_reference_by_name(self) -> None:
        """A file may name what is stored; then that is neither deleted nor renamed."""
        stage = Stage(self)
        stage.create("pools", {"name": "late"})
        stage.reload("listeners: [{name: l, port: 81, protocol: http, default_pool_id: late}]")
        stage.refused(InUse, delete("pools", "late"))
        [(pointer, message)] = stage.problems(patch("pools", "late", {"name": "later"}))
        self.assertEqual(pointer, "")
        self.assertIn("'l' of listeners, default_pool_id: there is no pool 'late'", message)


class DefaultTests(SynchronousTestCase):
    """The load balancer that is there by itself."""

    def setUp(self) -> None:
        """One node without a file, with a listener."""
        self.stage = Stage(self)
        self.stage.create("listeners", {"name": "l", "port": 81, "protocol": "tcp"})

    def test_made(self) -> None:
        """One that is made of that name takes its identity: listeners follow."""
        ident = self.stage.create("load_balancers", {"name": "default", "vip_address": "::1"})
        self.assertEqual(ident, DEFAULT_LOAD_BALANCER.id)
        listener = self.stage.find("listeners", "l")
        self.assertEqual(listener.loadbalancer_id, ident)
        assert self.stage.plane.snapshot is not None
        plan = self.stage.plane.snapshot.listeners[listener.id]
        self.assertEqual(plan.addresses, (("::1", 81),))

    def test_made_equal(self) -> None:
        """Even one that says nothing new becomes an object of the store."""
        self.stage.create("load_balancers", {"name": "default"})
        owner = self.stage.control.configuration.owner(DEFAULT_LOAD_BALANCER.id)
        self.assertEqual(owner.value, "api")

    def test_changed(self) -> None:
        """It can be changed in place, too, and deleted again: it comes back as it was."""
        self.stage.write(patch("load_balancers", "default", {"vip_address": "::1"}))
        self.stage.write(delete("load_balancers", "default"))
        self.assertEqual(self.stage.find("load_balancers", "default").vip_address, "::")

    def test_not_deleted(self) -> None:
        """While it is there by itself it cannot be deleted."""
        self.stage.refused(OwnedByFile, delete("load_balancers", "default"))

    def test_second(self) -> None:
        """A second one of that name is an object like others."""
        self.stage.create("load_balancers", {"name": "default"})
        second = self.stage.create("load_balancers", {"name": "default"})
        self.assertNotEqual(second, DEFAULT_LOAD_BALANCER.id)


class InUseTests(SynchronousTestCase):
    """What others refer to."""

    def setUp(self) -> None:
        """A pool that a listener and a policy use."""
        self.stage = Stage(self)
        self.stage.create("pools", {"name": "a"})
        policy = {"name": "p", "redirect_pool_id": "a", "rules": [{"path": "/"}]}
        body = {"name": "l", "port": 81, "protocol": "http", "default_pool_id": "a"}
        self.stage.create("listeners", {**body, "l7_policies": [policy]})

    def test_named(self) -> None:
        """Its deletion is refused with everyone who uses it."""
        why = self.stage.refused(InUse, delete("pools", "a"))
        self.assertEqual(
            [(m.collection, m.name) for m in why.used_by],
            [("listeners", "l"), ("l7_policies", "p")],
        )

    def test_together(self) -> None:
        """It goes when its users go, or let it go, in the same write."""
        self.stage.write(
            delete("l7_policies", "p"),
            patch("listeners", "l", {"default_pool_id": None}),
            delete("pools", "a"),
        )
        self.assertEqual(self.stage.control.configuration.all(Pool), {})

    def test_changed_user(self) -> None:
        """A user that was changed and still refers to it is told as a problem of its field."""
        problems = self.stage.problems(
            delete("l7_policies", "p"),
            patch("listeners", "l", {"description": "x"}),
            delete("pools", "a"),
        )
        self.assertEqual([pointer for pointer, _ in problems], ["/default_pool_id"])


class DraftTests(SynchronousTestCase):
    """The draft itself."""

    def setUp(self) -> None:
        """A draft over a file."""
        self.stage = Stage(self, FILE)
        self.draft = Draft(self.stage.control.state)

    def test_look(self) -> None:
        """By id, by name, among the children of a parent."""
        pool = self.draft.look("pools", "app")
        self.assertEqual(self.draft.look("pools", pool.id), pool)
        self.assertIsNone(self.draft.seek("pools", "nope"))
        self.assertRaises(NotFound, self.draft.look, "pools", "nope")
        [member] = self.draft.children("members", pool.id)
        self.assertEqual(self.draft.seek("members", member.name, pool.id), member)
        other = self.draft.look("pools", "open")
        self.assertIsNone(self.draft.seek("members", member.name, other.id))

    def test_put_and_remove(self) -> None:
        """The state in force is not touched."""
        pool = self.draft.look("pools", "open")
        member = Member(id="k", name="m", address="::1", port=1, pool_id="open")
        self.draft.put(member, HERE)
        [put] = self.draft.children("members", pool.id)
        self.assertEqual(put, with_parent(member, pool.id))
        self.draft.put(Member(id="n", name="m", address="::1", port=2, pool_id="open"), HERE)
        self.assertRaises(Ambiguous, self.draft.look, "members", "m", pool.id)
        self.draft.remove(put)
        self.assertEqual(self.draft.lost, {pool.id})
        self.assertEqual(list(self.draft.changed), [("members", "n")])
        self.assertEqual(len(self.stage.control.configuration.all(Member)), 1)

    def test_located(self) -> None:
        """Problems of what was put point into the body, others name their object."""
        self.draft.put(Pool(id="p", name="p"), Place(None, ("x",), {"name": ("y", "z")}))
        web = self.draft.look("listeners", "web")
        told = self.draft.located(
            [
                Problem(("pools", "p", "protocol"), "bad"),
                Problem(("pools", "p", "name"), "bad"),
                Problem(("listeners", web.id, "port"), "bad"),
                Problem(("free",), "bad"),
            ]
        )
        self.assertEqual([p.pointer for p in told], ["/x/protocol", "/y/z", "", "/free"])
        self.assertEqual(told[2].message, "'web' of listeners, port: bad")
        assert told[2].position is not None
        self.assertEqual(told[2].position.line, 5)
        self.assertEqual(self.draft.place("pools", "p", "port"), ("x", "port"))
        self.assertEqual(self.draft.place("pools", "q", "port"), ())

    def test_elsewhere_unknown(self) -> None:
        """An object that nobody knows is told by its id."""
        state = self.stage.control.state
        told = elsewhere(Problem(("pools", "gone"), "bad"), state.configuration, state)
        self.assertEqual(told.message, "'gone' of pools: bad")

    def test_positions(self) -> None:
        """A policy without a position comes after the last one that there is then."""
        web = self.draft.look("listeners", "web").id

        def position(name: str, given: int | None = None) -> int | None:
            policy = L7Policy(id=name, name=name, listener_id=web, position=given)
            self.draft.put(policy, HERE)
            found = self.draft.look("l7_policies", name)
            assert isinstance(found, L7Policy)
            return found.position

        self.assertEqual([position("a"), position("b"), position("c", 45)], [10, 20, 45])
        self.assertEqual(position("d"), 55)
        self.draft.remove(self.draft.look("l7_policies", "d"))
        self.assertEqual(position("e"), 55)
        self.assertEqual([position("c", 5), position("e", 6), position("f")], [5, 6, 30])
        self.draft.join("l7_policies", web)
        late = L7Policy(id="g", name="g", listener_id=web, position=70)
        self.draft.add("l7_policies", [late], [HERE], ["g"], [web])
        self.assertEqual(position("h"), 80)
