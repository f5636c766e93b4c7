"""The programs that other live tests lean on do what those tests take for granted."""

from __future__ import annotations

import signal
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.support.clients import Session, exchange, request
from tests.support.haproxy import HAProxy
from tests.support.members import Member
from tests.support.programs import NotStarted, Program, accepts, temporary_directory


class MemberTests(SynchronousTestCase):
    """nginx as a member."""

    def setUp(self) -> None:
        self.member = Member("one")
        self.addCleanup(self.member.stop)
        self.member.start()

    def test_name(self) -> None:
        """It says which member it is, in the body and in a header."""
        answer = request(self.member.port, "/anything")
        self.assertEqual((answer.status, answer.text), (200, "member one\n"))
        self.assertEqual(answer.headers["x-member"], "one")

    def test_echo(self) -> None:
        """It shows a request's head with its case and order, and on another path its body."""
        head = b"GET /echo HTTP/1.1\r\nhost: a\r\nX-oDD: b\r\nConnection: close\r\n\r\n"
        self.assertIn(head, exchange(self.member.port, head))
        answer = request(self.member.port, "/body", method="POST", body=b"0\r\n\r\n\0")
        self.assertEqual(answer.body, b"0\r\n\r\n\0")

    def test_connections(self) -> None:
        """Its answers tell whether two requests came on one connection."""
        with Session(self.member.port) as session:
            first, second = session.request(), session.request()
        other = request(self.member.port)
        self.assertEqual(first.headers["x-connection"], second.headers["x-connection"])
        self.assertNotEqual(first.headers["x-connection"], other.headers["x-connection"])

    def test_log(self) -> None:
        """Its log can be waited for and read."""
        request(self.member.port, "/status/503", method="DELETE")
        self.member.wait_for_request("/status/503")
        (logged,) = self.member.requests()[-1:]
        self.assertEqual((logged.status, logged.method), (503, "DELETE"))

    def test_comes_back(self) -> None:
        """It can be killed, refuses connections then, and comes back on its port."""
        self.member.kill()
        self.assertFalse(accepts(self.member.port))
        self.member.start()
        self.assertEqual(request(self.member.port).status, 200)


class HAProxyTests(SynchronousTestCase):
    """HAProxy in front of a member."""

    def test_passes(self) -> None:
        """It passes a request on to the member behind it."""
        member = Member("one")
        self.addCleanup(member.stop)
        proxy = HAProxy([member.start().address])
        self.addCleanup(proxy.stop)
        self.assertEqual(request(proxy.start().port).text, "member one\n")


class ProgramTests(SynchronousTestCase):
    """Starting, waiting and ending."""

    def start(self, code: str) -> Program:
        """A Python process."""
        program = Program([sys.executable, "-uc", code], cwd=temporary_directory())
        self.addCleanup(program.stop)
        return program

    def test_line(self) -> None:
        """A line can be waited for; the process is ended by a signal to its pid."""
        program = self.start("print('ready'); import signal; signal.pause()")
        self.assertEqual(program.wait_for_line("^rea"), "ready")
        self.assertEqual(program.stop(), -signal.SIGTERM)

    def test_early_end(self) -> None:
        """A process that ends without the line is an error that shows what it said, at once."""
        program = self.start("print('no such thing'); raise SystemExit(3)")
        failure = self.assertRaises(NotStarted, program.wait_for_line, "^ready")
        self.assertIn("no such thing", str(failure))
        self.assertEqual(program.wait(), 3)
