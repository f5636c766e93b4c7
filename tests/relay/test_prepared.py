"""Tests of L{fiberlb.relay.prepared}."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.prepared import Prepared


class _Plane:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def activate(self, prepared: Prepared) -> None:
        self.heard.append(prepared)

    def unused(self, key: tuple[str, int]) -> None:
        self.heard.append(key)


class _Socket:
    closed = False

    def close(self) -> None:
        self.closed = True


class PreparedTests(SynchronousTestCase):
    """Either of the two."""

    def test_either(self) -> None:
        """Put in force by the plane; or its sockets are closed, and the plane knows of that."""
        plane: Any = _Plane()
        made = Prepared(plane, None)  # type: ignore[arg-type]
        self.successResultOf(_run(made.activate()))
        self.assertEqual(plane.heard, [made])
        sock = made.sockets["unix:/x", 0] = _Socket()
        self.successResultOf(_run(made.discard()))
        self.assertTrue(sock.closed)
        self.assertEqual(plane.heard, [made, ("unix:/x", 0)])


def _run(work: Any) -> Any:
    from twisted.internet.defer import Deferred

    return Deferred.fromCoroutine(work)
