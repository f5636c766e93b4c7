"""Tests of L{fiberlb.acme.client}: against a server in memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from fiberlb.acme.client import MOST, PATIENCE, AcmeError, Client, problem, web_client
from fiberlb.acme.jws import AccountKey
from tests.support.certificates import authority

_ERROR = "urn:ietf:params:acme:error:"


class Site(Resource):
    """
    The authority's side of HTTP.

    @ivar refuse: nonces that are refused.
    @ivar answer: makes the answer to posts of anything but an account.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.refuse = 0
        self.nonces = 0
        self.asked: list[str] = []
        self.answer: Callable[[Any], Any] = lambda request: b"{}"

    def render(self, request: Any) -> Any:
        """Answer."""
        self.nonces += 1
        path = request.path.decode()
        self.asked.append(path)
        request.setHeader("Replay-Nonce", f"n{self.nonces}")
        if path == "/dir":
            names = {name: f"https://ca.test/{name}" for name in ("newNonce", "newAccount")}
            return json.dumps(names).encode()
        if path == "/newNonce":
            return b""
        if request.getHeader("Content-Type") != "application/jose+json":
            return self.refused(request, 415, "malformed", "content type")
        if self.refuse:
            self.refuse -= 1
            return self.refused(request, 400, "badNonce", "again")
        if path == "/newAccount":
            head = json.loads(request.content.read())["protected"]
            if "jwk" not in json.loads(base64.urlsafe_b64decode(head + "==")):
                return self.refused(request, 400, "malformed", "No JWK in JWS header")
            request.setHeader("Location", "/account/1")
            return b"{}"
        return self.answer(request)

    @staticmethod
    def refused(request: Any, status: int, kind: str, detail: str) -> bytes:
        """A problem."""
        request.setResponseCode(status)
        return json.dumps({"type": _ERROR + kind, "detail": detail}).encode()


class ClientTests(SynchronousTestCase):
    """Requests, and what may come back."""

    def setUp(self) -> None:
        """A client."""
        self.site = Site()
        self.clock = Clock()
        self.web = StubTreq(self.site)
        made: Any = self.web
        self.client = Client(made, self.clock, "https://ca.test/dir", AccountKey.made(), "")

    def post(self, url: str = "https://ca.test/x") -> Deferred[Any]:
        """A post."""
        return Deferred.fromCoroutine(self.client.post(url, {}))

    def refusal(self) -> AcmeError:
        """Why a post failed."""
        why = self.failureResultOf(self.post(), AcmeError).value
        assert isinstance(why, AcmeError)
        return why

    def test_account(self) -> None:
        """The directory is read once, an account made, a nonce used again from each answer."""
        self.successResultOf(Deferred.fromCoroutine(self.client.register("a@b.c")))
        self.assertEqual(self.client.account, "https://ca.test/account/1")
        self.successResultOf(self.post())
        self.assertEqual(self.site.asked, ["/dir", "/newAccount", "/x"])

    def test_account_known_meanwhile(self) -> None:
        """Two orders may ask for the account at the same time: both find it."""
        self.client.account = "https://ca.test/account/1"
        self.successResultOf(Deferred.fromCoroutine(self.client.register(None)))
        first = self.client.register(None)
        self.site.refuse = 1
        self.client.account = ""
        self.successResultOf(Deferred.fromCoroutine(first))
        self.assertEqual(self.client.account, "https://ca.test/account/1")

    def test_bad_nonce(self) -> None:
        """A refused nonce is no failure, a hundred of them are."""
        self.site.refuse = 2
        self.successResultOf(self.post())
        self.site.refuse = 100
        self.assertIn("nonce", str(self.refusal()))

    def test_refused(self) -> None:
        """What it says is told, and how long it wants to be left alone."""

        def limited(request: Any) -> bytes:
            request.setHeader("Retry-After", "600")
            return self.site.refused(request, 429, "rateLimited", "too\nmany")

        self.site.answer = limited
        why = self.refusal()
        self.assertEqual(
            (str(why), why.kind, why.retry_after), ("rateLimited: too many", "rateLimited", 600.0)
        )

        def broken(request: Any) -> bytes:
            request.setResponseCode(502)
            return b"<html>"

        self.site.answer = broken
        self.assertEqual(str(self.refusal()), "ca.test answered 502")

    def test_silent(self) -> None:
        """One that does not answer is not waited for."""
        self.site.answer = lambda request: NOT_DONE_YET
        done = self.post()
        self.assertNoResult(done)
        self.clock.advance(PATIENCE + 1)
        self.web.flush()
        self.assertIn("did not answer", str(self.failureResultOf(done, AcmeError).value))

    def test_endless(self) -> None:
        """An answer without end is not read to it."""
        self.site.answer = lambda request: b"x" * (MOST + 1)
        self.failureResultOf(self.post(), AcmeError)

    def test_not_understood(self) -> None:
        """An answer that is no document."""
        self.site.answer = lambda request: b"[1]"
        answer = self.successResultOf(self.post())
        with self.assertRaises(AcmeError):
            answer.document()

    def test_problem(self) -> None:
        """Problems within a problem are told with their names, to a bound."""
        sub = {"identifier": {"value": "b.test"}, "detail": "no"}
        why = problem({"type": _ERROR + "malformed", "detail": "bad", "subproblems": [sub, 1]})
        self.assertEqual(str(why), "malformed: bad; b.test: no")
        self.assertEqual(len(str(problem({"detail": "x" * 9999}))), 500)

    def test_roots(self) -> None:
        """Roots of one's own are taken; what is none is refused when it is needed."""
        web_client(self.clock, "system")
        web_client(self.clock, authority().pem * 2)
        bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        with self.assertRaises(AcmeError):
            web_client(self.clock, bad)
