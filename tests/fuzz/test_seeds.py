"""The properties hold for what is known; whether they hold for the rest, fuzzing searches."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz.failure import Broken, hold, pieces, places
from tests.fuzz.seeds import SEEDS, found
from tests.fuzz.targets import TARGETS


class SeedTests(SynchronousTestCase):
    """Every seed of every target."""

    def run_target(self, target: str) -> None:
        """The property on each seed."""
        check = TARGETS[target]()
        seeds = SEEDS[target]()
        self.assertGreater(len(seeds), 5)
        for seed in seeds:
            try:
                check(seed)
            except Broken as why:
                self.fail(f"{seed!r}: {why}")

    def test_request_heads(self) -> None:
        """Heads of requests."""
        self.run_target("request_head")

    def test_response_heads(self) -> None:
        """Heads of answers."""
        self.run_target("response_head")

    def test_chunks(self) -> None:
        """Chunked bodies."""
        self.run_target("chunked")

    def test_requests(self) -> None:
        """Clients, through the relay."""
        self.run_target("requests")

    def test_answers(self) -> None:
        """Members, through the relay."""
        self.run_target("answers")

    def test_courses(self) -> None:
        """Events in any order, through the relay."""
        self.run_target("courses")

    def test_files(self) -> None:
        """Configuration files."""
        self.run_target("file")

    def test_found(self) -> None:
        """The folders of inputs that broke something belong to targets."""
        self.assertEqual(set(TARGETS), set(SEEDS))
        self.assertTrue(any(found(target) for target in TARGETS))


class FailureTests(SynchronousTestCase):
    """How inputs are cut, and how a property tells."""

    def test_pieces(self) -> None:
        """The pieces are the input, and the same each time."""
        for data in (b"", b"a", b"abc", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 40):
            cuts = places(data)
            self.assertEqual(cuts, places(data))
            self.assertEqual(b"".join(pieces(data, cuts)), data)
            self.assertEqual(len(pieces(data, cuts)), len(cuts) + 1 if data else 0)

    def test_hold(self) -> None:
        """What does not hold is told with what there is to say."""
        hold(True, "nothing")
        self.assertIn("b'x'", str(self.assertRaises(Broken, hold, 0, b"x")))
