"""Tests of fiberlb.ocsp.book."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.ocsp import AUTO, NONE, Staple, armoured
from fiberlb.ocsp.book import Record, Staples
from fiberlb.tls.material import inspect
from fiberlb.tls.ocsp import fingerprint, judged
from tests.support.certificates import Leaf, authority, judge
from tests.support.ocsp import NOW, REVOKED, Word, watched

AT = NOW.timestamp()
ONE, OTHER = watched("a.test"), watched("b.test")


def bearing(one: Leaf, how: str, name: str = "main") -> Certificate:
    """A certificate as it is configured."""
    return attrs.evolve(one.model(name=name), ocsp=how)


def staple(one: Leaf = ONE, **word: Any) -> Staple:
    """A good response."""
    return judged(Word(**word).about(one), inspect(one.model()))


class StaplesTests(SynchronousTestCase):
    """What goes into force, and what is told."""

    def setUp(self) -> None:
        """An empty book."""
        self.book = Staples()

    def dressed(self, *several: Certificate) -> list[Staple | None]:
        """What is stapled to each."""
        objects = {"certificates": {made.id: made for made in several}}
        done = self.book.dressed(Configuration(objects=objects), inspect)
        return [made.staple for made in done.all(Certificate).values()]

    def state(self, made: Certificate, now: float = AT) -> tuple[str, str]:
        """Status, and what is wrong."""
        found = self.book.state(made, inspect, now)
        problem = self.book.problem(made, inspect, now)
        self.assertEqual(bool(problem), bool(found["last_error"]))
        return found["status"], problem

    def record(self, **fields: Any) -> None:
        """Have a record of L{ONE}."""
        self.book.records[fingerprint(ONE.certificate)] = Record(**fields)

    def test_nothing(self) -> None:
        """Where no certificate asks for it the configuration stays the same object."""
        configuration = Configuration(objects={"certificates": {"x": bearing(ONE, NONE)}})
        self.assertIs(self.book.dressed(configuration, inspect), configuration)
        self.assertEqual(self.state(bearing(ONE, NONE)), ("off", ""))

    def test_given(self) -> None:
        """A response of the configuration, if it is right; judged once."""
        good, wrong = Word().about(ONE), armoured(Word().about(OTHER))
        several = bearing(ONE, armoured(good)), bearing(OTHER, armoured(good))
        for _ in range(2):
            (found, none) = self.dressed(*several)
            assert found is not None
            self.assertEqual((found.response, none), (good, None))
        status, problem = self.state(bearing(ONE, wrong))
        self.assertEqual(status, "failed")
        self.assertIn("certificate main is shown without an OCSP response", problem)
        self.assertIn("about another certificate", problem)
        shown = self.book.state(several[0], inspect, AT)
        self.assertEqual((shown["source"], shown["response"]), ("given", armoured(good)))
        self.dressed(bearing(ONE, NONE))

    def test_given_in_time(self) -> None:
        """Before and after its time it is not good, and that is told."""
        made = bearing(ONE, armoured(Word().about(ONE)))
        self.assertEqual(self.state(made), ("good", ""))
        for now in (AT - 10000, AT + 100000):
            self.assertEqual(self.state(made, now)[0], "failed")
        revoked = bearing(ONE, armoured(Word(status=REVOKED).about(ONE)))
        self.assertEqual(self.state(revoked)[0], "revoked")
        self.assertEqual(self.dressed(revoked), [None])

    def test_asked(self) -> None:
        """What responders have said, by the certificate and not by its name."""
        found = staple()
        self.assertEqual(self.dressed(bearing(ONE, AUTO)), [None])
        self.assertEqual(self.state(bearing(ONE, AUTO)), ("pending", ""))
        self.record(staple=found, next_try=AT + 5)
        self.assertEqual(self.dressed(bearing(ONE, AUTO), bearing(OTHER, AUTO)), [found, None])
        self.assertEqual(self.state(bearing(ONE, AUTO)), ("good", ""))
        state = self.book.state(bearing(ONE, AUTO), inspect, AT)
        self.assertEqual((state["source"], state["response"]), ("auto", None))
        self.assertTrue(state["next_try"] and state["next_update"])
        self.assertEqual(self.book.staple(bearing(ONE, AUTO), inspect), found)

    def test_failed(self) -> None:
        """As long as there is a good one that is shown; then nothing is."""
        self.record(staple=staple(), last_error="it is down", failures=1)
        status, problem = self.state(bearing(ONE, AUTO))
        self.assertEqual(status, "good")
        self.assertIn("of certificate main is not renewed, and shown until 20", problem)
        status, problem = self.state(bearing(ONE, AUTO), AT + 100000)
        self.assertEqual(status, "failed")
        self.assertIn("shown without an OCSP response: it is down", problem)
        self.record(revoked=True, last_error="revoked")
        self.assertEqual(self.state(bearing(ONE, AUTO))[0], "revoked")

    def test_stored(self) -> None:
        """What was kept counts from the first configuration on, if it is right."""
        response = Word().about(ONE)
        for known_as in (ONE, OTHER):
            self.book.stored[fingerprint(known_as.certificate)] = response
        (first, second) = self.dressed(bearing(ONE, AUTO), bearing(OTHER, AUTO))
        assert first is not None
        self.assertEqual((first.response, second), (response, None))
        self.assertEqual(self.book.stored, {})

    def test_taken_away(self) -> None:
        """A certificate that bears one, and is not to any more, loses it."""
        made = attrs.evolve(bearing(ONE, NONE), staple=staple())
        self.assertEqual(self.dressed(made), [None])

    def test_no_material(self) -> None:
        """Authorities, and what was not issued yet."""
        self.assertEqual(self.dressed(judge(authority()), bearing(ONE, AUTO)), [None, None])
        found = self.book.state(bearing(ONE, AUTO), lambda made: None, AT)
        self.assertEqual((found["status"], found["last_error"]), ("pending", None))
