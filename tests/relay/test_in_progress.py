"""What is known of a request in progress."""

from __future__ import annotations

from fiberlb.relay.in_progress import InProgress
from tests.support.relay_world import RelayTestCase


class InProgressTests(RelayTestCase):
    """One object, request after request."""

    def made(self) -> InProgress:
        """Before its first request."""
        return InProgress(self.world().plane._cells["web"], "192.0.2.1", 4711)

    def test_cleared(self) -> None:
        """Nothing of a request is left for the next one; who the client is stays."""
        state = self.made()
        fresh = {name: getattr(state, name) for name in ("tried", "failures", "tries", "status")}
        state.busy = state.head_sent = True
        state.tried, state.failures, state.tries, state.status = ("a",), (1,), 3, 502
        state.raw = state.out = b"GET / HTTP/1.1"
        state.held, state.held_octets = [b"abc"], 3
        state.member_name, state.request_id, state.detail = "m", "1", "why"
        state.clear()
        self.assertEqual({name: getattr(state, name) for name in fresh}, fresh)
        self.assertEqual((state.busy, state.head_sent, state.held), (False, False, None))
        self.assertEqual((state.block(), state.out, state.held_octets), (b"", b"", 0))
        self.assertEqual((state.member_name, state.request_id, state.detail), ("", "", ""))
        self.assertEqual((state.peer, state.client, state.peer_port), ("192.0.2.1",) * 2 + (4711,))

    def test_uploading(self) -> None:
        """While more of the body is to come, unless the client waits for an answer of 100."""
        state = self.made()
        self.assertFalse(state.uploading)
        state.left = 3
        self.assertTrue(state.uploading)
        state.expecting = True
        self.assertFalse(state.uploading)
