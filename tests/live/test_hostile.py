"""A running FiberLB among clients and members that do everything wrong."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

from tests.live import malformed_answers, malformed_requests, odd_answers, odd_requests
from tests.live.front import FrontCase
from tests.live.malformed_requests import HIDDEN, Case
from tests.live.origin import Caller, Recorder
from tests.live.strict import Ended, Malformed, Message, Reader, answers
from tests.support.clients import RawClient, Session, request


class _Provoking(FrontCase):
    """Clients that send what no client may."""

    limits = malformed_requests.LIMITS
    timeouts = "{client_header: 2s, client_body_idle: 2s, member_response: 5s}"

    def setUp(self) -> None:
        self.recorder = Recorder()
        self.front(self.recorder)

    def provoke(self, number: int, case: Case, step: int) -> list[str]:
        """Send a correct request, the case and the hidden one; what was not as it should be."""
        before = b"/before-%d-%d" % (number, step)
        data = b"GET %b HTTP/1.1\r\nHost: t.test\r\n\r\n" % before
        data += case.raw + HIDDEN * case.hidden
        with RawClient(self.port) as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for at in range(0, len(data), step):
                    client.send(data[at : at + step])
            except ConnectionError:
                # Refused before its end; the answer is there all the same.
                pass
            received = client.read_all()
        return list(judge(case, before, answers(received)))

    def run_all(self, cases: list[Case], step: int) -> None:
        """Provoke with each, and look at what came through."""
        wrong = []
        with Session(self.port) as other:
            for number, case in enumerate(cases):
                found = self.provoke(number, case, step)
                if other.request("/other").status != 200:
                    found.append("another client was not served")
                wrong += [f"{case.name}: {what}" for what in found]
        self.assertEqual(wrong, [])
        self.assertEqual(self.recorder.faults, [])
        self.assertEqual(self.recorder.of(b"/hidden"), [])
        self.assertEqual([m for m in self.recorder.of(b"/case") if m.whole], [])
        self.assertEqual(request(self.port).status, 200)


class MalformedRequestTests(_Provoking):
    """Whatever a client sends, a member sees correct requests only."""

    def test_in_one_piece(self) -> None:
        """
        Each is refused with its status, after the requests before it have been answered.

        Nothing behind it is taken for a request, and no part of it reaches
        the member but as a request that is broken off.
        """
        self.run_all(list(malformed_requests.CASES), 1 << 20)

    def test_byte_by_byte(self) -> None:
        """It makes no difference where a request is cut into segments."""
        self.run_all([case for case in malformed_requests.CASES if len(case.raw) < 400], 1)


class CrewRequestTests(_Provoking):
    """The same before worker processes."""

    workers = 2

    def test_in_one_piece(self) -> None:
        """It makes no difference which process a client meets."""
        self.run_all(list(malformed_requests.CASES), 1 << 20)


def judge(case: Case, before: bytes, found: list[Message]) -> list[str]:
    """What is wrong with the answers to a provocation."""
    wrong = []
    if not found or found[0].status != 200 or found[0].body != before:
        wrong.append("the request before it was not answered")
    statuses = [message.status for message in found[1:]]
    if statuses != ([] if case.status is None else [case.status]):
        wrong.append(f"answered {statuses} instead of {case.status}")
    if not all(message.whole for message in found):
        wrong.append("an answer is not whole")
    if statuses and found[-1].values(b"connection") != [b"close"]:
        wrong.append("the answer does not say that the connection ends")
    return wrong


class OddRequestTests(FrontCase):
    """What is unusual but right passes, so that refusing everything is no way out."""

    limits = malformed_requests.LIMITS

    def setUp(self) -> None:
        self.recorder = Recorder()
        self.front(self.recorder)

    def sent(self, case: odd_requests.Case, number: int, step: int) -> list[str]:
        """What is wrong with what the member got of a case, and with the answer."""
        before = len(self.recorder.requests)
        with RawClient(self.port) as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(case.raw), step):
                client.send(case.raw[at : at + step])
            client.finish()
            received = client.read_all()
        found = [message.status for message in answers(received)]
        if found != [200]:
            return [f"answered {found}"]
        (message,) = self.recorder.requests[before:]
        wrong = []
        if message.start != case.start or message.body != case.body:
            wrong.append(f"became {message.start!r} {message.body!r}")
        for name, values in case.fields.items():
            if message.values(name) != values:
                wrong.append(f"{name!r} became {message.values(name)}")
        if message.trailers != case.trailers:
            wrong.append(f"trailers became {message.trailers}")
        return wrong

    def run_all(self, step: int) -> None:
        """Send each in pieces of a size."""
        wrong = [
            f"{case.name}: {what}"
            for number, case in enumerate(odd_requests.CASES)
            for what in self.sent(case, number, step)
        ]
        self.assertEqual(wrong, [])
        self.assertEqual(self.recorder.faults, [])

    def test_in_one_piece(self) -> None:
        """Each reaches the member with what it means unchanged."""
        self.run_all(1 << 20)

    def test_byte_by_byte(self) -> None:
        """So it does when it comes in segments of one byte."""
        self.run_all(1)


class _Misbehaving(FrontCase):
    """A member that answers what no member may."""

    limits = "{chunk_extension: 256B}"
    timeouts = "{member_response: 500ms, member_body_idle: 500ms}"

    def setUp(self) -> None:
        self.front(self.misbehave)

    def misbehave(self, caller: Caller) -> None:
        """The member: C{/N} is answered by case number N, anything else correctly."""
        while (message := caller.request()) is not None:
            number = message.target[1:]
            if not number.isdigit():
                caller.reply(message.target)
                continue
            case = malformed_answers.CASES[int(number)]
            try:
                caller.send(case.raw)
            except ConnectionError:
                return
            if case.stays:
                caller.gone()
            return

    def outcome(self, number: int) -> list[str]:
        """What is wrong with what a client gets of a case."""
        case = malformed_answers.CASES[number]
        with RawClient(self.port) as client:
            client.send(b"GET /%d HTTP/1.1\r\nHost: t.test\r\n\r\n" % number)
            if case.status is not None:
                client.send(b"GET /next HTTP/1.1\r\nHost: t.test\r\nConnection: close\r\n\r\n")
            received = client.read_all()
        try:
            found = [message for message in answers(received) if message.status >= 200]
        except (Ended, Malformed) as why:
            return [f"{why!r} in {received[:300]!r}"]
        if b"X-Hidden" in received:
            return ["an answer that nobody asked for"]
        if case.status is None:
            return [] if len(found) == 1 and not found[0].whole else [f"{found}"]
        if found and found[0].status == 200 and not found[0].whole:
            return [] if case.name.startswith("later chunk") else ["begun"]
        if [message.status for message in found] != [case.status, 200]:
            return [f"{found}"]
        return [] if found[1].body == b"/next" else ["the answer after it is not the next one"]

    def check_all(self) -> None:
        """Each case, eight at a time."""
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(self.outcome, range(len(malformed_answers.CASES))))
        wrong = [
            f"{case.name}: {what}"
            for case, found in zip(malformed_answers.CASES, outcomes, strict=True)
            for what in found
        ]
        self.assertEqual(wrong, [])


class MalformedAnswerTests(_Misbehaving):
    """Whatever a member answers, a client sees an error or an answer that is visibly broken."""

    def test_cases(self) -> None:
        """
        Each gets its error, or ends in a way that is seen; none is a clean success.

        The connection goes on after an error of ours, with the answer that belongs to it.
        """
        self.check_all()


class CrewAnswerTests(_Misbehaving):
    """The same before worker processes."""

    workers = 2

    def test_cases(self) -> None:
        """It makes no difference which process reads the answer."""
        self.check_all()


class OddAnswerTests(FrontCase):
    """Answers that are unusual but right, and those that can be put right."""

    timeouts = "{member_response: 2s, member_body_idle: 2s}"

    def setUp(self) -> None:
        self.front(self.answer)

    def answer(self, caller: Caller) -> None:
        """The member: C{/N} is answered by case number N, anything else correctly."""
        while (message := caller.request()) is not None:
            number = message.target[1:]
            if not number.isdigit():
                caller.reply(b"%d" % caller.number)
                continue
            case = odd_answers.CASES[int(number)]
            caller.send(case.raw)
            if case.ends:
                return

    def outcome(self, number: int) -> list[str]:
        """What is wrong with what a client gets of a case."""
        case = odd_answers.CASES[number]
        with RawClient(self.port) as client:
            client.send(case.method + b" /%d HTTP/1.1\r\nHost: t.test\r\n\r\n" % number)
            reader = Reader(client.socket.recv)
            found = reader.answer(case.method)
            while found is not None and found.status < 200:
                found = reader.answer(case.method)
            if found is None or not found.whole:
                return [f"broken: {found}"]
            wrong = []
            if (found.start, found.body) != (case.start, case.body):
                wrong.append(f"became {found.start!r} {found.body[:100]!r}")
            if found.trailers != case.trailers:
                wrong.append(f"trailers became {found.trailers}")
            client.send(b"GET /next HTTP/1.1\r\nHost: t.test\r\nConnection: close\r\n\r\n")
            after = reader.answer()
            if after is None or after.status != 200 or reader.some():
                wrong.append(f"after it: {after}")
            return wrong

    def test_cases(self) -> None:
        """Each reaches the client, and the answer after it is the next one's."""
        wrong = []
        for number, case in enumerate(odd_answers.CASES):
            wrong += [f"{case.name}: {what}" for what in self.outcome(number)]
        self.assertEqual(wrong, [])

    def test_not_used_again(self) -> None:
        """A connection on which more came than was asked for carries no further request."""
        for number, case in enumerate(odd_answers.CASES):
            if case.again:
                continue
            before = self.origin.accepted
            self.outcome(number)
            self.assertGreater(self.origin.accepted, before, case.name)
