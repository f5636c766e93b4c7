"""What clients send back: fields that cannot be set, merge patches, kept secrets."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.bodies import completed, merged, patched, settable, unmarked
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.union import monitor_id
from fiberlb.model.fields import Loading
from fiberlb.model.l7 import L7Policy, PolicyAction
from fiberlb.model.pool import Pool
from tests.support.certificates import leaf

#: The facts of the one object that there is.
FACTS = {"managed_by": "api", "created_at": "then", "updated_at": "now", "revision": 3}


def known(collection: str, ident: str) -> Any:
    """Those facts for the id C{x}."""
    return FACTS if ident == "x" else None


class SettableTests(SynchronousTestCase):
    """Documents as they were read, sent back."""

    def told(
        self, collection: str, document: Any, ident: str = ""
    ) -> tuple[Any, list[tuple[str, str]]]:
        """What is left of a document, and what is wrong with it."""
        loading = Loading()
        done = settable(collection, document, (), loading, known, ident)
        return done, [(problem.pointer, problem.message) for problem in loading.problems]

    def test_same(self) -> None:
        """Facts that say what is so are dropped."""
        done, problems = self.told("pools", {"id": "x", "name": "n", **FACTS}, "x")
        self.assertEqual((done, problems), ({"id": "x", "name": "n"}, []))

    def test_different(self) -> None:
        """Facts that say something else are refused, and say what is so."""
        _, problems = self.told("pools", {"id": "y", "revision": 4}, "x")
        self.assertEqual(
            problems,
            [
                ("/id", "cannot be changed: it is x"),
                ("/revision", "cannot be set: leave it out, or send 3"),
            ],
        )

    def test_new(self) -> None:
        """Nothing of a new object can be set so."""
        _, problems = self.told("pools", {"managed_by": "api"})
        self.assertEqual(problems, [("/managed_by", "cannot be set: leave it out")])

    def test_observed(self) -> None:
        """A member's status is taken back whatever it says; a new one has none."""
        done, problems = self.told("members", {"port": 1, "status": {"health": "up"}}, "x")
        self.assertEqual((done, problems), ({"port": 1}, []))
        self.assertIn("status", self.told("members", {"status": {}})[0])

    def test_nested(self) -> None:
        """Children are compared by their own ids; their parent's id is where they stand."""
        child = {"id": "x", "pool_id": "p", "revision": 3}
        other = {"id": "z", "pool_id": "q", "revision": 3}
        done, problems = self.told("pools", {"members": [child, other, "127.0.0.1:1"]}, "p")
        self.assertEqual(done["members"], [{"id": "x"}, {"id": "z", "pool_id": "q"}, "127.0.0.1:1"])
        self.assertEqual(problems, [("/members/1/revision", "cannot be set: leave it out")])

    def test_monitor(self) -> None:
        """A pool's health monitor has the id that follows from the pool's, or none is given."""
        document = {"health_monitor": {"id": monitor_id("x"), "rise": 2}}
        done, problems = self.told("pools", document, "x")
        self.assertEqual((done, problems), ({"health_monitor": {"rise": 2}}, []))
        _, problems = self.told("pools", document)
        self.assertEqual(problems, [("/health_monitor/id", "cannot be set")])

    def test_no_mapping(self) -> None:
        """What is no mapping is left to whoever reads it."""
        self.assertEqual(self.told("pools", [1]), ([1], []))


class PatchTests(SynchronousTestCase):
    """Merge patches."""

    def test_examples(self) -> None:
        """The examples of RFC 7396, appendix A."""
        for target, patch, result in (
            ({"a": "b"}, {"a": "c"}, {"a": "c"}),
            ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
            ({"a": "b"}, {"a": None}, {}),
            ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
            ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
            ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
            ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
            ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
            (["a", "b"], ["c", "d"], ["c", "d"]),
            ({"a": "b"}, ["c"], ["c"]),
            ({"a": "foo"}, None, None),
            ({"a": "foo"}, "bar", "bar"),
            ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
            ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
            ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ):
            self.assertEqual(merged(target, patch), result)

    def test_children(self) -> None:
        """Lists of children are no part of it."""
        loading = Loading()
        patched(Pool(id="x"), {"members": []}, ("b",), loading)
        self.assertEqual([p.pointer for p in loading.problems], ["/b/members"])


class CertificateTests(SynchronousTestCase):
    """Keys that no answer shows."""

    def setUp(self) -> None:
        """A stored certificate."""
        self.facts = CertificateFacts()
        self.loading = Loading()
        self.stored = leaf("a.example").model("00000000-0000-4000-8000-000000000001", "c")

    def completed(self, document: dict[str, Any]) -> Any:
        """The document that replaces the stored one."""
        return completed(document, self.stored, False, self.facts, (), self.loading)

    def test_kept(self) -> None:
        """A document without a key keeps the stored one."""
        done = self.completed({"certificate": self.stored.certificate})
        self.assertEqual(done["private_key"], self.stored.private_key)

    def test_own_key(self) -> None:
        """A text that brings its own key does not."""
        done = self.completed({"certificate": self.stored.certificate + leaf("b").key_pem()})
        self.assertNotIn("private_key", done)
        patch = {"certificate": done["certificate"]}
        self.assertIsNone(patched(self.stored, patch, (), self.loading).get("private_key"))

    def test_given(self) -> None:
        """A key that is given is taken, and the old passphrase goes."""
        done = self.completed({"certificate": "x", "private_key": "y"})
        self.assertEqual((done["private_key"], done.get("passphrase")), ("y", None))

    def test_mark(self) -> None:
        """The mark of the stored key stands for it; any other mark is refused."""
        mark = self.facts.mark(self.stored)
        done = self.completed({"certificate": "x", "private_key": mark})
        self.assertEqual(done["private_key"], self.stored.private_key)
        self.assertEqual(self.loading.problems, [])
        self.completed({"certificate": "x", "private_key": "stored:sha256:00"})
        self.assertEqual([p.pointer for p in self.loading.problems], ["/private_key"])

    def test_mark_of_nothing(self) -> None:
        """There is no stored key of a new certificate."""
        document = {"private_key": self.facts.mark(self.stored)}
        self.assertIsNone(unmarked(document, None, self.facts, (), self.loading)["private_key"])
        self.assertEqual(len(self.loading.problems), 1)


class CompletedTests(SynchronousTestCase):
    """What absence keeps when an object is replaced."""

    def test_policy(self) -> None:
        """Its listener and its position; its name when it was called by it."""
        policy = L7Policy(id="x", name="p", listener_id="l", position=7, action=PolicyAction.REJECT)
        facts, loading = CertificateFacts(), Loading()
        done = completed({}, policy, True, facts, (), loading)
        self.assertEqual(done, {"name": "p", "listener_id": "l", "position": 7})
        done = completed({"position": None}, policy, False, facts, (), loading)
        self.assertEqual(done, {"listener_id": "l", "position": None})
        self.assertEqual(completed([], policy, True, facts, (), loading), [])
