"""What is said of failures, and whose they are."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import (
    MOST_TOLD,
    REASONS,
    AddressInUse,
    ConfigurationError,
    Fault,
    Position,
    Problem,
    Source,
    nearest,
)


class ProblemTests(SynchronousTestCase):
    """One sentence about one field."""

    def test_field(self) -> None:
        """A path as people write it."""
        for path, field in (
            ((), ""),
            (("listeners",), "listeners"),
            (("listeners", 0, "tls_config", "ciphers", 2), "listeners[0].tls_config.ciphers[2]"),
            ((0, "a"), "[0].a"),
        ):
            self.assertEqual(Problem(path, "no").field, field)

    def test_pointer(self) -> None:
        """A path as a JSON Pointer, RFC 6901 section 3."""
        for path, pointer in (
            ((), ""),
            (("a", 0, "b"), "/a/0/b"),
            (("a/b", "c~d", ""), "/a~1b/c~0d/"),
        ):
            self.assertEqual(Problem(path, "no").pointer, pointer)

    def test_sentence(self) -> None:
        """Place, field, message, suggestion; what is not known is left out."""
        place = Position("f.yaml", 3, 5)
        self.assertEqual(str(Problem((), "no")), "no")
        self.assertEqual(str(Problem(("a",), "no")), "a: no")
        self.assertEqual(str(Problem(("a",), "no", "yes")), "a: no (did you mean 'yes'?)")
        self.assertEqual(str(Problem(("a",), "no", position=place)), "f.yaml:3:5: a: no")
        self.assertEqual(str(Problem((), "no", position=place)), "f.yaml:3:5: no")

    def test_all(self) -> None:
        """A refusal tells them all, a line each."""
        why = ConfigurationError(Problem((key,), "no") for key in "ab")
        self.assertEqual(str(why), "a: no\nb: no")
        self.assertEqual([p.path for p in why.problems], [("a",), ("b",)])
        self.assertEqual(list(why.told()), ["a: no", "b: no"])

    def test_many(self) -> None:
        """A log gets the first ones, and no line that fills it alone."""
        why = ConfigurationError(Problem((), "no" * 10**6) for _ in range(1000))
        told = list(why.told())
        self.assertEqual((len(told), told[-1]), (MOST_TOLD + 1, "and 900 more"))
        self.assertLess(max(map(len, told)), 1100)


class AddressTests(SynchronousTestCase):
    """An address that cannot be bound."""

    def test_fields(self) -> None:
        """Which listener, where, and why."""
        why = AddressInUse("l", "::", 80, "port 80 is taken")
        self.assertEqual((why.listener_id, why.host, why.port), ("l", "::", 80))
        self.assertEqual(
            (str(why), why.message, why.code), ("port 80 is taken",) * 2 + ("address_in_use",)
        )


class FaultTests(SynchronousTestCase):
    """A failure while traffic flows."""

    def test_statuses(self) -> None:
        """Each reason has a status of an error, or ends without an answer."""
        for reason, status in REASONS.items():
            self.assertEqual(Fault(reason).status, status)
            self.assertRegex(reason, "^[a-z_]+$")
            self.assertTrue(status is None or 400 <= status <= 599)

    def test_fields(self) -> None:
        """Whose fault, the detail for the log, and whether another member may be tried."""
        fault = Fault("connect_refused", Source.MEMBER, "10.0.0.1:80", retryable=True)
        self.assertEqual(
            (fault.source, fault.detail, fault.retryable), (Source.MEMBER, "10.0.0.1:80", True)
        )
        self.assertFalse(Fault("bad_request").retryable)


class NearestTests(SynchronousTestCase):
    """What was probably meant."""

    def test_nearest(self) -> None:
        """Something near, or nothing."""
        self.assertEqual(nearest("lisener", ["pools", "listeners"]), "listeners")
        self.assertIsNone(nearest("xyz", ["pools", "listeners"]))
        self.assertIsNone(nearest("x", []))
