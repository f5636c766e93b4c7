"""Tests of fiberlb.commands.object_kinds."""

from __future__ import annotations

from typing import Any

import click
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.exits import Failed
from fiberlb.commands.object_kinds import KindType, ObjectKind, kinds
from fiberlb.model.configuration import COLLECTIONS


def kind(word: str) -> ObjectKind:
    """The kind of a word."""
    return KindType().convert(word, None, None)


class KindTests(SynchronousTestCase):
    """Words of kinds, and their addresses."""

    def test_words(self) -> None:
        """One or several, with or without what nobody types, whatever joins the parts."""
        for words, collection in (
            ("pool pools POOL", "pools"),
            ("l7_policy l7-policies policy policies", "l7_policies"),
            ("l7_rules rule rules", "l7_rules"),
            ("lb load_balancer load-balancers loadbalancers", "load_balancers"),
            ("cert certs certificate certificates", "certificates"),
            ("monitor health_monitor health-monitors", "health_monitors"),
        ):
            for word in words.split():
                self.assertEqual(kind(word).collection, collection, word)

    def test_all(self) -> None:
        """Every collection of the model is there: a new one needs no work here."""
        self.assertLessEqual(set(COLLECTIONS), set(kinds()))

    def test_unknown(self) -> None:
        """What is no kind is told with those that are, and what was probably meant."""
        with self.assertRaises(click.BadParameter) as caught:
            kind("polls")
        self.assertIn("did you mean 'pools'?", caught.exception.message)

    def test_addresses(self) -> None:
        """Where an object is, by its name and its parent's."""
        for word, name, target in (
            ("pool", "a b", "/v1/pools/a%20b"),
            ("member", "web/10.0.0.1:80", "/v1/pools/web/members/10.0.0.1%3A80"),
            ("member", "web/unix:/run/a", "/v1/pools/web/members/unix%3A%2Frun%2Fa"),
            ("member", "10.0.0.1:80", "/v1/members/10.0.0.1%3A80"),
            ("rule", "api/one", "/v1/l7_policies/api/rules/one"),
            ("monitor", "web", "/v1/pools/web/health_monitor"),
        ):
            self.assertEqual(kind(word).target(name), target)
        failed = self.assertRaises(Failed, kind("rule").target, "one")
        self.assertIn("POLICY/NAME", failed.message)

    def test_lists(self) -> None:
        """Where a list is; rules are only there within a policy."""
        for word, parent, target in (
            ("pools", None, "/v1/pools"),
            ("members", None, "/v1/members"),
            ("members", "web", "/v1/pools/web/members"),
            ("policies", "front", "/v1/l7_policies"),
            ("rules", "api", "/v1/l7_policies/api/rules"),
            ("monitors", None, "/v1/pools"),
        ):
            self.assertEqual(kind(word).list_target(parent), target)
        failed = self.assertRaises(Failed, kind("rules").list_target)
        self.assertIn("fiberlb ls rules POLICY", failed.message)

    def test_complete(self) -> None:
        """The common word of each kind, or whatever else begins so."""

        def complete(word: str) -> list[Any]:
            return [item.value for item in KindType().shell_complete(None, None, word)]

        self.assertIn("pool", complete(""))
        self.assertEqual(complete("po"), ["pool", "policy"])
        self.assertEqual(sorted(complete("l7_r")), ["l7_rule", "l7_rules"])
