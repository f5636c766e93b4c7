"""Names, positions and ids of a file's objects."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import FileLayer
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Resource, file_id
from tests.control.loading import load, refusals

LISTENER = "listeners:\n- {name: web, port: 80, protocol: http}\n"
IDENT = "0A0A0A0A-0000-4000-8000-000000000001"


def named(layer: FileLayer, cls: type[Resource], name: str) -> Resource:
    """The one object of that name."""
    (made,) = (m for m in layer.configuration.all(cls).values() if m.name == name)
    return made


class NameTests(SynchronousTestCase):
    """Names in a file are needed and unique."""

    def test_needed(self) -> None:
        """Objects that are referred to by name need one."""
        self.assertEqual(
            refusals(self, "pools: [{}, {name: ''}]\nlisteners: [{port: 80, protocol: tcp}]"),
            [
                "f.yaml:1:9: pools[0].name: is needed",
                "f.yaml:1:14: pools[1].name: is needed",
                "f.yaml:2:13: listeners[0].name: is needed",
            ],
        )

    def test_unique(self) -> None:
        """A name is given once per kind, told with the place of the first."""
        text = "pools:\n- {name: a}\n- {name: b}\n- {name: a}\nload_balancers:\n- {name: a}"
        self.assertEqual(
            refusals(self, text),
            ["f.yaml:4:4: pools[2].name: the name 'a' is taken by pools[0] (f.yaml, line 2)"],
        )

    def test_unique_within_parent(self) -> None:
        """Members of two pools may bear one name, those of one pool may not."""
        load(self, "pools: [{name: a, members: ['1.1.1.1:1']}, {name: b, members: ['1.1.1.1:1']}]")
        found = refusals(self, "pools:\n- name: a\n  members:\n  - 1.1.1.1:1\n  - 1.1.1.1:1 backup")
        self.assertEqual(
            found,
            [
                "f.yaml:5:5: pools[0].members[1].name: the name '1.1.1.1:1' is taken by"
                " pools[0].members[0] (f.yaml, line 4)"
            ],
        )

    def test_flat_and_nested(self) -> None:
        """A listener's policies are unique however they are given, by name or by id."""
        ident = file_id("listeners", "", "web")
        for word in ("web", ident, ident.upper()):
            text = (
                "listeners:\n- name: web\n  port: 80\n  protocol: http\n"
                "  l7_policies: [{name: p, action: reject}]\n"
                f"l7_policies:\n- {{name: p, listener_id: {word}, action: reject}}"
            )
            (found,) = refusals(self, text)
            self.assertIn("f.yaml:7:4: l7_policies[0].name: the name 'p' is taken by", found)

    def test_like_an_id(self) -> None:
        """A name that looks like an id would make references ambiguous."""
        found = refusals(self, f"pools: [{{name: {IDENT}}}]")
        self.assertEqual(
            found, ["f.yaml:1:10: pools[0].name: must not look like an id; give the id as id:"]
        )

    def test_as_written(self) -> None:
        """Numbers, booleans and dates are names like any other, as written."""
        words = ["1.10", "007", "1e3", "true", "2024-01-02", "0x10", "no", "22:22"]
        layer = load(self, "pools: [" + ", ".join(f"{{name: {w}}}" for w in words) + "]")
        self.assertEqual([m.name for m in layer.configuration.all(Pool).values()], words)
        self.assertTrue(all(type(m.name) is str for m in layer.configuration.all(Pool).values()))

    def test_members(self) -> None:
        """A member without a name is called by its address and port."""
        members = "[10.0.0.1:80, '[::1]:81 name=x', {address: '::2', port: 82}]"
        layer = load(self, f"pools: [{{name: a, members: {members}}}]")
        names = [m.name for m in layer.configuration.all(Member).values()]
        self.assertEqual(names, ["10.0.0.1:80", "x", "[::2]:82"])

    def test_policies_and_rules(self) -> None:
        """A policy is called by its position, a rule by its number."""
        text = (
            f"{LISTENER}l7_policies:\n"
            "- {listener_id: web, action: reject, rules: [{path: /a}, {path: /b, name: x}]}\n"
            "- {listener_id: web, action: reject, position: 15}\n"
            "- {listener_id: web, action: reject}\n"
        )
        layer = load(self, text)
        policies = [m.name for m in layer.configuration.all(L7Policy).values()]
        self.assertEqual(policies, ["policy-10", "policy-15", "policy-25"])
        rules = [m.name for m in layer.configuration.all(L7Rule).values()]
        self.assertEqual(rules, ["rule-1", "x"])

    def test_derived_name_taken(self) -> None:
        """A derived name that another one was given is told, not changed."""
        text = (
            f"{LISTENER}l7_policies:\n"
            "- {listener_id: web, action: reject, name: policy-20}\n"
            "- {listener_id: web, action: reject}\n"
        )
        (found,) = refusals(self, text)
        self.assertIn("l7_policies[1].name: the name 'policy-20' is taken", found)


class PositionTests(SynchronousTestCase):
    """Positions count over both ways to give a policy."""

    def test_order(self) -> None:
        """Policies are numbered in order of appearance in the file, flat or nested."""
        nested = "listeners:\n- name: web\n  port: 80\n  protocol: http\n  l7_policies:\n"
        nested += "  - {name: n, action: reject}\n"
        flat = "l7_policies:\n- {name: f, listener_id: web, action: reject}\n"
        for text, wanted in ((nested + flat, ["n", "f"]), (flat + nested, ["f", "n"])):
            layer = load(self, text)
            listener = named(layer, Listener, "web")
            policies = layer.configuration.policies
            # Nested policies have their parent's id, flat ones the word of the file.
            found = [*policies(listener.id), *policies("web")]
            found.sort(key=lambda p: p.position or 0)
            self.assertEqual([p.name for p in found], wanted)
            self.assertEqual([p.position for p in found], [10, 20])

    def test_listener_of_the_store(self) -> None:
        """Policies of a listener that the file does not have count among themselves."""
        text = "l7_policies:\n- {listener_ids: [a, b], action: reject}\n"
        text += "- {listener_id: b, action: reject}"
        layer = load(self, text)
        found = [(p.listener_id, p.position) for p in layer.configuration.all(L7Policy).values()]
        self.assertEqual(found, [("a", 10), ("b", 10), ("b", 20)])


class IdentityTests(SynchronousTestCase):
    """Ids are the same at every load."""

    def test_stable(self) -> None:
        """An id follows from kind, parent and name, not from place or other fields."""
        first = load(
            self,
            "pools:\n- {name: a, members: [1.1.1.1:1]}\n- {name: b, members: [1.1.1.1:1]}\n",
        )
        second = load(
            self,
            "pools:\n- {name: b, members: [{address: 1.1.1.1, port: 1, weight: 7}]}\n"
            "- {name: c}\n- {name: a, members: [2.2.2.2:2, 1.1.1.1:1]}\n",
        )
        for pool in ("a", "b"):
            made = named(first, Pool, pool)
            self.assertEqual(made.id, named(second, Pool, pool).id)
            (member,) = first.configuration.children(Member, made.id)
            found = {m.id for m in second.configuration.children(Member, made.id)}
            self.assertIn(member.id, found)

    def test_derivation(self) -> None:
        """Stored states of members hang on these very values: they cannot change."""
        layer = load(self, "pools: [{name: a, health_monitor: tcp, members: [1.1.1.1:1]}]")
        (pool,) = layer.configuration.all(Pool).values()
        (member,) = layer.configuration.all(Member).values()
        self.assertEqual(pool.id, "e4493c3f-bf3d-5395-a6a2-a825d10ab420")
        self.assertEqual(member.id, file_id("members", pool.id, "1.1.1.1:1"))
        assert pool.health_monitor is not None
        self.assertEqual(pool.health_monitor.id, file_id("health_monitors", pool.id, ""))

    def test_flat_or_nested(self) -> None:
        """A policy has the same id, however it is given and its listener is named."""
        ident = file_id("listeners", "", "web")
        texts = [
            LISTENER + f"l7_policies: [{{name: p, listener_id: {word}, action: reject}}]"
            for word in ("web", ident)
        ]
        texts.append(
            "listeners:\n- {name: web, port: 80, protocol: http,"
            " l7_policies: [{name: p, action: reject}]}"
        )
        ids = {named(load(self, text), L7Policy, "p").id for text in texts}
        self.assertEqual(len(ids), 1)

    def test_given(self) -> None:
        """An id that is given is kept; two objects cannot have one."""
        layer = load(self, f"pools: [{{name: a, id: {IDENT}}}]")
        self.assertEqual(list(layer.configuration.all(Pool)), [IDENT.lower()])
        lower = IDENT.lower()
        text = f"pools:\n- {{name: a, id: {IDENT}}}\nload_balancers:\n- {{name: a, id: {lower}}}"
        message = f"the id {lower} is taken by pools[0] (f.yaml, line 2)"
        self.assertEqual(refusals(self, text), [f"f.yaml:4:13: load_balancers[0].id: {message}"])
        (found,) = refusals(self, "pools: [{name: a, id: x}]")
        self.assertIn("pools[0].id: must be a UUID", found)
