"""What is said of refusals."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.octavia.faults import (
    Fault,
    invalid,
    missing,
    needed,
    of_exception,
    provider_cannot,
    unknown,
)
from fiberlb.control.refusals import (
    Contended,
    Mention,
    NotFound,
    OwnedByFile,
    Stopping,
    StoreAway,
    TooBig,
)
from fiberlb.errors import AddressInUse, ConfigurationError, Problem


class FaultTests(SynchronousTestCase):
    """From exceptions to faults."""

    def test_document(self) -> None:
        """Whose fault it is follows from the status."""
        self.assertEqual(
            Fault(404, "x").document(),
            {"faultcode": "Client", "faultstring": "x", "debuginfo": None},
        )
        self.assertEqual(Fault(503, "x").document()["faultcode"], "Server")

    def test_exceptions(self) -> None:
        """The control service's refusals have their statuses; a defect has none."""
        for why, status in (
            (ConfigurationError([Problem(("a",), "wrong")]), 400),
            (ConfigurationError([Problem(("a",), "taken", code="address_in_use")]), 409),
            (AddressInUse("l", "::", 80, "taken"), 409),
            (OwnedByFile(Mention("pools", "i", "n"), None), 409),
            (NotFound("pools", "x"), 404),
            (TooBig("much"), 413),
            (StoreAway("gone"), 503),
            (Stopping(), 503),
            (Contended(), 409),
            (Fault(418, "tea"), 418),
        ):
            found = of_exception(why)
            assert found is not None
            self.assertEqual(found.status, status)
        self.assertIsNone(of_exception(ValueError()))

    def test_texts(self) -> None:
        """What clients look for."""
        self.assertEqual(missing("Pool", "7").text, "Pool 7 not found.")
        self.assertEqual(invalid("x.").text, "Validation failure: x.")
        self.assertEqual(unknown("pool", "y").text, "Unknown attribute for argument pool: y")
        self.assertIn("Mandatory field missing.", needed("z").text)
        self.assertIn("does not support a requested option", provider_cannot("x").text)
