"""Tests of fiberlb.ocsp.keeping, the responder in memory and the time moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.certificates import CertificateFacts
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.ocsp import AUTO, armoured
from fiberlb.ocsp.asking import Unanswered
from fiberlb.ocsp.book import Staples
from fiberlb.ocsp.keeping import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MOST_QUESTIONS,
    StapleKeeping,
    Surroundings,
    keep_stapled,
)
from fiberlb.ocsp.shelf import Shelf
from fiberlb.tls.ocsp import fingerprint
from tests.support.certificates import Leaf, leaf
from tests.support.ocsp import NOW, REVOKED, Word, watched

URL = "http://ocsp.test/"
AT = NOW.timestamp()
ONE, OTHER = watched("a.test", URL), watched("b.test", URL)
DAY = 86400.0


class StageControl:
    """The control service's part: the configuration, and what is in force of it."""

    def __init__(self, book: Staples) -> None:
        self.configuration = Configuration()
        self.certificates = CertificateFacts()
        self.refreshed = 0
        self._book = book
        self._observers: list[Callable[[], None]] = []

    def observe(self, changed: Callable[[], None]) -> None:
        """Remember who wants to know."""
        self._observers.append(changed)

    def refresh_material(self) -> Deferred[None]:
        """Count it."""
        self.refreshed += 1
        return succeed(None)

    def stapled(self) -> list[bytes | None]:
        """What each certificate would be shown with."""
        done = self._book.dressed(self.configuration, self.certificates.read)
        several = done.all(Certificate).values()
        return [made.staple.response if made.staple else None for made in several]

    def configure(self, *several: Certificate) -> None:
        """Have another configuration."""
        objects = {"certificates": {made.id: made for made in several}}
        self.configuration = Configuration(objects=objects)
        for changed in self._observers:
            changed()


def asked(one: Leaf, how: str = AUTO) -> Certificate:
    """A certificate whose responder is asked."""
    return attrs.evolve(one.model(name=one.model().id), ocsp=how)


class KeepingCase(SynchronousTestCase):
    """A service, and a responder that says what a test wants."""

    def setUp(self) -> None:
        """Nothing is configured, and every word is good."""
        self.clock = Clock()
        self.directory = self.mktemp()
        self.answer: Callable[[], Any] = lambda: Word(since=self.clock.seconds() - 60).about(ONE)
        self.questions: list[str] = []
        self.begin()

    def begin(self) -> None:
        """Another process."""
        self.book = Staples()
        around = Surroundings(
            reactor=self.clock,
            wall=lambda: AT + self.clock.seconds(),
            random=lambda: 0.5,
            ask=self.ask,
        )
        self.control = StageControl(self.book)
        self.keeping = StapleKeeping(around, self.book, Shelf(self.directory))
        self.keeping.load()

    async def ask(self, url: str, question: bytes) -> bytes:
        """What the responder says."""
        self.questions.append(url)
        found = self.answer()
        return await found if isinstance(found, Deferred) else found

    def serve(self, *several: Certificate) -> None:
        """Begin with a configuration."""
        self.control.configure(*several)
        self.keeping.begin(self.control)
        keeping = self.keeping
        self.addCleanup(lambda: self.end(keeping))

    def end(self, keeping: StapleKeeping) -> None:
        """Stop; nothing is left."""
        self.successResultOf(Deferred.fromCoroutine(keeping.stop()))

    def kept(self) -> list[str]:
        """Whose responses are in the state directory."""
        path = Path(self.directory)
        return sorted(each.stem for each in path.iterdir()) if path.exists() else []

    def unanswered(self) -> bytes:
        """The responder is down."""
        raise Unanswered("is down")


class KeepingTests(KeepingCase):
    """When who is asked, and what comes of it."""

    def test_answered(self) -> None:
        """Asked at once, in force, kept; then again when half of its time is over."""
        self.serve(asked(ONE))
        self.clock.advance(1)
        self.assertEqual(self.questions, [URL])
        self.assertEqual(self.control.refreshed, 1)
        (first,) = self.control.stapled()
        assert first is not None
        self.assertEqual(self.kept(), [fingerprint(ONE.certificate)])
        self.clock.pump([3600] * 11)
        self.assertEqual(len(self.questions), 1)
        self.clock.pump([3600] * 2)
        self.assertEqual(len(self.questions), 2)
        self.assertEqual(self.control.refreshed, 2)
        self.assertNotEqual(self.control.stapled(), [first])

    def test_busy(self) -> None:
        """Changes without a pause do not put it off."""
        self.serve()
        for _ in range(8):
            self.control.configure(asked(ONE))
            self.clock.advance(0.5)
        self.assertEqual(len(self.questions), 1)

    def test_nobody(self) -> None:
        """Where nothing asks for it, nobody is asked."""
        self.serve(ONE.model(), asked(OTHER, armoured(Word().about(OTHER))))
        self.clock.pump([3600] * 30)
        self.assertEqual((self.questions, self.control.refreshed), ([], 0))

    def test_failures(self) -> None:
        """The pauses grow to an hour; what there is is shown to its end, and not beyond."""
        self.serve(asked(ONE))
        self.clock.advance(1)
        (first,) = self.control.stapled()
        self.answer = self.unanswered
        with capturedLogs() as caught:
            self.clock.pump([600] * 6 * 30)
        self.assertLess(len(self.questions), 40)
        said = [event["problem"] for event in caught if "problem" in event]
        self.assertIn("is not renewed, and shown until", said[0])
        self.assertIn("ocsp.test is down", said[0])
        self.assertIn("is shown without an OCSP response", said[1])
        self.assertEqual(len(said), 2)
        (left,) = self.control.stapled()
        self.assertEqual(left, first)
        made = asked(ONE)
        state = self.book.state(made, self.control.certificates.read, AT + self.clock.seconds())
        self.assertEqual(state["status"], "failed")
        self.answer = lambda: Word(since=self.clock.seconds(), until=10 * DAY).about(ONE)
        with capturedLogs() as caught:
            self.clock.pump([600] * 12)
        self.assertNotEqual(self.control.stapled(), [first])
        self.assertIn("is fine", caught[0]["log_format"])

    def test_first_failures(self) -> None:
        """A minute, two, four, ... an hour."""
        self.answer = self.unanswered
        self.serve(asked(ONE))
        self.clock.advance(1)
        for pause in (FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE):
            count = len(self.questions)
            self.clock.advance(pause - 3)
            self.assertEqual(len(self.questions), count)
            self.clock.advance(3)
            self.assertEqual(len(self.questions), count + 1)
        self.clock.pump([60] * 60 * 5)
        count = len(self.questions)
        self.clock.pump([60] * 60)
        self.assertLessEqual(len(self.questions) - count, 1 + 60 * 60 // LONGEST_PAUSE)

    def test_unfit(self) -> None:
        """What does not fit is never shown: of others, too old, garbage."""
        self.serve(asked(ONE))
        self.clock.advance(1)
        shown = self.control.stapled()
        for answer in (
            Word(since=100000).about(OTHER),
            Word(since=-7200, until=-3600).about(ONE),
            Word(since=10 * DAY, until=20 * DAY).about(ONE),
            b"garbage",
            b"",
        ):
            self.answer = lambda answer=answer: answer  # type: ignore[misc]
            count = len(self.questions)
            self.clock.pump([600] * 6 * 13)
            self.assertGreater(len(self.questions), count)
            self.assertEqual(self.control.stapled(), shown)
        self.assertEqual(self.control.refreshed, 1)

    def test_revoked(self) -> None:
        """The authority's word counts at once, over a good one; it may take it back."""
        self.serve(asked(ONE))
        self.clock.advance(1)
        self.answer = lambda: Word(status=REVOKED).about(ONE)
        with capturedLogs() as caught:
            self.clock.pump([3600] * 13)
        self.assertEqual(self.control.stapled(), [None])
        self.assertEqual(self.kept(), [])
        self.assertIn("is revoked", caught[0]["problem"])
        self.answer = self.unanswered
        self.clock.pump([3600] * 2)
        state = self.book.state(asked(ONE), self.control.certificates.read, AT)
        self.assertEqual(state["status"], "revoked")
        self.answer = lambda: Word(since=self.clock.seconds(), until=5 * DAY).about(ONE)
        self.clock.pump([3600] * 3)
        self.assertNotEqual(self.control.stapled(), [None])

    def test_played_back(self) -> None:
        """An older word does not take the place of a newer one."""
        newer, older = Word(since=-60).about(ONE), Word(since=-7200, until=2 * DAY).about(ONE)
        self.answer = lambda: newer
        self.serve(asked(ONE))
        self.clock.advance(1)
        self.answer = lambda: older
        self.clock.pump([3600] * 20)
        self.assertGreater(len(self.questions), 1)
        self.assertEqual(self.control.stapled(), [newer])

    def test_restart(self) -> None:
        """What was kept is in force from the beginning, and nobody is asked before it is time."""
        self.serve(asked(ONE))
        self.clock.advance(1)
        shown = self.control.stapled()
        self.end(self.keeping)
        self.begin()
        self.control.configure(asked(ONE))
        self.assertEqual(self.control.stapled(), shown)
        self.serve(asked(ONE))
        self.clock.advance(3600)
        self.assertEqual(len(self.questions), 1)
        self.clock.pump([3600] * 13)
        self.assertEqual(len(self.questions), 2)

    def test_renewed_certificate(self) -> None:
        """Another certificate of the same name is asked about anew; the old word is forgotten."""
        self.serve(asked(ONE))
        self.clock.advance(1)
        renewed = watched("a.test", URL, serial=2)
        self.answer = lambda: Word().about(renewed)
        self.control.configure(asked(renewed))
        self.assertEqual(self.control.stapled(), [None])
        self.clock.pump([1, 1])
        staple = self.book.record(self.read(renewed)).staple
        assert staple is not None
        self.assertEqual(self.control.stapled(), [staple.response])
        self.assertEqual(self.kept(), [fingerprint(renewed.certificate)])

    def read(self, one: Leaf) -> Any:
        """What a certificate is made of."""
        return self.control.certificates.read(one.model())

    def test_kept_for_nobody(self) -> None:
        """Responses of certificates that are gone go at the next start."""
        Shelf(self.directory).save("f" * 64, b"x")
        self.begin()
        self.serve(asked(ONE))
        self.clock.advance(1)
        self.assertEqual(self.kept(), [fingerprint(ONE.certificate)])

    def test_nobody_to_ask(self) -> None:
        """Certificates that name no responder, or come without their issuer's."""
        bare, alone = leaf("c.test"), watched("d.test", URL, issuers=())
        with capturedLogs() as caught:
            self.serve(asked(bare), asked(alone))
        self.clock.pump([3600] * 3)
        self.assertEqual(self.questions, [])
        said = [event["problem"] for event in caught]
        self.assertIn("the certificate names no responder", said[0])
        self.assertIn("the certificate comes without its issuer's", said[1])

    def test_some_at_a_time(self) -> None:
        """No more than a few questions at once; what is no longer wanted is not waited for."""
        several = [watched(f"{number}.test", URL) for number in range(MOST_QUESTIONS + 3)]
        waiting: list[Deferred[bytes]] = []

        def answer() -> Deferred[bytes]:
            waiting.append(Deferred())
            return waiting[-1]

        self.answer = answer
        self.serve(*map(asked, several))
        self.clock.advance(1)
        self.assertEqual(len(waiting), MOST_QUESTIONS)
        waiting[0].callback(b"garbage")
        self.clock.advance(1)
        self.assertEqual(len(waiting), MOST_QUESTIONS + 1)
        self.control.configure()
        self.clock.pump([1, 1])
        self.assertTrue(all(each.called for each in waiting))
        self.assertEqual((self.control.refreshed, self.book.records), (0, {}))

    def test_fault(self) -> None:
        """A fault of ours counts as a failure, and is logged."""
        self.answer = lambda: 1 // 0
        self.serve(asked(ONE))
        self.clock.pump([60] * 3)
        self.assertGreaterEqual(len(self.questions), 2)
        self.assertTrue(self.flushLoggedErrors(ZeroDivisionError))

    def test_of_a_node(self) -> None:
        """What a node has keeps its responses below the state directory."""
        made = keep_stapled(_World(self.clock), self.mktemp(), Staples())
        self.end(made)
        self.end(keep_stapled(_World(self.clock), None, Staples()))


@attrs.frozen
class _World:
    """What a node is given, as far as it is needed here."""

    reactor: Any
    wall: Callable[[], float] = lambda: AT
    random: Callable[[], float] = lambda: 0.5
