"""L7 rules."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7_rule import DEEPEST, CompareType, L7Rule, RuleType
from tests.model.documents import made, problems, values


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
            ({"header": "a b"}, ["key: must be the name of a header"]),
            ({"header": ["a", "b"]}, ["key: must be a text"]),
            (
                {"path": "/", "compare_type": "like"},
                [
                    "compare_type: 'like' is not one of equal_to, regex, starts_with,"
                    " ends_with, contains, under"
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

    def test_nested(self) -> None:
        """C{any}, C{all} and C{not}, short and long, in each other."""
        inner = {"not": {"source_ip": "10.0.0.0/8"}}
        found = made(L7Rule, any=[{"method": "PUT"}, inner], name="n")
        self.assertEqual((found.rule_type, found.name, found.nested), (RuleType.ANY, "n", 3))
        method, other = found.rules
        self.assertEqual((method.rule_type, method.value), (RuleType.METHOD, "PUT"))
        self.assertEqual((other.rule_type, other.rules[0].value), (RuleType.NOT, "10.0.0.0/8"))
        long = {"rule_type": "not", "rules": [{"rule_type": "source_ip", "value": "10.0.0.0/8"}]}
        for one in (inner, long, {"type": "NOT", "rules": inner["not"]}):
            self.assertEqual(made(L7Rule, all=one).rules, (other,))

    def test_nested_refused(self) -> None:
        """What nesting needs, at its place in the document."""
        path = {"path": "/"}
        deep: Any = path
        for _ in range(DEEPEST + 1):
            deep = {"not": deep}
        cases: tuple[tuple[dict[str, Any], str], ...] = (
            ({"any": []}, "rules: are needed: what any is about"),
            ({"not": [path, path]}, "rules: not is about one rule; put several into any or all"),
            ({"all": [path, {"path": None}]}, "all[1].value: is needed"),
            (
                {"not": {"any": [{"paht": "/"}]}},
                "any[0].paht: 'paht' is neither a rule type",
            ),
            ({"all": "x"}, "all: must be a mapping"),
            ({"all": [path], "value": "x"}, "value: does not go with all, which has rules"),
            ({"all": [path], "compare_type": "regex"}, "compare_type: does not go with all"),
            ({"path": "/", "rules": [path]}, "rules: do not go with path; use any, all or not"),
            ({"rule_type": "all", "any": [path]}, "any: does not go with rule_type all"),
            ({"any": [{"path": "/", "name": "x"}]}, "any[0].name: unknown key 'name'"),
            (deep, f"rules are nested more than {DEEPEST} deep"),
        )
        for document, wanted in cases:
            self.assertIn(wanted, "\n".join(problems(L7Rule, document)), document)
        many = {"any": [{"any": [path] * 600}, {"any": [path] * 600}]}
        self.assertEqual(problems(L7Rule, many), ["rules: has more than 1000 rules within"])

    def test_of_requests(self) -> None:
        """Methods, parameters and protocols; paths by whole segments."""
        made(L7Rule, method=["GET", "head"])
        made(L7Rule, query="a[b]", value="1")
        made(L7Rule, query="debug")
        made(L7Rule, protocol=["HTTPS", "grpc"])
        made(L7Rule, path="/api", compare_type="under")
        for document, wanted in (
            ({"query": ""}, "key: must have 1 to 255 characters"),
            ({"protocol": "ftp"}, "value: must be http, https, websocket or grpc"),
            (
                {"protocol": "http", "compare_type": "contains"},
                "compare_type: protocol rules have equal_to only",
            ),
            (
                {"host_name": "a", "compare_type": "under"},
                "compare_type: under is for paths (did you mean 'starts_with'?)",
            ),
        ):
            self.assertEqual(problems(L7Rule, document), [wanted])

    def test_source_ip(self) -> None:
        """An address is in a network or it is not: there is one comparison."""
        self.assertEqual(made(L7Rule, source_ip="10.0.0.0/8").value, "10.0.0.0/8")
        self.assertEqual(
            problems(L7Rule, {"source_ip": "10.", "compare_type": "starts_with"}),
            ["compare_type: source_ip rules take equal_to only"],
        )
