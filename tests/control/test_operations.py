"""The values that go in and out of the control service."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.operations import Condition, Op, Operation, Origin
from fiberlb.model.resource import Owner


class DefaultTests(SynchronousTestCase):
    """What is left out."""

    def test_operation(self) -> None:
        """An operation has no condition unless it is given one."""
        operation = Operation(op=Op.CREATE, collection="pools")
        self.assertEqual(operation.condition, Condition(None, None))
        self.assertEqual((operation.word, operation.parent, operation.at), ("", "", ()))

    def test_origin(self) -> None:
        """What is written belongs to the API unless it is said otherwise."""
        self.assertEqual(Origin("ann", "rest").owner, Owner.API)
