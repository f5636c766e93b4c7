"""Timeouts and limits."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.bounds import POLICY_TIMEOUTS, POOL_TIMEOUTS, Limits, Timeouts
from fiberlb.model.convert import kinds
from tests.model.documents import made, problems


class TimeoutsTests(SynchronousTestCase):
    """Time spans."""

    def test_round_trip(self) -> None:
        """Defaults and ends are written out and read as they were."""
        made(Timeouts)
        self.assertIsNone(made(Timeouts, tunnel="none").tunnel)

    def test_levels(self) -> None:
        """What pools and policies may override are timeouts; a policy's are a pool's too."""
        self.assertLess(set(POOL_TIMEOUTS), set(kinds(Timeouts)))
        self.assertLess(set(POLICY_TIMEOUTS), set(POOL_TIMEOUTS))

    def test_order(self) -> None:
        """An idle connection to a member is given up before common servers close it."""
        found = Timeouts()
        assert found.member_keep_alive is not None
        self.assertLess(found.member_keep_alive, 5.0)

    def test_refused(self) -> None:
        """Numbers alone, nothing at all; flows always end some time."""
        self.assertIn("must be a duration", problems(Timeouts, {"tunnel": 5})[0])
        self.assertEqual(problems(Timeouts, {"tunnel": "0s"}), ["tunnel: must be more than zero"])
        self.assertIn("must be a duration", problems(Timeouts, {"udp_idle": "none"})[0])


class LimitsTests(SynchronousTestCase):
    """Sizes and counts."""

    def test_round_trip(self) -> None:
        """Defaults and bounds are written out and read as they were."""
        self.assertEqual(made(Limits), Limits())
        found = made(Limits, uri="64B", head="1MiB", header_count=1, body="10MiB", trailers="0B")
        self.assertEqual((found.uri, found.head, found.body), (64, 1048576, 10485760))
        self.assertIsNone(made(Limits, body="none").body)

    def test_refused(self) -> None:
        """Less than a request needs, and an end where there has to be one."""
        for key, bad, message in (
            ("uri", "63B", "must be at least 64B"),
            ("head", "255B", "must be at least 256B"),
            ("header", "none", "must be a size such as"),
            ("header_count", 0, "must be from 1 to 10000"),
            ("body", 5, "must be a size such as"),
        ):
            (found,) = problems(Limits, {key: bad})
            self.assertTrue(found.startswith(f"{key}: {message}"), found)
