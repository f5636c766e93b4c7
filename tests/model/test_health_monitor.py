"""Health monitors."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.health_monitor import HealthMonitor, InitialState, MonitorType
from tests.model.documents import made, problems, short, values


class HealthMonitorTests(SynchronousTestCase):
    """The fields."""

    def test_defaults(self) -> None:
        """Nothing needs to be said."""
        found = made(HealthMonitor)
        self.assertIsNone(found.type)
        self.assertEqual((found.interval, found.timeout, found.rise, found.fall), (2.0, 1.0, 2, 3))
        self.assertEqual(found.expected_codes, ((200, 299),))

    def test_short(self) -> None:
        """The type alone."""
        self.assertIs(short(HealthMonitor, "tcp").type, MonitorType.TCP)

    def test_fields(self) -> None:
        """All of them."""
        found = made(
            HealthMonitor,
            type="HTTP",
            method="head",
            url_path="/health?x=1",
            expected_codes="200,204",
            host_header="a.example:8080",
            headers={"X-A": "b"},
            port=9100,
            interval="5s",
            timeout="5s",
            initial_state="UP",
        )
        self.assertEqual((found.method, found.expected_codes), ("HEAD", ((200, 200), (204, 204))))
        self.assertEqual((found.headers, found.initial_state), ((("X-A", "b"),), InitialState.UP))

    def test_refused(self) -> None:
        """Nothing that would break a request of its own gets in."""
        for key, bad in (
            ("url_path", "health"),
            ("url_path", "/a b"),
            ("url_path", "/ü"),
            ("url_path", ""),
            ("host_header", "a b"),
            ("host_header", "a\r\nb"),
            ("method", "GE T"),
            ("method", ""),
            ("headers", {"A:": "b"}),
            ("headers", {"A": "b\r\nc"}),
            ("port", 0),
            ("rise", 0),
            ("fall", 101),
            ("interval", "0s"),
            ("timeout", 1),
            ("expected_codes", "2xx"),
        ):
            (found,) = problems(HealthMonitor, {key: bad})
            self.assertTrue(found.startswith(key), found)

    def test_timeout(self) -> None:
        """A check ends before the next one begins."""
        self.assertEqual(
            problems(HealthMonitor, {"timeout": "3s"}),
            ["timeout: must not be longer than the interval"],
        )

    def test_timeout_of_nobody(self) -> None:
        """Quick checks have a timeout that fits; a default in the way is told as one."""
        for given, timeout in (
            ({"interval": "500ms"}, 0.5),
            ({"interval": "5s"}, 1.0),
            ({"interval": "500ms", "timeout": "200ms"}, 0.2),
        ):
            self.assertEqual(made(HealthMonitor, **given).timeout, timeout)
        hint = "; its default is 1s, so give timeout: 500ms too"
        for given, told in (
            (
                {"interval": "500ms", "timeout": "1s"},
                f"timeout: must not be longer than the interval{hint}",
            ),
            (
                {"interval_down": "500ms"},
                f"interval_down: must not be shorter than the timeout{hint}",
            ),
        ):
            self.assertEqual(problems(HealthMonitor, given), [told])
        (told,) = problems(HealthMonitor, {"interval": "0.5"})
        self.assertTrue(told.startswith("interval: must be a duration"), told)

    def test_answers(self) -> None:
        """What is looked for must be able to come; each refusal names its field."""
        for given, field in (
            ({"type": "tcp", "body_contains": "ok"}, "body_contains"),
            ({"method": "HEAD", "body_contains": "ok"}, "body_contains"),
            ({"service": "shop"}, "service"),
            ({"type": "http", "service": "shop"}, "service"),
            ({"interval_down": "500ms"}, "interval_down"),
        ):
            (found,) = problems(HealthMonitor, given)
            self.assertTrue(found.startswith(field), found)
        for given in (
            {"type": "grpc", "service": "shop"},
            {"type": "UDP-CONNECT"},
            {"type": "PING", "interval_down": "30s"},
            {"type": "https", "body_contains": "a\nb"},
        ):
            made(HealthMonitor, **given)

    def test_words(self) -> None:
        """Neither a number nor a list is a monitor."""
        for value in values(5, [], None, True):
            self.assertEqual(problems(HealthMonitor, value), ["must be a mapping"])
