"""
Keeping responses: responders are asked in time, what they say goes into force, failures wait.

Every node asks for itself: a question costs next to nothing, and each node judges the answer
with its own clock.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger

from fiberlb.model import ocsp as words
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.ocsp import Staple
from fiberlb.ocsp.asking import Ask, Unanswered, asker
from fiberlb.ocsp.book import Read, Record, Staples, material_of
from fiberlb.ocsp.shelf import Shelf
from fiberlb.tls.material import Material
from fiberlb.tls.ocsp import Unfit, fingerprint, issuer, judged, request, responder, untimely

_log = Logger()
#: Seconds between a change of the configuration and the look at it, so that it is in force.
SETTLING = 1.0
#: Seconds between two looks at the most: clocks are set, machines sleep.
LONGEST_SLEEP = 3600.0
#: Questions at the same time.
MOST_QUESTIONS = 4
#: Seconds between two questions about a certificate, when all goes well.
SHORTEST, LONGEST = 10.0, 12 * 3600.0
#: Seconds after the first failure, and at the most.
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
#: Seconds that answers wait for others before they are put in force together.
GATHERING = 0.5


class Control(Protocol):
    """What is asked of the control service."""

    @property
    def configuration(self) -> Configuration:
        """In force."""

    @property
    def certificates(self) -> Any:
        """L{fiberlb.control.certificates.CertificateFacts} by shape."""

    def observe(self, changed: Callable[[], None]) -> None:
        """Call this whenever another configuration is in force."""

    def refresh_material(self) -> Deferred[None]:
        """Put in force again, with what has been answered meanwhile."""


@attrs.frozen(kw_only=True)
class Surroundings:
    """
    What the service is given.

    @ivar reactor: keeps the time.
    @ivar wall: seconds since the epoch.
    @ivar random: numbers from 0 to 1.
    @ivar ask: asks a responder.
    """

    reactor: Any
    wall: Callable[[], float]
    random: Callable[[], float]
    ask: Ask


@attrs.frozen
class _Asked:
    """A certificate whose responder is asked."""

    name: str
    material: Material


class StapleKeeping:
    """
    The service.

    @param book: what is known; dresses configurations.
    """

    def __init__(self, around: Surroundings, book: Staples, shelf: Shelf) -> None:
        self._around = around
        self._book = book
        self._shelf = shelf
        self._control: Control | None = None
        self._running: dict[str, Deferred[None]] = {}
        self._stored: dict[str, bytes] = {}
        self._said: dict[str, str] = {}
        self._timer: Any = None
        self._gathering: Any = None

    def load(self) -> None:
        """Take up what was kept, before the first configuration is put in force."""
        self._book.stored = self._shelf.load()

    def begin(self, control: Control) -> None:
        """A configuration serves: look after its responses from now on."""
        self._control = control
        for known_as in self._book.stored.keys() - self._wanted().keys():
            self._shelf.forget(known_as)
        control.observe(lambda: self._later(SETTLING))
        self._look()

    async def stop(self) -> None:
        """Ask no more."""
        self._control = None
        for timer in (self._timer, self._gathering):
            if timer is not None and timer.active():
                timer.cancel()
        running = list(self._running.values())
        for each in running:
            each.cancel()
        await DeferredList(running, consumeErrors=True)

    # When.

    def _later(self, delay: float) -> None:
        reactor, timer = self._around.reactor, self._timer
        if timer is not None and timer.active():
            if timer.getTime() <= reactor.seconds() + delay:
                return  # changes that follow each other closely do not put it off
            timer.cancel()
        if self._control is not None:
            self._timer = reactor.callLater(delay, self._look)

    def _wanted(self) -> dict[str, _Asked]:
        """The certificates whose responders are asked, by fingerprint."""
        found: dict[str, _Asked] = {}
        for made, read in self._certificates():
            material = material_of(made, read) if made.ocsp == words.AUTO else None
            if material is not None:
                found[fingerprint(material.leaf)] = _Asked(made.name or made.id, material)
        return found

    def _certificates(self) -> Iterator[tuple[Certificate, Read]]:
        control = self._control
        if control is not None:
            for made in control.configuration.all(Certificate).values():
                if made.enabled and made.ocsp != words.NONE:
                    yield made, control.certificates.read

    def _look(self) -> None:
        """Who is due is asked; nobody is: sleep until somebody will be."""
        now = self._around.wall()
        wanted = self._wanted()
        for known_as in self._book.records.keys() - wanted.keys():
            del self._book.records[known_as]
            self._shelf.forget(known_as)
        for known_as in self._running.keys() - wanted.keys():
            self._running[known_as].cancel()
        soonest = now + LONGEST_SLEEP
        for known_as, asked in wanted.items():
            soonest = min(soonest, self._due(known_as, asked, now))
        self._tell()
        self._later(max(soonest - now, 0.05))

    def _due(self, known_as: str, asked: _Asked, now: float) -> float:
        """Ask, if it is time; when to look again otherwise."""
        later = now + LONGEST_SLEEP
        if known_as in self._running:
            return later
        record = self._book.record(asked.material)
        if not record.next_try and record.staple is not None and record.staple.good(now):
            record = attrs.evolve(record, next_try=self._next(record.staple, now))
            self._book.records[known_as] = record
        if record.next_try > now:
            ends = record.staple.until if record.staple is not None else later
            return min(record.next_try, ends if ends > now else later)
        leaf, signer = asked.material.leaf, issuer(asked.material)
        url = responder(leaf)
        if not url or signer is None:
            missing = "comes without its issuer's" if url else "names no responder by http"
            said = f"the certificate {missing}"
            self._book.records[known_as] = Record(last_error=said, next_try=later)
        elif len(self._running) < MOST_QUESTIONS:
            work = self._run(known_as, asked, url, request(leaf, signer))
            self._running[known_as] = done = Deferred.fromCoroutine(work)
            done.addErrback(lambda why: why.trap(CancelledError))
            done.addErrback(lambda why: _log.failure("a responder was not asked", failure=why))
            done.addBoth(lambda _: self._ended(known_as))
            return later if known_as in self._running else now
        return later

    def _ended(self, known_as: str) -> None:
        self._running.pop(known_as, None)
        self._later(0.0)

    # A question.

    async def _run(self, known_as: str, asked: _Asked, url: str, question: bytes) -> None:
        before = self._book.record(asked.material)
        try:
            found = judged(await self._around.ask(url, question), asked.material)
            late = untimely(found, self._around.wall())
            if late:
                raise Unfit(late)
        except Unanswered as why:
            record = self._failed(before, f"{_host(url)} {why}")
        except Unfit as why:
            record = self._failed(before, f"what {_host(url)} says {why}", why.revoked)
        except CancelledError:
            raise
        except Exception as why:
            _log.failure("a responder was not asked")
            record = self._failed(before, f"internal: {type(why).__name__}")
        else:
            record = self._answered(before, found)
        if known_as not in self._wanted():
            return
        self._book.records[known_as] = record
        if record.staple != before.staple:
            self._renewed(known_as, record.staple)

    def _answered(self, before: Record, found: Staple) -> Record:
        """Good; unless it is older than what is shown, which somebody may play back to us."""
        if before.staple is not None and found.since <= before.staple.since:
            found = before.staple
        return Record(staple=found, next_try=self._next(found, self._around.wall()))

    def _next(self, staple: Staple, now: float) -> float:
        """When to ask again: half of the time that is left, not all nodes at once."""
        half = (staple.until - now) * (0.45 + self._around.random() / 10)
        return now + min(max(half, SHORTEST), LONGEST)

    def _failed(self, before: Record, why: str, revoked: bool = False) -> Record:
        """
        Nothing that could be shown: what there is goes on to be, until its end.

        But not over the authority's word that the certificate is revoked.
        """
        now, failures = self._around.wall(), before.failures + 1
        pause = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE)
        staple = None if revoked else before.staple
        if revoked:
            pause = LONGEST_PAUSE
        elif staple is not None and staple.good(now):
            pause = min(pause, max((staple.until - now) / 2, SHORTEST))
        return Record(
            staple=staple,
            revoked=revoked or (before.revoked and staple is None),
            failures=failures,
            last_error=why,
            next_try=now + pause * (0.75 + self._around.random() / 2),
        )

    def _renewed(self, known_as: str, staple: Staple | None) -> None:
        """Keep it, and have it in force with whatever else comes in a moment."""
        if staple is None:
            self._shelf.forget(known_as)
        else:
            self._shelf.save(known_as, staple.response)
        if self._gathering is None or not self._gathering.active():
            self._gathering = self._around.reactor.callLater(GATHERING, self._enforce)

    def _enforce(self) -> None:
        if self._control is not None:
            done = self._control.refresh_material()
            done.addErrback(lambda why: _log.failure("responses are not in force", failure=why))

    def _tell(self) -> None:
        """Say once what is wrong, and that it is so no more."""
        now = self._around.wall()
        said = {}
        for made, read in self._certificates():
            problem = self._book.problem(made, read, now)
            if problem:
                said[made.id] = problem
                if self._said.get(made.id) != problem:
                    _log.error("{problem}", problem=problem[0].upper() + problem[1:])
            elif made.id in self._said:
                _log.info("The OCSP response of certificate {name} is fine", name=made.name)
        self._said = said


def _host(url: str) -> str:
    return "".join(c for c in url.split("/")[2] if c.isprintable())[:200]


def keep_stapled(world: Any, directory: str | None, book: Staples) -> StapleKeeping:
    """
    The service of a node, with what an earlier process has kept.

    @param world: L{fiberlb.node.World} by shape.
    @param directory: of the state; responses are kept below it. C{None}: nowhere.
    """
    ask = asker(world.reactor)
    around = Surroundings(reactor=world.reactor, wall=world.wall, random=world.random, ask=ask)
    shelf = Shelf(None if directory is None else os.path.join(directory, "ocsp"))
    made = StapleKeeping(around, book, shelf)
    made.load()
    return made
