"""L7 policies and rules."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import CompareType, L7Policy, L7Rule, PolicyAction, RuleType
from tests.model.documents import made, problems, short, values

LATER = "known, not supported by this version"


class RuleTests(SynchronousTestCase):
    """Rules."""

    def test_long(self) -> None:
        """The long form, in the seed's and in Octavia's spelling."""
        for document in (
            {"rule_type": "path", "compare_type": "starts_with", "value": "/api/"},
            {"type": "PATH", "compare_type": "STARTS_WITH", "value": "/api/"},
        ):
            found = made(L7Rule, **document)
            self.assertEqual(
                (found.rule_type, found.compare_type, found.candidates),
                (RuleType.PATH, CompareType.STARTS_WITH, ("/api/",)),
            )

    def test_types(self) -> None:
        """Every type in every spelling."""
        for word, wanted in (
            ("HOST_NAME", RuleType.HOST_NAME),
            ("host-name", RuleType.HOST_NAME),
            ("FILE_TYPE", RuleType.FILE_TYPE),
            ("SSL_CONN_SNI", RuleType.SSL_CONN_SNI),
            ("ssl_conn_sn_i", RuleType.SSL_CONN_SNI),
        ):
            self.assertIs(made(L7Rule, rule_type=word, value="x").rule_type, wanted)
        for word, wanted in (("HEADER", RuleType.HEADER), ("cookie", RuleType.COOKIE)):
            self.assertIs(made(L7Rule, rule_type=word, key="k").rule_type, wanted)

    def test_short(self) -> None:
        """The type as the key; a list is any of them; keyed types name their key."""
        for document, kind, key, candidates in (
            ({"path": "/api"}, RuleType.PATH, None, ("/api",)),
            ({"HOST_NAME": ["a", "b"]}, RuleType.HOST_NAME, None, ("a", "b")),
            ({"ssl_conn_sn_i": "x"}, RuleType.SSL_CONN_SNI, None, ("x",)),
            ({"header": "X-A", "value": 1}, RuleType.HEADER, "X-A", ("1",)),
            ({"cookie": "c", "values": ["a", "b"]}, RuleType.COOKIE, "c", ("a", "b")),
            ({"header": "X-A"}, RuleType.HEADER, "X-A", ()),
        ):
            assert isinstance(document, dict)
            found = made(L7Rule, **document)
            self.assertEqual(
                (found.rule_type, found.key, found.candidates, found.compare_type),
                (kind, key, candidates, CompareType.EQUAL_TO),
            )

    def test_short_with_more(self) -> None:
        """Other fields stand beside the short form."""
        found = made(L7Rule, path="x$", compare_type="regex", invert=True, name="n")
        self.assertEqual(
            (found.compare_type, found.invert, found.name), (CompareType.REGEX, True, "n")
        )

    def test_refused(self) -> None:
        """Half a rule is none."""
        for document, wanted in (
            ({}, ["rule_type: is needed"]),
            ({"path": None}, ["value: is needed"]),
            ({"path": []}, ["value: is needed"]),
            ({"path": ""}, ["value: must have 1 to 1024 characters"]),
            ({"rule_type": "path"}, ["value: is needed"]),
            ({"rule_type": "header", "value": "x"}, ["key: is needed by header rules"]),
            ({"path": "/", "key": "x"}, ["key: path rules take no key"]),
            ({"path": "/", "values": ["/"]}, ["values: value and values exclude each other"]),
            ({"header": "a b"}, ["key: must be a header, cookie or attribute name"]),
            ({"header": ["a", "b"]}, ["key: must be a text"]),
            (
                {"path": "/", "compare_type": "like"},
                [
                    "compare_type: 'like' is not one of equal_to, regex, starts_with,"
                    " ends_with, contains"
                ],
            ),
        ):
            self.assertEqual(problems(L7Rule, document), wanted)
        for value in values(None, 5, "path", []):
            self.assertEqual(problems(L7Rule, value), ["must be a mapping"])

    def test_two_types(self) -> None:
        """Two types in one rule are two rules."""
        found = problems(L7Rule, {"path": "/", "host_name": "a"})
        self.assertIn("rule_type: is needed", found)

    def test_certificates(self) -> None:
        """Rules about clients' certificates, in every spelling, and what they do not take."""
        made(L7Rule, ssl_conn_has_cert="True")
        made(L7Rule, rule_type="SSL_VERIFY_RESULT", value="0")
        for key in ("CN", "organizationName", "emailaddress"):
            made(L7Rule, ssl_dn_field=key, values=["a", "b"], invert=True)
        for document, wanted in (
            (
                {"ssl_conn_has_cert": "false"},
                "value: must be true; for clients without one set invert",
            ),
            ({"ssl_verify_result": ["0", "-1"]}, "values[1]: must be a number; 0: in order"),
            (
                {"ssl_verify_result": "0", "compare_type": "starts_with"},
                "compare_type: ssl_verify_result rules have equal_to only",
            ),
            (
                {"ssl_dn_field": "organisationName", "value": "x"},
                "key: is not an attribute of distinguished names (did you mean"
                " 'organizationname'?)",
            ),
        ):
            self.assertEqual(problems(L7Rule, document), [wanted])

    def test_later(self) -> None:
        """Types, comparisons and nesting of later versions."""
        for word in "method query protocol".split():
            for document in ({word: "x"}, {"rule_type": word.upper(), "value": "x"}):
                self.assertIn(f"rule_type: {word}: {LATER}", problems(L7Rule, document))
        self.assertEqual(
            problems(L7Rule, {"path": "/", "compare_type": "under"}),
            [f"compare_type: under: {LATER}"],
        )
        for word in ("any", "all", "not"):
            self.assertEqual(problems(L7Rule, {word: []}), [f"{word}: {LATER}"])

    def test_source_ip(self) -> None:
        """An address is in a network or it is not: there is one comparison."""
        self.assertEqual(made(L7Rule, source_ip="10.0.0.0/8").value, "10.0.0.0/8")
        self.assertEqual(
            problems(L7Rule, {"source_ip": "10.", "compare_type": "starts_with"}),
            ["compare_type: source_ip rules take equal_to only"],
        )


class PolicyTests(SynchronousTestCase):
    """Policies."""

    def test_actions(self) -> None:
        """An action with its target, in any case."""
        for action, target in (
            ("REDIRECT_TO_POOL", {"redirect_pool_id": "p"}),
            ("redirect_to_url", {"redirect_url": "https://x/"}),
            ("Redirect-Prefix", {"redirect_prefix": "https://x"}),
            ("reject", {}),
        ):
            found = made(L7Policy, action=action, **target)
            assert found.action is not None
            self.assertEqual(found.action.value, action.lower().replace("-", "_"))

    def test_implied(self) -> None:
        """One target says what the action is."""
        for target, action in (
            ({"redirect_pool_id": "p"}, PolicyAction.REDIRECT_TO_POOL),
            ({"redirect_url": "/x"}, PolicyAction.REDIRECT_TO_URL),
            ({"redirect_prefix": "/x", "redirect_url": None}, PolicyAction.REDIRECT_PREFIX),
        ):
            assert isinstance(target, dict)
            self.assertIs(short(L7Policy, target).action, action)
            self.assertIs(short(L7Policy, {**target, "action": None}).action, action)

    def test_statuses(self) -> None:
        """Statuses of redirects and of rejections."""
        for status in (301, 302, 303, 307, 308):
            made(L7Policy, redirect_url="/", redirect_http_status_code=status)
            made(L7Policy, redirect_prefix="/", redirect_http_status_code=str(status))
        for status in (400, 404, 599):
            made(L7Policy, action="reject", redirect_http_status_code=status)

    def test_refused(self) -> None:
        """Targets that do not go with the action, and statuses that do not."""
        status = "redirect_http_status_code"
        cases: tuple[tuple[dict[str, Any], list[str]], ...] = (
            ({}, ["action: is needed"]),
            (
                {"redirect_pool_id": "p", "redirect_url": "/"},
                ["action: is needed: redirect_pool_id and redirect_url are both given"],
            ),
            (
                {"action": "redirect_to_pool"},
                ["redirect_pool_id: is needed by redirect_to_pool"],
            ),
            (
                {"action": "reject", "redirect_url": "/"},
                ["redirect_url: does not go with reject"],
            ),
            (
                {"redirect_url": "/", status: 304},
                [f"{status}: must be one of 301, 302, 303, 307, 308"],
            ),
            (
                {"redirect_url": "/", status: 404},
                [f"{status}: must be one of 301, 302, 303, 307, 308"],
            ),
            ({"action": "reject", status: 302}, [f"{status}: must be from 400 to 599 with reject"]),
            (
                {"redirect_pool_id": "p", status: 302},
                [f"{status}: does not go with redirect_to_pool"],
            ),
            ({"action": "reject", "position": -1}, ["position: must be from 0 to 2147483647"]),
            (
                {"action": "reject", "timeouts": {"keep_alive": "1s"}},
                ["timeouts.keep_alive: keep_alive cannot be set here"],
            ),
        )
        for document, wanted in cases:
            self.assertEqual(problems(L7Policy, document), wanted)

    def test_later(self) -> None:
        """Keys and actions of later versions, without further complaints about them."""
        for key in sorted(L7Policy.LATER - {"redirect_pools", "response"}):
            self.assertEqual(
                problems(L7Policy, {"action": "reject", key: None}), [f"{key}: {LATER}"]
            )
        for key in ("redirect_pools", "response"):
            self.assertEqual(problems(L7Policy, {key: []}), [f"{key}: {LATER}"])
        self.assertEqual(
            problems(L7Policy, {"action": "FIXED_RESPONSE"}), [f"action: fixed_response: {LATER}"]
        )
