"""How often somebody may come, as it is configured."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.hash_on import HashOn
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Pool
from fiberlb.model.rate_limit import ADDRESS, Rate, RateKey, RateLimit, RateText
from tests.model.documents import loaded, made, problems, refused


class RateLimitTests(SynchronousTestCase):
    """The key, the rate, and the burst."""

    def test_defaults(self) -> None:
        """Only the rate has to be said."""
        found = made(RateLimit, rate="100/s")
        self.assertEqual((found.key, found.rate, found.at_once), (ADDRESS, Rate(100), 100))
        self.assertEqual(problems(RateLimit, {}), ["rate: is needed"])
        self.assertEqual(made(RateLimit, rate="1/s", burst=20).at_once, 20)

    def test_rates(self) -> None:
        """So many in a unit."""
        for text, interval in (("100/s", 0.01), ("30/m", 2.0), ("1000/h", 3.6), ("1/d", 86400.0)):
            self.assertEqual(loaded(RateText(), text).interval, interval)
            self.assertEqual(RateText().dump(loaded(RateText(), text)), text)
        self.assertIsNone(loaded(RateText(), "none"))
        self.assertEqual((RateText().dump(None), made(RateLimit, rate="none").at_once), ("none", 0))
        for wrong in ("0/s", "1000001/s", "1", 1, "1/w", "1.5/s", "-1/s", None):
            self.assertTrue(refused(RateText(), wrong))

    def test_keys(self) -> None:
        """Four kinds; what is misspelled is guessed."""
        for text, key in (
            ("client_address", ADDRESS),
            ("header X-Key", HashOn("header", "X-Key")),
            ("cookie sid", HashOn("cookie", "sid")),
            ("path", HashOn("path")),
        ):
            self.assertEqual(loaded(RateKey(), text), key)
            self.assertEqual(RateKey().dump(key), text)
        for wrong in ("query x", "header", "", 5, "header a b"):
            self.assertTrue(refused(RateKey(), wrong))
        (found,) = problems(RateLimit, {"rate": "1/s", "key": "client_adress"})
        self.assertIn("(did you mean 'client_address'?)", found)

    def test_connections(self) -> None:
        """Where nothing is read connections are counted, by address; flows are not."""
        limit = {"rate": "5/s"}
        tcp = {"name": "a", "port": 80, "protocol": "tcp"}
        self.assertIsNotNone(made(Listener, **tcp, rate_limit=limit).rate_limit)
        by_path = {**limit, "key": "path"}
        (found,) = problems(Listener, {**tcp, "rate_limit": by_path})
        self.assertIn("rate_limit.key: reads HTTP requests", found)
        (found,) = problems(Pool, {"name": "a", "protocol": "tcp", "rate_limit": by_path})
        self.assertIn("connections are counted by client_address", found)
        for cls, given in ((Listener, {**tcp, "protocol": "udp"}), (Pool, {"protocol": "udp"})):
            several = problems(cls, {"name": "a", **given, "rate_limit": limit})
            self.assertEqual(several, ["rate_limit: does not go with udp"])
