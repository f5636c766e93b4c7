"""The shapes that the control service asks for, and those who have them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.plane import AddressInUse, HealthView, ListenerState, Plane, Prepared
from fiberlb.health.monitor import HealthService
from fiberlb.relay.prepared import Prepared as RelayPrepared
from fiberlb.relay.states import ListenerState as RelayState
from fiberlb.workers.plane import WorkersPlane
from fiberlb.workers.sole import SolePlane
from tests.control.stage import StageHealth, StagePlane


class ShapeTests(SynchronousTestCase):
    """That the types fit is checked where they are put together; here: nothing is missing."""

    def missing(self, shape: type, *classes: type) -> list[str]:
        """Names of a protocol that classes lack."""
        names = [name for name in vars(shape) if not name.startswith("_")]
        return [
            f"{cls.__name__}.{name}" for cls in classes for name in names if not hasattr(cls, name)
        ]

    def test_shapes(self) -> None:
        """Both data planes, the health service and the stage have every method."""
        self.assertEqual(self.missing(Plane, SolePlane, WorkersPlane, StagePlane), [])
        self.assertEqual(self.missing(Prepared, RelayPrepared), [])
        self.assertEqual(self.missing(HealthView, HealthService, StageHealth), [])
        self.assertEqual(self.missing(ListenerState, RelayState), [])

    def test_address_in_use(self) -> None:
        """The error says who wants what."""
        why = AddressInUse("l", "::", 80, "port 80 is taken")
        self.assertEqual((str(why), why.port, why.code), ("port 80 is taken", 80, "address_in_use"))
