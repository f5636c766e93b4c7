"""Tests of L{fiberlb.control.tree_memo}: a file that is read again."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import FileLayer, load_file
from fiberlb.control.tree_memo import TreeMemo, same
from fiberlb.errors import ConfigurationError
from fiberlb.model.written import Written

_HEAD = """\
version: 1
pools: [{name: web, members: ["127.0.0.1:80"]}]
listeners:
  - name: l
    port: 80
    protocol: http
    default_pool_id: web
    l7_policies:
"""
_ONE = """\
      - name: %s
        enabled: %s
        redirect_pool_id: web
        rules: [{path: /%s}, {host_name: a.example}]
"""


def policy(name: str, path: str = "a", enabled: str = "true") -> str:
    """One policy of the listener."""
    return _ONE % (name, enabled, path)


class MemoTests(SynchronousTestCase):
    """Whatever is remembered, what comes of the file is the same as without."""

    def setUp(self) -> None:
        """A file that has been read."""
        self.path = Path(self.mktemp())
        self.memo = TreeMemo()
        self.before = self.read(*map(policy, "abc"))

    def read(self, *policies: str) -> FileLayer:
        """Read it with these policies; the same as without a memo."""
        self.path.write_text(_HEAD + "".join(policies))
        found = load_file(str(self.path), {}, "now", self.memo)
        fresh = load_file(str(self.path), {}, "now")
        self.assertEqual(found.configuration, fresh.configuration)
        self.assertEqual(found.owned_lists, fresh.owned_lists)
        for key, place in found.places.items():
            self.assertEqual((place.path, place.elsewhere), (fresh.places[key].path, {}))
            self.assertEqual(found.position((*key, "name")), fresh.position((*key, "name")))
        return found

    def kept(self, layer: FileLayer) -> set[str]:
        """Names of the policies that are the very same objects as at first."""
        known = self.before.configuration.objects["l7_policies"]
        now = layer.configuration.objects["l7_policies"]
        return {made.name for ident, made in now.items() if known.get(ident) is made}

    def test_unchanged(self) -> None:
        """All are the same, once and once more, their rules too."""
        for _ in range(3):
            found = self.read(*map(policy, "abc"))
            self.assertEqual(self.kept(found), {"a", "b", "c"})
            rules = self.before.configuration.objects["l7_rules"]
            for ident, made in found.configuration.objects["l7_rules"].items():
                self.assertIs(made, rules[ident])

    def test_changed(self) -> None:
        """One that changed, in a rule alone, is another one."""
        found = self.read(policy("a"), policy("b", "other"), policy("c"))
        self.assertEqual(self.kept(found) - {"b"}, {"a", "c"})
        values = {r.value for r in found.configuration.objects["l7_rules"].values()}  # type: ignore[attr-defined]
        self.assertIn("/other", values)

    def test_order(self) -> None:
        """Inserted, taken out, turned round: positions and places are right."""
        self.read(policy("new"), *map(policy, "abc"))
        self.read(*map(policy, "cba"))
        self.read(policy("b"))
        self.read(*map(policy, "abc"))

    def test_types(self) -> None:
        """A text is not taken for the boolean that it was."""
        self.path.write_text(_HEAD + policy("a", enabled='"true"') + policy("b"))
        for _ in range(2):
            with self.assertRaises(ConfigurationError):
                load_file(str(self.path), {}, "now", self.memo)
        self.read(*map(policy, "abc"))

    def test_same(self) -> None:
        """Equal texts of different types differ, at any depth."""
        one = {"a": [Written("1", 1), {"b": "x"}], "c": None}
        self.assertTrue(same(one, {"c": None, "a": [Written("1", 1), {"b": "x"}]}))
        self.assertFalse(same(one, {"c": None, "a": ["1", {"b": "x"}]}))
        self.assertFalse(same(one, {"c": "", "a": [Written("1", 1), {"b": "x"}]}))
        self.assertFalse(same({"a": 1, "b": 2}, {"a": 1, "c": 2}))
        self.assertFalse(same([1], [1, 2]))

    @given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("xyz")), max_size=8))
    def test_any(self, wanted: list[tuple[str, str]]) -> None:
        """Whatever the file becomes."""
        policies = dict(wanted)
        if policies:
            self.read(*(policy(name, path) for name, path in policies.items()))
