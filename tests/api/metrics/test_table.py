"""Tests of L{fiberlb.api.metrics.table}: every figure is in the documentation, no other is."""

from __future__ import annotations

import re

from tests.api.metrics.reading import Reading
from tests.support.certificates import leaf
from tests.support.sources import ROOT


class TableTests(Reading):
    """The names."""

    def test_documented(self) -> None:
        """docs/metrics.rst has a row for each."""
        self.stage.plane.crew = (1, 1)
        one = leaf("a.test")
        body = {
            "name": "main",
            "certificate": one.pem,
            "private_key": one.key_pem(),
            "ocsp": "auto",
        }
        self.post("/v1/certificates", body)
        mirror = {"pool_id": "g"}
        self.post("/v1/pools", {"name": "g", "members": ["web.test:80"]})
        self.post("/v1/pools", {"name": "h", "mirror": mirror})
        self.stage.move(web=("10.0.0.1",))
        text = (ROOT / "docs" / "metrics.rst").read_text("utf-8")
        told = set(re.findall(r"``(fiberlb_[a-z_]+)[`{]", text))
        self.assertEqual(sorted(self.samples()), sorted(told))
