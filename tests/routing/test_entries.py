"""Entries of an index: what leads to a policy, and what is left to test."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import CompareType, Condition, L7Rule, PolicyAction, RuleType
from fiberlb.routing.conditions import CompiledRule
from fiberlb.routing.entries import Entry, Shares, Table, Way, first, literals_of, rows_of, ways_of
from tests.routing.made import nest, nested, path_rule, policy, request, rule
from tests.routing.test_policies import compiled, one_rule

REGEX = CompareType.REGEX
ANY, ALL, NOT = RuleType.ANY, RuleType.ALL, RuleType.NOT


def entry(*rules: L7Rule, position: int = 0, action: PolicyAction | None = None) -> Entry:
    """A policy of these rules, that nothing has led to yet."""
    fields = {} if action is None else {"action": action}
    (made,) = compiled(policy(f"p{position}", *rules, **fields))
    return Entry(position, made, made.rules, ways_of(made.rules))


class LeadsTests(SynchronousTestCase):
    """Which rules can be looked up."""

    def test_yes(self) -> None:
        """Literals that begin, end or are what is compared; and names that need only be there."""
        for some in (
            path_rule("/a"),
            path_rule("/a", CompareType.EQUAL_TO),
            path_rule(".js", CompareType.ENDS_WITH),
            path_rule(r"\.(js|css)$", REGEX),
            path_rule("^/a[0-9]", REGEX),
            rule(RuleType.HEADER, key="X-A"),
            rule(RuleType.COOKIE, REGEX, "^", key="a"),
        ):
            self.assertTrue(ways_of([one_rule(some)]), some)

    def test_no(self) -> None:
        """What is anywhere within, what everything has, what is unknown, and inverted rules."""
        for some in (
            path_rule("/a", invert=True),
            path_rule("a", CompareType.CONTAINS),
            path_rule("[0-9]", REGEX),
            path_rule("[0-9]abc", REGEX),
            path_rule("", REGEX),
            rule(RuleType.PATH, REGEX, "^/a", "b"),
            rule(RuleType.HEADER, key="X-A", invert=True),
        ):
            self.assertFalse(ways_of([one_rule(some)]), some)

    def test_literals(self) -> None:
        """By how they are compared."""
        made = one_rule(rule(RuleType.PATH, REGEX, "^/a", "(?i)B$", "^/c$", "^/d[0-9]"))
        self.assertEqual(
            [(how, list(texts)) for how, texts in literals_of(made)],
            [
                ((False, "exact"), [b"/c"]),
                ((False, "prefixes"), [b"/a"]),
                ((True, "suffixes"), [b"b"]),
                ((False, "prefixes"), [b"/d"]),
            ],
        )


class WayTests(SynchronousTestCase):
    """What leads to nested rules: leaves by name, and whether they are enough."""

    A, B = (Condition(rule_type=RuleType.PATH, value=path) for path in ("/a", "/b"))
    HOST = Condition(rule_type=RuleType.HOST_NAME, value="h")
    IN = Condition(rule_type=RuleType.PATH, value="x", compare_type=CompareType.CONTAINS)

    def ways(self, kind: RuleType, *rules: Condition, **fields: Any) -> list[tuple[int, bool]]:
        """Of each way, how many leaves it has, and whether it is sure."""
        (made,) = compiled(policy("p", nest(kind, *rules, **fields)))[0].rules
        return [(len(way.leaves), way.sure) for way in ways_of([made])]

    def test_any(self) -> None:
        """Every one must lead; to find one is enough."""
        self.assertEqual(self.ways(ANY, self.A, self.HOST), [(2, True)])
        self.assertEqual(self.ways(ANY, self.A, self.IN), [])
        self.assertEqual(self.ways(ANY, self.A, nested(ALL, self.B, self.HOST)), [(2, False)])

    def test_all(self) -> None:
        """Each one is a way, and not enough by itself."""
        self.assertEqual(self.ways(ALL, self.A, self.HOST, self.IN), [(1, False), (1, False)])
        self.assertEqual(self.ways(ALL, nested(ANY, self.A, self.B)), [(2, True)])

    def test_not(self) -> None:
        """What is not there leads nowhere; twice not is there."""
        self.assertEqual(self.ways(NOT, self.A), [])
        self.assertEqual(self.ways(NOT, nested(NOT, self.A)), [(1, True)])
        self.assertEqual(self.ways(NOT, self.A, invert=True), [(1, True)])
        self.assertEqual(self.ways(ANY, self.A, invert=True), [])
        opposites = [attrs.evolve(one, invert=True) for one in (self.A, self.HOST)]
        self.assertEqual(self.ways(NOT, nested(ANY, *opposites)), [(1, False), (1, False)])
        self.assertEqual(self.ways(NOT, nested(ALL, *opposites)), [(2, True)])


class EntryTests(SynchronousTestCase):
    """What is left to test."""

    def test_sure(self) -> None:
        """A rule that has led to the policy and said all is not tested again."""
        made = entry(path_rule("/a", id="1"), path_rule(".b", CompareType.ENDS_WITH, id="2"))
        after = made.found_by(made.ways[0])
        self.assertEqual([one.id for one in after.rules], ["2"])
        self.assertEqual([way.rule for way in after.ways], list(after.rules))
        self.assertEqual(len(made.rules), 2)

    def test_not_sure(self) -> None:
        """A pattern whose beginning is there may not match, and leads nowhere else."""
        made = entry(path_rule("^/a[0-9]", REGEX))
        after = made.found_by(made.ways[0])
        self.assertEqual((len(after.rules), after.ways), (1, ()))

    def test_row(self) -> None:
        """Position, tests and decision; made once."""
        made = entry(path_rule("/a"), position=7)
        position, tests, decision = made.row
        self.assertEqual((position, len(tests), decision.policy_name), (7, 1, "p7"))
        self.assertEqual(made.found_by(made.ways[0]).row[1], ())
        self.assertIs(rows_of([made])[0], made.row)

    def test_first(self) -> None:
        """The first row of which every test comes to what is wanted."""
        rows = rows_of(
            [
                entry(path_rule("/a"), path_rule("b", CompareType.ENDS_WITH), position=1),
                entry(path_rule("/a", invert=True), position=2),
                entry(path_rule("/"), position=3),
            ]
        )
        found = [first(request(target), rows) for target in (b"/ab", b"/b", b"/a")]
        self.assertEqual([one.policy_name for one in found if one], ["p1", "p2", "p3"])
        self.assertIsNone(first(request(b"/x"), rows[:1]))


class AloneTests(SynchronousTestCase):
    """Policies of one rule that is found by its literals."""

    def test_alone(self) -> None:
        """Where it is found nothing is left to test; kept until its position is another."""
        (made,) = compiled(policy("p", path_rule("/a", CompareType.EQUAL_TO)))
        found = Entry.of(3, made)
        self.assertIs(found.leaf, made.rules[0])
        self.assertEqual((found.rules, found.ways, found.row[:2]), ((), (), (3, ())))
        self.assertIs(Entry.of(3, made), found)
        self.assertEqual(Entry.of(4, made).row[0], 4)

    def test_others(self) -> None:
        """What may not match, is inverted, is one of several, or rejects is no such rule."""
        two = [path_rule("/a"), path_rule("/b")]
        for rules, action in (
            ([path_rule("^/a[0-9]", REGEX)], None),
            ([path_rule("/a", invert=True)], None),
            ([path_rule("a", CompareType.CONTAINS)], None),
            ([nest(ANY, *two)], None),
            (two, None),
            ([path_rule("/a")], PolicyAction.REJECT),
        ):
            found = Entry.of(0, entry(*rules, action=action).policy)
            self.assertIsNone(found.leaf)
            self.assertEqual(len(found.rules), len(rules))


class TableTests(SynchronousTestCase):
    """Entries by literals."""

    def test_add(self) -> None:
        """Under each of its literals, what is left; what rejects is kept whole as well."""
        table = Table()
        made = entry(
            rule(RuleType.HEADER, CompareType.EQUAL_TO, "a", "b", key="X-A"),
            action=PolicyAction.REJECT,
        )
        (leaf,) = made.ways[0].leaves
        self.assertEqual(table.add(made, made.found_by(made.ways[0]), leaf), 2)
        texts = table.literals[False, "exact"]
        self.assertEqual(sorted(texts), [b"a", b"b"])
        self.assertIs(texts[b"a"][0], texts[b"b"][0])
        self.assertEqual(table.rejecting, [made])
        other = entry(path_rule("/a"))
        table.add(other, other, other.ways[0].leaves[0])
        self.assertEqual(table.rejecting, [made])


class ShareTests(SynchronousTestCase):
    """Which way is best."""

    def best(self, *ways: CompiledRule, others: tuple[CompiledRule, ...] = ()) -> CompiledRule:
        """The best way among some, where there are others."""
        shares = Shares()
        known: list[Way] = []
        for one in (*ways, *others):
            known += ways_of([one])
            shares.add(known[-1])
        best = min(known[: len(ways)], key=shares.score)
        self.assertIs(shares.best(known[: len(ways)]), best)
        (leaf,) = best.leaves
        return leaf

    def test_fewest(self) -> None:
        """One that few policies share, if it is the least of its literals."""
        path = one_rule(rule(RuleType.PATH, CompareType.STARTS_WITH, "/a", "/b"))
        host = one_rule(rule(RuleType.HOST_NAME, CompareType.EQUAL_TO, "h"))
        other = one_rule(path_rule("/b"))
        self.assertIs(self.best(path, host, others=(host,)), path)
        self.assertIs(self.best(path, host, others=(host, other, other)), host)

    def test_equals(self) -> None:
        """Whole texts before beginnings, what needs no search for a name before what does."""
        begins, whole = one_rule(path_rule("/abc")), one_rule(path_rule("/a", CompareType.EQUAL_TO))
        self.assertIs(self.best(begins, whole), whole)
        named = one_rule(rule(RuleType.HEADER, CompareType.EQUAL_TO, "abcdef", key="X-A"))
        self.assertIs(self.best(named, whole), whole)
        ends = one_rule(rule(RuleType.HOST_NAME, CompareType.ENDS_WITH, ".a"))
        self.assertIs(self.best(ends, begins), begins)
