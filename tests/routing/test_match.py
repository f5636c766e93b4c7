"""The evaluator: order, undecided rules, readings of the path, and what is constant."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.l7 import CompareType, L7Rule, PolicyAction, RuleType
from fiberlb.model.listener import EncodedSlash, PolicyOrder
from fiberlb.routing.match import LEAST_INDEXED, Routes
from tests.routing.made import path_rule, policy, request, routes, rule
from tests.routing.test_patterns import SLOW, SLOW_TEXT

REJECT = PolicyAction.REJECT
TO_URL = PolicyAction.REDIRECT_TO_URL
PREFIX = PolicyAction.REDIRECT_PREFIX


def taken(made: Routes, target: bytes = b"/") -> str:
    """The name of the policy that takes a GET of a target; C{""}: the default."""
    return made.decide(request(target)).policy_name


class OrderTests(SynchronousTestCase):
    """Which of several matching policies decides."""

    def test_position(self) -> None:
        """The lowest position; between equals the one made first."""
        any_path = path_rule("/")
        late, early, equal = (
            policy("late", any_path, position=9),
            policy("early", any_path, position=1),
            policy("equal", any_path, position=1),
        )
        self.assertEqual(taken(routes(late, early, equal)), "early")
        self.assertEqual(taken(routes(late, equal, early)), "equal")

    def test_without_position(self) -> None:
        """It comes after all that were made before it."""
        any_path = path_rule("/")
        made = routes(policy("none", any_path), policy("nine", any_path, position=9))
        self.assertEqual(taken(made), "nine")
        made = routes(policy("none", any_path), policy("eleven", any_path, position=11))
        self.assertEqual(taken(made), "none")
        made = routes(policy("99", any_path, position=99), policy("none", any_path))
        self.assertEqual(taken(made), "99")

    def octavia(self, *names: str) -> str:
        """Who wins among policies made in this order, at rising positions."""
        kinds: dict[str, dict[str, Any]] = {
            "pool": {},
            "url": {"action": TO_URL, "redirect_url": "/x"},
            "prefix": {"action": PREFIX, "redirect_prefix": "/x"},
            "reject": {"action": REJECT},
        }
        made = [
            policy(name, path_rule("/"), position=place, **kinds[name])
            for place, name in enumerate(names)
        ]
        return taken(routes(*made, l7policy_order=PolicyOrder.OCTAVIA))

    def test_octavia(self) -> None:
        """Rejecting first, then redirects, then pools; by position within each."""
        self.assertEqual(self.octavia("pool", "url", "reject"), "reject")
        self.assertEqual(self.octavia("pool", "prefix", "url"), "prefix")
        self.assertEqual(self.octavia("pool", "url"), "url")
        self.assertEqual(self.octavia("pool"), "pool")

    def test_all_rules(self) -> None:
        """Every rule of a policy must hold, whichever comes first."""
        api, js = path_rule("/api/"), path_rule(".js", CompareType.ENDS_WITH)
        digits = path_rule("[0-9]", CompareType.REGEX)
        for rules in ((api, js, digits), (digits, js, api), (js, digits, api)):
            made = routes(policy("p", *rules))
            found = [taken(made, t) for t in (b"/api/1.js", b"/api/1", b"/1.js", b"/api/a.js")]
            self.assertEqual(found, ["p", "", "", ""])

    def test_nothing_enabled(self) -> None:
        """A policy without enabled rules, and a disabled one, match nothing."""
        made = routes(
            policy("empty"),
            policy("off", path_rule("/"), enabled=False),
            policy("rules off", path_rule("/", enabled=False)),
        )
        self.assertEqual(taken(made), "")
        self.assertIsNotNone(made.only)
        made = routes(policy("half", path_rule("/a"), path_rule("/b", enabled=False)))
        self.assertEqual(taken(made, b"/a"), "half")


class OnlyTests(SynchronousTestCase):
    """When no request needs to be looked at."""

    def test_constant(self) -> None:
        """Without policies the default is all there is."""
        made = routes()
        assert made.only is not None
        self.assertEqual(made.only.pool_id, "default")
        made = routes(default_pool_id=None)
        assert made.only is not None
        self.assertEqual(made.only.reason, "no_route")

    def test_not_constant(self) -> None:
        """A policy, a redirect, and refused paths depend on the request."""
        self.assertIsNone(routes(policy("p", path_rule("/"))).only)
        self.assertIsNone(routes(https_redirect=308).only)
        self.assertIsNone(routes(encoded_slash=EncodedSlash.REJECT).only)

    def test_https_redirect(self) -> None:
        """It is for everything; a request without a host cannot be told where."""
        made = routes(policy("p", path_rule("/")), https_redirect=301)
        found = made.decide(request(b"/a"))
        self.assertEqual((found.status, found.policy_id), (301, None))
        self.assertEqual(made.decide(request(b"/a", b"")).reason, "bad_request")

    def test_host_of_a_policy(self) -> None:
        """The same holds for a policy's redirect, and for that policy alone."""
        to_host = policy("p", path_rule("/a"), action=TO_URL, redirect_url="https://{host}/")
        made = routes(to_host)
        self.assertEqual(made.decide(request(b"/a", b"")).reason, "bad_request")
        self.assertEqual(made.decide(request(b"/b", b"")).pool_id, "default")


class ReadingTests(SynchronousTestCase):
    """Paths with encoded separators."""

    def reasons(self, mode: EncodedSlash, *targets: bytes) -> list[str | None]:
        """The pool or the reason for each target."""
        made = routes(
            policy("reject", path_rule("/admin/"), action=REJECT),
            policy("also", path_rule("/x/"), redirect_pool_id="default"),
            encoded_slash=mode,
        )
        found = [made.decide(request(target)) for target in targets]
        return [decision.reason or decision.pool_id for decision in found]

    TARGETS = (b"/admin%2fx", b"/a%2Fb", b"/a/..%5cadmin/x", b"/admin/%2f", b"/x%2fy", b"/a")

    def test_check(self) -> None:
        """Both readings must come to the same action, though not by the same policy."""
        found = self.reasons(EncodedSlash.CHECK, *self.TARGETS)
        ambiguous = "ambiguous_path"
        wanted = [ambiguous, "default", ambiguous, "rejected", "default", "default"]
        self.assertEqual(found, wanted)
        self.assertEqual(self.reasons(EncodedSlash.CHECK, b"/a%2f../admin/x"), [ambiguous])
        self.assertEqual(self.reasons(EncodedSlash.CHECK, b"/a?x=/admin%2f"), ["default"])

    def test_keep(self) -> None:
        """Only the reading as characters counts."""
        found = self.reasons(EncodedSlash.KEEP, *self.TARGETS)
        self.assertEqual(found, ["default"] * 3 + ["rejected"] + ["default"] * 2)

    def test_reject(self) -> None:
        """No encoded separator passes, also where no policy could tell."""
        found = self.reasons(EncodedSlash.REJECT, *self.TARGETS)
        self.assertEqual(found, ["ambiguous_path"] * 5 + ["default"])
        made = routes(encoded_slash=EncodedSlash.REJECT)
        self.assertEqual(made.decide(request(b"/a%2fb")).status, 400)

    def test_nul(self) -> None:
        """NUL is refused in every mode, whatever policies say."""
        for mode in EncodedSlash:
            found = self.reasons(mode, b"/x/%00", b"/a\x00b", b"/admin/%00")
            self.assertEqual(found, ["bad_request"] * 3)

    def test_path_restored(self) -> None:
        """The request keeps its first reading."""
        made = request(b"/admin%2fx")
        routes(policy("p", path_rule("/admin/"))).decide(made)
        self.assertEqual(made.path, b"/admin%2Fx")

    def test_file_type(self) -> None:
        """Rules that look at a part of the path are evaluated in both readings too."""
        rules = rule(RuleType.FILE_TYPE, CompareType.EQUAL_TO, "b%2fc")
        made = routes(policy("p", rules, action=REJECT))
        self.assertEqual(made.decide(request(b"/a.b%2Fc")).reason, "ambiguous_path")


class UndecidedTests(SynchronousTestCase):
    """Rules over their budget."""

    def setUp(self) -> None:
        self.reports: list[str] = []

    def routes(self, *rules: L7Rule, **fields: Any) -> Routes:
        """Routes of one policy, whose reports are gathered."""
        return routes(
            policy("p", *rules, **fields), report=lambda ident, why: self.reports.append(ident)
        )

    def slow(self, **fields: Any) -> L7Rule:
        """A rule that cannot be decided in time."""
        return path_rule(SLOW, CompareType.REGEX, id="slow", **fields)

    def test_closed(self) -> None:
        """No match for a pool or a redirect, inverted or not; a match for rejecting."""
        for invert in (False, True):
            slow = self.slow(invert=invert)
            self.assertEqual(taken(self.routes(slow), SLOW_TEXT), "")
            made = self.routes(slow, action=TO_URL, redirect_url="/")
            self.assertEqual(taken(made, SLOW_TEXT), "")
            self.assertEqual(taken(self.routes(slow, action=REJECT), SLOW_TEXT), "p")
        self.assertEqual(set(self.reports), {"slow"})

    def test_others_decide(self) -> None:
        """A rule that clearly does not hold settles it, before or after."""
        no = path_rule("/b")
        also = path_rule("[0-9]", CompareType.REGEX)
        for rules in ((no, self.slow()), (self.slow(), no), (self.slow(), also)):
            made = self.routes(*rules, action=REJECT)
            self.assertEqual(taken(made, SLOW_TEXT), "", rules)

    def test_cheap_first(self) -> None:
        """A plain rule spares the search."""
        taken(self.routes(self.slow(), path_rule("/b")), SLOW_TEXT)
        self.assertEqual(self.reports, [])

    def test_next_policy(self) -> None:
        """An undecided policy is passed over, not the end."""
        made = routes(policy("slow", self.slow()), policy("next", path_rule("/")))
        self.assertEqual(taken(made, SLOW_TEXT), "next")

    def test_budget_of_a_request(self) -> None:
        """Both readings of one request share its budget; the next one has its own."""
        made = self.routes(self.slow(), action=REJECT)
        made.decide(request(SLOW_TEXT + b"%2f"))
        self.assertEqual(len(self.reports), 2)
        self.assertEqual(taken(made, b"/aa"), "p")
        self.assertEqual(taken(made, b"/bb"), "")
        self.assertEqual(len(self.reports), 2)


class AgainTests(SynchronousTestCase):
    """Policies that were compiled before are used again."""

    def made(self, *changed: int, **fields: Any) -> Routes:
        """Ten policies, of which some are not what they were."""
        some = [policy(str(n), path_rule("/x/y" if n in changed else f"/{n}/")) for n in range(10)]
        return routes(*some, clock=self.clock, report=self.report, **fields)

    def clock(self) -> float:
        """Stands still."""
        return 0.0

    def report(self, ident: str, why: str) -> None:
        """To nobody."""

    def test_unchanged(self) -> None:
        """What says the same is the same object, wherever it stands; the others are new."""
        before = self.made()
        after = self.made(3, 4, before=before)
        pairs = zip(before.policies, after.policies, strict=True)
        same = [old.id for old, new in pairs if old is new]
        self.assertEqual(same, [str(n) for n in range(10) if n not in (3, 4)])
        for target, wanted in ((b"/3/", ""), (b"/x/y", "3"), (b"/5/", "5")):
            self.assertEqual(taken(after, target), wanted)
        for target, wanted in ((b"/3/", "3"), (b"/x/y", "")):
            self.assertEqual(taken(before, target), wanted)

    def test_moved(self) -> None:
        """A policy before all others moves every one of them."""
        before = self.made()
        some = [policy("new", path_rule("/5/z"))]
        some += [policy(str(n), path_rule(f"/{n}/")) for n in range(10)]
        after = routes(*some, clock=self.clock, report=self.report, before=before)
        self.assertEqual(sum(one in before.policies for one in after.policies), 10)
        for target, wanted in ((b"/5/z", "new"), (b"/5/a", "5"), (b"/9/", "9")):
            self.assertEqual(taken(after, target), wanted)
        self.assertEqual(taken(before, b"/5/z"), "5")

    def test_other_surroundings(self) -> None:
        """Rules keep who is told of them: for somebody else all are compiled anew."""
        before = self.made()
        after = self.made(before=before, engine=lambda: None)
        self.assertFalse(set(before.policies) & set(after.policies))


class TraceTests(SynchronousTestCase):
    """An explanation from the same rules."""

    def test_trace(self) -> None:
        """Every rule up to the deciding policy, with its outcome."""
        made = routes(
            policy("a", path_rule("/a", id="a1"), path_rule("/", id="a2")),
            policy("b", path_rule(SLOW, CompareType.REGEX, id="b1")),
            policy("c", path_rule("/x", id="c1", invert=True)),
            policy("d", path_rule("/", id="d1")),
        )
        wanted = [
            ("a", "a1", "not"),
            ("a", "a2", "matched"),
            ("b", "b1", "not"),
            ("c", "c1", "matched"),
        ]
        self.assertEqual(made.trace(request(b"/b")), wanted)

    def test_undecided(self) -> None:
        """An undecided rule ends the trace where it decides: in a policy that rejects."""
        slow = path_rule(SLOW, CompareType.REGEX, id="s")
        after = policy("z", path_rule("/z", id="z1"))
        made = routes(policy("p", slow), after)
        self.assertEqual(len(made.trace(request(SLOW_TEXT))), 2)
        made = routes(policy("p", slow, action=REJECT), after)
        self.assertEqual(made.trace(request(SLOW_TEXT)), [("p", "s", "undecided")])

    def test_budget(self) -> None:
        """It has what a request has, whatever the last one took."""
        slow = [policy(f"p{n}", path_rule(SLOW, CompareType.REGEX, id="s")) for n in range(3)]
        made = routes(*slow, policy("q", path_rule("(?=b)", CompareType.REGEX, id="q1")))
        made.decide(request(SLOW_TEXT))
        self.assertEqual(made.trace(request(b"/b"))[-1], ("q", "q1", "matched"))


class IndexTests(SynchronousTestCase):
    """When policies are looked up."""

    def test_many(self) -> None:
        """From some number on, unless there is nothing to look up."""
        cases: tuple[tuple[int, dict[str, Any], bool], ...] = (
            (LEAST_INDEXED - 1, {}, False),
            (LEAST_INDEXED, {}, True),
            (LEAST_INDEXED, {"invert": True}, False),
        )
        for count, fields, wanted in cases:
            made = routes(*[policy(str(n), path_rule(f"/{n}", **fields)) for n in range(count)])
            self.assertIs(made.indexed, wanted)
            last = count - 1
            self.assertEqual(taken(made, b"/%d" % last), "0" if fields else str(last))

    def test_when_asked(self) -> None:
        """Where no traffic is decided the first question makes the index; mistakes are told."""
        some = [policy(str(n), path_rule(f"/{n}")) for n in range(20)]
        made = routes(*some, served=False)
        self.assertEqual((made.indexed, made.served), (False, False))
        self.assertIsNone(made.policies[0].kept)
        self.assertEqual([taken(made, b"/%d" % n) for n in (7, 9)], ["7", "9"])
        self.assertIsNotNone(made.policies[0].kept)
        wrong = policy("w", path_rule("(", CompareType.REGEX))
        self.assertRaises(ConfigurationError, routes, *some, wrong, served=False)

    def test_https_redirect(self) -> None:
        """Policies that wait are not looked up either."""
        some = [policy(str(n), path_rule(f"/{n}")) for n in range(20)]
        self.assertFalse(routes(*some, https_redirect=308).indexed)


class CompileTests(SynchronousTestCase):
    """What is found out when policies change."""

    def test_complexity(self) -> None:
        """Each rule has its class."""
        made = routes(
            policy(
                "p",
                path_rule("/a", id="1"),
                path_rule(r"\.(js|css)$", CompareType.REGEX, id="2"),
                path_rule("[0-9]", CompareType.REGEX, id="3"),
            )
        )
        self.assertEqual(made.complexity, {"1": "literal", "2": "literal", "3": "linear"})

    def test_fields(self) -> None:
        """The names of header fields that rules look at, whatever looks them up."""
        rules = [
            rule(RuleType.HEADER, CompareType.EQUAL_TO, "1", key=key) for key in ("X-A", "x-b")
        ]
        many = [policy(f"p{number}", path_rule(f"/{number}")) for number in range(9)]
        made = policy("p", *rules, rule(RuleType.COOKIE, CompareType.EQUAL_TO, "1", key="c"))
        for policies in ([made], [*many, made]):
            self.assertEqual(routes(*policies).fields, {"x-a", "x-b"})
        self.assertEqual(routes(*many).fields, set())

    def test_all_problems(self) -> None:
        """Everything wrong is told at once, at its field, of disabled objects too."""
        why = self.assertRaises(
            ConfigurationError,
            routes,
            policy("p", path_rule("(", CompareType.REGEX, id="r1"), action=TO_URL),
            policy("q", rule(RuleType.PATH, CompareType.REGEX, "a", "[", id="r2"), enabled=False),
            policy("r", rule(RuleType.HEADER, id="r3"), rule(RuleType.PATH, id="r4")),
            policy("s", rule(RuleType.PATH, CompareType.EQUAL_TO, "\ud800", id="r5")),
            https_redirect=308,
        )
        paths = [problem.path for problem in why.problems]
        wanted = [
            ("l7_policies", "p", "redirect_url"),
            ("l7_rules", "r1", "value"),
            ("l7_rules", "r2", "values", 1),
            ("l7_rules", "r3", "key"),
            ("l7_rules", "r4", "value"),
            ("l7_rules", "r5", "value"),
        ]
        self.assertEqual(paths, wanted)
        self.assertIn("missing )", why.problems[1].message)
