"""L7 rules."""

from __future__ import annotations

from fiberlb.api.octavia.rules import MOST
from fiberlb.model.l7 import L7Rule
from tests.api.octavia.asking import OctaviaCase


class RuleTests(OctaviaCase):
    """Their life, and what they refuse."""

    def setUp(self) -> None:
        """A policy."""
        super().setUp()
        self.front = self.listener(self.balancer())
        made = self.make("l7policies", listener_id=self.front, action="REJECT")
        self.path = f"l7policies/{made['id']}/rules"

    def test_life(self) -> None:
        """A change is judged with what stays."""
        made = self.make(self.path, type="HEADER", compare_type="EQUAL_TO", key="X-A", value="1")
        self.assertEqual((made["key"], made["invert"]), ("X-A", False))
        path = f"{self.path}/{made['id']}"
        changed = self.change(path, value="2", invert="true")
        self.assertEqual((changed["value"], changed["invert"]), ("2", True))
        self.fault("PUT", path, {"rule": {"key": "no good"}}, 400, "key")
        changed = self.change(path, type="PATH", value="/x")
        self.assertEqual((changed["type"], changed["value"]), ("PATH", "/x"))
        self.assertEqual(self.call("DELETE", path).status, 204)

    def test_foreign(self) -> None:
        """A rule of another policy is not there."""
        made = self.make(self.path, type="PATH", compare_type="EQUAL_TO", value="/")
        other = self.make("l7policies", listener_id=self.front, action="REJECT")
        self.fault("GET", f"l7policies/{other['id']}/rules/{made['id']}", None, 404, "L7Rule")

    def test_refused(self) -> None:
        """What a type does not take."""
        for given in (
            {"type": "FILE_TYPE", "compare_type": "CONTAINS", "value": "x"},
            {"type": "HEADER", "compare_type": "EQUAL_TO", "value": "x"},
            {"type": "COOKIE", "compare_type": "EQUAL_TO", "key": "a", "value": "a b"},
            {"type": "SSL_CONN_HAS_CERT", "compare_type": "EQUAL_TO", "value": "False"},
            {"type": "SSL_VERIFY_RESULT", "compare_type": "EQUAL_TO", "value": "-1"},
            {"type": "SSL_VERIFY_RESULT", "compare_type": "EQUAL_TO", "value": "1", "key": "x"},
            {"type": "PATH", "compare_type": "REGEX", "value": "("},
            {"type": "PATH", "compare_type": "EQUAL_TO", "value": ""},
            {"type": "HOST_NAME", "compare_type": "EQUAL_TO", "value": "b\u00fccher.test"},
            {"type": "HEADER", "compare_type": "CONTAINS", "key": "X", "value": "\u00fc"},
            {"type": "METHOD", "compare_type": "EQUAL_TO", "value": "GET"},
        ):
            self.refused(self.path, 400, "", **given)

    def test_quotes(self) -> None:
        """A value with spaces has quotes, which are shown and not compared."""
        made = self.make(self.path, type="PATH", compare_type="EQUAL_TO", value='"/a b"')
        self.assertEqual(made["value"], '"/a b"')
        [rule] = self.stage.control.configuration.all(L7Rule).values()
        self.assertEqual(rule.value, "/a b")
        changed = self.change(f"{self.path}/{made['id']}", value="/c")
        self.assertEqual(changed["value"], "/c")
        for kind in ("PATH", "HOST_NAME", "HEADER"):
            self.refused(
                self.path, 400, "quotes", type=kind, key="a", compare_type="CONTAINS", value="a b"
            )

    def test_most(self) -> None:
        """A policy has fifty at most."""
        rule = {"type": "PATH", "compare_type": "EQUAL_TO", "value": "/"}
        for _ in range(MOST):
            self.make(self.path, **rule)
        self.refused(self.path, 409, "Too many rules", **rule)
