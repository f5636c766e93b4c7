"""A node whose page of figures is read as Prometheus reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.api.rest.asking import Asking

Labels = frozenset[tuple[str, str]]


class Reading(Asking):
    """A node with three listeners and a pool."""

    FILE = """\
pools:
  - {name: f, members: [127.0.0.1:1, "127.0.0.1:2 name=b"]}
listeners:
  - {name: web, port: 80, protocol: http, default_pool_id: f, connection_limit: 9}
  - {name: 'a "quoted" name', port: 81, protocol: http}
  - {name: dns, port: 53, protocol: udp}
"""

    def samples(self) -> dict[str, dict[Labels, float]]:
        """Every sample by its name and labels; none is there twice."""
        answer = self.ask("GET", "/metrics")
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["content-type"].startswith("text/plain; version=0.0.4"))
        found: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(answer.body.decode()):
            self.assertTrue(family.documentation, family.name)
            for sample in family.samples:
                several = found.setdefault(sample.name, {})
                labels = frozenset(sample.labels.items())
                self.assertNotIn(labels, several, sample)
                several[labels] = sample.value
        return found

    def value(self, name: str, /, **labels: str) -> float:
        """One sample."""
        return self.samples()[name][frozenset(labels.items())]
