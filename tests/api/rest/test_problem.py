"""Problems: which status and code stands for which refusal."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.problem import MOST_ERRORS, invalid, refused
from fiberlb.control import refusals
from fiberlb.control.refusals import Mention
from fiberlb.errors import AddressInUse, ConfigurationError, Position, Problem

POOL = Mention("pools", "1", "app")


class StatusTests(SynchronousTestCase):
    """The table."""

    def test_refusals(self) -> None:
        """Every refusal of the control service has a status and keeps its code."""
        for why, status in (
            (refusals.NotFound("pools", "x"), 404),
            (refusals.Ambiguous("pools", "x", ["1", "2"]), 409),
            (refusals.OwnedByFile(POOL, None), 409),
            (refusals.InUse(POOL, [POOL]), 409),
            (refusals.Exists("x"), 409),
            (refusals.Contended(), 409),
            (refusals.Stale("1"), 412),
            (refusals.TooBig("x"), 413),
            (refusals.StoreAway("x"), 503),
            (refusals.Stopping(), 503),
        ):
            found = refused(why)
            assert found is not None
            self.assertEqual((found.status, found.code), (status, why.code))

    def test_many(self) -> None:
        """An answer is of a bounded size, whatever is wrong with a body, and says so."""
        found = refused(ConfigurationError([Problem(("x",), "no")] * (MOST_ERRORS + 1)))
        assert found is not None
        self.assertEqual(len(found.document()["errors"]), MOST_ERRORS)
        self.assertEqual(found.detail, "1001 things are refused, of which the first 1000 are told")

    def test_defect(self) -> None:
        """Anything else stands for none."""
        self.assertIsNone(refused(KeyError("x")))

    def test_address(self) -> None:
        """An address that cannot be bound, by its own code."""
        found = refused(AddressInUse("l", "::", 80, "no right", "needs_privilege"))
        assert found is not None
        self.assertEqual((found.status, found.code), (409, "needs_privilege"))

    def test_uncertain(self) -> None:
        """A write of unknown outcome says so."""
        found = refused(refusals.StoreAway("cut off", uncertain=True))
        assert found is not None
        self.assertIn("not known", found.document()["detail"])
        self.assertIs(found.document()["uncertain"], True)


class ConfigurationTests(SynchronousTestCase):
    """What is wrong with a document."""

    def test_mixed(self) -> None:
        """A conflict among other problems is not the point: 400."""
        taken = Problem(("port",), "taken", code="address_in_use")
        wrong = Problem(("a", 0, "b/c"), "wrong", "right")
        found = refused(ConfigurationError([taken, wrong]))
        assert found is not None
        document = found.document()
        self.assertEqual((document["status"], document["code"]), (400, "invalid"))
        self.assertEqual(document["detail"], "2 things are refused")
        self.assertEqual(
            document["errors"][1], {"path": "/a/0/b~1c", "message": "wrong", "suggestion": "right"}
        )

    def test_conflict(self) -> None:
        """Conflicts alone are 409 by the code of the first."""
        taken = Problem(("port",), "taken", code="address_in_use")
        found = refused(ConfigurationError([taken]))
        assert found is not None
        self.assertEqual((found.status, found.code), (409, "address_in_use"))
        self.assertEqual(found.detail, "port: taken")

    def test_position(self) -> None:
        """A problem of an object of the file says where that stands."""
        place = Position("/etc/f.yaml", 4, 2)
        found = refused(ConfigurationError([Problem((), "wrong", position=place)]))
        assert found is not None
        self.assertEqual((found.document()["file"], found.document()["line"]), ("/etc/f.yaml", 4))

    def test_invalid(self) -> None:
        """One thing wrong with a request."""
        document = invalid("no").document()
        self.assertEqual((document["title"], document["errors"][0]["path"]), ("Bad Request", ""))
        self.assertEqual(document["type"], "urn:fiberlb:problem:invalid")
