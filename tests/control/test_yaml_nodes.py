"""From events to values: anchors, merges, tags, keys and bounds."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.yaml_nodes import DEEPEST
from fiberlb.model.written import Written, plain
from tests.control.test_yaml_file import read, refusal, told


class ScalarTests(SynchronousTestCase):
    """Quoted and unquoted."""

    def test_quoted(self) -> None:
        """Quotes and blocks make a text of anything."""
        for text in ('"443"', "'443'", "!!str 443", "! 443", "|-\n  443", ">-\n  443"):
            value = read(f"a: {text}").tree["a"]
            self.assertEqual((type(value), value), (str, "443"))

    def test_unquoted(self) -> None:
        """A number keeps its text beside its value."""
        value = read("a: 1.10").tree["a"]
        self.assertIsInstance(value, Written)
        self.assertEqual((value, plain(value)), ("1.10", 1.1))

    def test_tags(self) -> None:
        """The core schema's tags may be written out where they fit."""
        tree = read(
            "{a: !!int 5, b: !!bool true, c: !!null ~, d: !!float 1, e: !!map {}, f: !!seq []}"
        )
        self.assertEqual([plain(v) for v in tree.tree.values()], [5, True, None, 1, {}, []])
        self.assertEqual(refusal("a: !!int x"), "f:1:4: this is not of the tag !!int")
        self.assertEqual(refusal("a: !!bool yes"), "f:1:4: this is not of the tag !!bool")

    def test_other_tags(self) -> None:
        """Any other tag is refused: none makes an object of anything."""
        for tag in (
            "!!python/object/apply:os.system",
            "!!python/name:os.system",
            "!!binary",
            "!!set",
            "!!timestamp",
            "!own",
            "!<tag:example.org,2000:x>",
        ):
            for value in ("x", "[x]", "{x: y}"):
                self.assertIn("f:1:4: the tag ", refusal(f"a: {tag} {value}"))
        self.assertIn("is not allowed", refusal("!!python/name:os.system k: v"))

    def test_variables(self) -> None:
        """Variables stand in values, quoted or not; an unquoted one is read as its value."""
        document = read("a: ${N}\nb: '${N}'\nc: x${N}\n${N}: d\ne: |-\n  ${N}", N="8080")
        self.assertEqual(list(document.tree), ["a", "b", "c", "${N}", "e"])
        self.assertEqual(plain(document.tree["a"]), 8080)
        self.assertIs(type(document.tree["b"]), str)
        self.assertEqual(document.tree["c"], "x8080")
        self.assertEqual(document.tree["e"], "8080")
        self.assertIs(plain(read("a: ${F}", F="false").tree["a"]), False)

    def test_empty_variable(self) -> None:
        """An empty variable is an empty text: it does not switch a setting to its default."""
        self.assertEqual(read("a: ${E}", E="").tree, {"a": ""})

    def test_variable_adds_no_structure(self) -> None:
        """Nothing in a variable is read as YAML but a scalar."""
        self.assertEqual(read("a: ${V}", V="[x, {y: z}]\nb: 1").tree, {"a": "[x, {y: z}]\nb: 1"})

    def test_unset_variable(self) -> None:
        """Each variable that is not set is told with its field and place."""
        document = read("a: ${X}\nb:\n  - ${Y}")
        self.assertEqual(
            told(document),
            [
                "f:1:4: a: the environment variable X is not set",
                "f:3:5: b[0]: the environment variable Y is not set",
            ],
        )


class KeyTests(SynchronousTestCase):
    """Keys are texts, each once."""

    def test_as_written(self) -> None:
        """A key is its text, whatever it looks like."""
        tree = read("503: a\n5xx: b\nno: c\ntrue: d\n1.10: e\n~: f").tree
        self.assertEqual(list(tree), ["503", "5xx", "no", "true", "1.10", "~"])

    def test_duplicates(self) -> None:
        """A key given twice is told at the second place, with the line of the first."""
        document = read("a:\n  p: 1\n  q: 2\n  'p': 3\nb: {x: 1, x: 2}\na: 0")
        self.assertEqual(
            told(document),
            [
                "f:4:3: a.p: the key 'p' is given twice, first in line 2",
                "f:5:11: b.x: the key 'x' is given twice, first in line 5",
                "f:6:1: a: the key 'a' is given twice, first in line 1",
            ],
        )

    def test_not_texts(self) -> None:
        """Lists and mappings are no keys, nor is nothing."""
        self.assertEqual(refusal("? [a]\n: b"), "f:1:3: a key must be a text")
        self.assertEqual(refusal("? {a: b}\n: b"), "f:1:3: a key must be a text")
        self.assertEqual(refusal("{a: &x [], *x : b}"), "f:1:12: a key must be a text")
        self.assertEqual(refusal("?\n: b"), "f:1:2: a key is missing")
        self.assertEqual(refusal("'': b"), "f:1:1: a key is missing")

    def test_alias_as_key(self) -> None:
        """An alias of a text is a key as good as any; a key may have an anchor."""
        self.assertEqual(read("{a: &x name, *x : b}").tree, {"a": "name", "name": "b"})
        self.assertEqual(read("&x k: *x").tree, {"k": "k"})


class AnchorTests(SynchronousTestCase):
    """Anchors, aliases and merges."""

    def test_aliases(self) -> None:
        """An alias is what its anchor stands at; an anchor may be set again."""
        tree = read("a: &x {p: [1]}\nb: *x\nc: &x 2\nd: *x").tree
        self.assertEqual(tree, {"a": {"p": ["1"]}, "b": {"p": ["1"]}, "c": "2", "d": "2"})

    def test_unknown(self) -> None:
        """An alias of nothing is refused, with the nearest anchor."""
        self.assertEqual(
            refusal("a: &defaults 1\nb: *default"),
            "f:2:4: the anchor 'default' is not defined above (did you mean 'defaults'?)",
        )

    def test_itself(self) -> None:
        """A value cannot hold itself."""
        self.assertEqual(refusal("a: &x [*x]"), "f:1:8: the anchor 'x' stands inside itself")

    def test_merge(self) -> None:
        """A merge gives what is not given; the first of several wins; places are kept."""
        text = (
            "a: &a {p: 1, q: 1}\nb: &b {q: 2, r: 2}\nc: {p: 3, <<: [*a, *b]}\nd:\n  <<: *a\n  q: 9"
        )
        document = read(text)
        self.assertEqual(document.tree["c"], {"p": "3", "q": "1", "r": "2"})
        self.assertEqual(document.tree["d"], {"p": "1", "q": "9"})
        self.assertEqual(document.tree["a"], {"p": "1", "q": "1"})
        self.assertEqual(str(document.position(("c", "p"))), "f:3:5")
        self.assertEqual(str(document.position(("c", "r"))), "f:2:14")
        self.assertEqual(document.problems, ())

    def test_merge_of_merges(self) -> None:
        """What was merged is merged on."""
        tree = read("a: &a {p: 1}\nb: &b {<<: *a, q: 2}\nc: {<<: *b, <<: {z: 0}}").tree
        self.assertEqual(tree["c"], {"p": "1", "q": "2", "z": "0"})

    def test_quoted_merge(self) -> None:
        """In quotes it is a key like any other."""
        self.assertEqual(read("'<<': {p: 1}").tree, {"<<": {"p": "1"}})

    def test_merge_of_something_else(self) -> None:
        """Only mappings can be merged."""
        for value in ("1", "[1]", "[[{}]]", "~"):
            self.assertIn("<< takes a mapping", refusal(f"<<: {value}"))


class BoundTests(SynchronousTestCase):
    """A small file cannot take much time or memory."""

    def test_laughs(self) -> None:
        """Aliases of aliases of aliases are counted, not followed."""
        lines = ["a0: &a0 [" + ", ".join("x" * 10) + "]"]
        for number in range(1, 12):
            before = ", ".join([f"*a{number - 1}"] * 10)
            lines.append(f"a{number}: &a{number} [{before}]")
        found = refusal("\n".join(lines))
        self.assertIn(": more than 1000000 values, aliases followed", found)

    def test_merged_laughs(self) -> None:
        """Merges are counted as well."""
        lines = ["a0: &a0 {" + ", ".join(f"k{n}: v" for n in range(9)) + "}"]
        for number in range(1, 12):
            keys = ", ".join(f"m{n}: *a{number - 1}" for n in range(9))
            lines.append(f"a{number}: &a{number} {{<<: *a{number - 1}, {keys}}}")
        self.assertIn(": more than 1000000 values", refusal("\n".join(lines)))

    def test_depth(self) -> None:
        """Nesting ends somewhere, by brackets as by aliases."""
        text = "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)
        message = f"nested deeper than {DEEPEST} levels"
        self.assertEqual(refusal(text), f"f:1:{DEEPEST + 1}: {message}")
        self.assertIn(message, refusal("[" * 1_000_000))
        steps = ["a0: &a0 []", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, DEEPEST + 9))]
        self.assertIn(f"more than {DEEPEST} levels, aliases followed", refusal("\n".join(steps)))

    def test_allowed(self) -> None:
        """As deep as is allowed is read."""
        value = read("[" * DEEPEST + "]" * DEEPEST).tree
        for _ in range(DEEPEST - 1):
            (value,) = value
        self.assertEqual(value, [])
