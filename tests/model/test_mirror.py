"""Mirrors as they are configured."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import structure
from fiberlb.model.fields import Loading
from fiberlb.model.l7 import L7Policy
from fiberlb.model.mirror import misfits
from fiberlb.model.pool import Pool, PoolProtocol, ProxyVersion
from fiberlb.model.referring import references
from tests.support.treated import loaded, refused


class MirrorTests(SynchronousTestCase):
    """What is taken, and what is not."""

    def test_taken(self) -> None:
        """A pool, by whatever it is referred to."""
        made = Pool(name="p", **loaded(mirror={"pool_id": "next"}))
        assert made.mirror is not None
        self.assertEqual(made.mirror.percent, 100)
        self.assertEqual(list(references(made)), [("pools", "next", ("mirror", "pool_id"))])

    def test_refused(self) -> None:
        """No pool, and shares that are none."""
        wrong: tuple[Any, ...] = ({}, *({"pool_id": "p", "percent": n} for n in (0, 101, 0.5, "x")))
        for value in wrong:
            self.assertEqual(len(refused("mirror", value)), 1, value)

    def test_misfits(self) -> None:
        """A pool that does not speak HTTP, or wants to hear of connections."""
        holder = Pool(id="a", **loaded(mirror={"pool_id": "b"}))
        for fields, count in (
            ({}, 0),
            ({"protocol": PoolProtocol.HTTPS}, 0),
            ({"protocol": PoolProtocol.TCP}, 1),
            ({"proxy_protocol": ProxyVersion.V1}, 1),
        ):
            given: Any = fields
            problems = list(misfits([holder], {"b": Pool(id="b", **given)}))
            self.assertEqual(len(problems), count, fields)
            for problem in problems:
                self.assertEqual(problem.path, ("pools", "a", "mirror", "pool_id"))
        self.assertEqual(list(misfits([Pool(id="c"), holder], {})), [])

    def test_no_member(self) -> None:
        """A policy whose requests reach no member has nothing to copy, edit or rewrite."""
        for key, value in (
            ("mirror", {"pool_id": "p"}),
            ("rewrite", {"host": "member"}),
            ("request_headers", {"remove": "X"}),
        ):
            loading = Loading()
            structure(L7Policy, {"action": "reject", key: value}, (), loading)
            (problem,) = loading.problems
            self.assertEqual((problem.field, problem.message), (key, "does not go with reject"))
