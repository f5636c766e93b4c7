"""
Speaking to an authority: signed requests, nonces, errors (RFC 8555, sections 6 and 7).

Own code over treq rather than the C{acme} package, see docs/decisions/0007.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urljoin

import attrs
import treq
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.ssl import Certificate, platformTrust, trustRootFromCertificates
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, ResponseFailed
from twisted.web.http_headers import Headers

from fiberlb import __version__
from fiberlb.acme.jws import AccountKey

#: Seconds for one request.
PATIENCE = 30.0
#: Octets of an answer; a chain has some ten thousand.
MOST = 1 << 20
#: Nonces kept for later.
_NONCES = 16
#: How often a request is repeated because of its nonce (RFC 8555, 6.5).
_REPEATS = 6
#: Seconds between two looks at what the authority is working on.
SHORTEST, LONGEST = 0.5, 10.0
_ERROR = "urn:ietf:params:acme:error:"


class AcmeError(Exception):
    """
    The authority refused something, or could not be spoken to; the message is for a person.

    @ivar kind: the last word of its problem type, such as C{rateLimited}; empty: none of its own.
    @ivar retry_after: seconds that it wants to be left alone for; 0: it did not say.
    """

    def __init__(self, detail: str, kind: str = "", retry_after: float = 0.0) -> None:
        super().__init__(_printable(detail))
        self.kind = kind
        self.retry_after = retry_after


@attrs.frozen
class Answer:
    """
    What came back.

    @ivar location: the URL of what was made; empty without one.
    @ivar retry_after: seconds; 0: not said.
    """

    body: bytes = attrs.field(repr=False)
    location: str
    retry_after: float

    def document(self) -> dict[str, Any]:
        """
        The body as JSON.

        @raise AcmeError: it is none.
        """
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise AcmeError("the authority's answer is not understood")
        return found


class Speaks(Protocol):
    """What an order asks of a client."""

    key: AccountKey

    async def post(self, name: str, payload: Any) -> Answer:
        """A signed request, by an URL or by a name of the directory."""


def web_client(reactor: Any, ca: str) -> HTTPClient:
    """
    An HTTPS client.

    @param ca: C{system}, or the roots as PEM.
    @raise AcmeError: the roots cannot be read.
    """
    trust = platformTrust()
    if ca != "system":
        pieces = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", ca, re.S)
        try:
            trust = trustRootFromCertificates([Certificate.loadPEM(piece) for piece in pieces])
        except Exception:
            raise AcmeError("acme.ca: holds a certificate that cannot be read") from None
    policy = BrowserLikePolicyForHTTPS(trustRoot=trust)
    return HTTPClient(Agent(reactor, policy, connectTimeout=PATIENCE))


class Client:
    """
    One account at one authority.

    @param directory: its URL.
    @param account: the account's URL; empty: not registered yet.
    @ivar account: the same, known after L{register}.
    """

    def __init__(
        self, web: HTTPClient, clock: IReactorTime, directory: str, key: AccountKey, account: str
    ) -> None:
        self.key = key
        self.account = account
        self._web = web
        self._clock = clock
        self._url = directory
        self._directory: Mapping[str, Any] = {}
        self._nonces: list[str] = []

    async def register(self, email: str | None) -> None:
        """
        Make the account, or find the one that this key has; whoever configures C{acme} agrees
        to the authority's terms.

        @raise AcmeError: there is none.
        """
        payload: dict[str, Any] = {"termsOfServiceAgreed": True}
        if email:
            payload["contact"] = [f"mailto:{email}"]
        answer = await self.post("newAccount", payload)
        if not answer.location:
            raise AcmeError("the authority did not say where the account is")
        self.account = answer.location

    async def post(self, name: str, payload: Any) -> Answer:
        """
        A signed request.

        @param name: an URL, or a name of the directory such as C{newOrder}.
        @param payload: C{None} to read.
        @raise AcmeError: it was refused, or not answered.
        """
        url = name if ":" in name else await self._named(name)
        for _ in range(_REPEATS):
            nonce = self._nonces.pop() if self._nonces else await self._fresh()
            # An account is asked for with the key itself, also while another order of the same
            # key has just been told its URL (RFC 8555, 7.3).
            account = None if name == "newAccount" else self.account or None
            body = self.key.signed(url, nonce, payload, account)
            headers = {"Content-Type": "application/jose+json"}
            answer, problem = await self._request("POST", url, headers, body)
            if problem is None:
                return answer
            if problem.kind != "badNonce":
                raise problem
        raise AcmeError("the authority takes no nonce of its own")

    async def _named(self, name: str) -> str:
        if not self._directory:
            answer, problem = await self._request("GET", self._url, {}, None)
            if problem is not None:
                raise problem
            self._directory = answer.document()
        found = self._directory.get(name)
        if not isinstance(found, str):
            raise AcmeError(f"the directory has no {name}: is it one of RFC 8555?")
        return found

    async def _fresh(self) -> str:
        _, problem = await self._request("HEAD", await self._named("newNonce"), {}, None)
        if problem is not None:
            raise problem
        if not self._nonces:
            raise AcmeError("the authority gives no nonce")
        return self._nonces.pop()

    async def _request(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[Answer, AcmeError | None]:
        headers = {"User-Agent": f"FiberLB/{__version__}", **headers}
        work = Deferred.fromCoroutine(self._exchanged(method, url, headers, body))
        try:
            return await work.addTimeout(PATIENCE, self._clock)
        except AcmeError:
            raise
        except TimeoutError:
            raise AcmeError(f"{_host(url)} did not answer in {PATIENCE:.0f} s") from None
        except CancelledError:
            raise
        except ResponseFailed as why:
            if any(reason.check(CancelledError) for reason in why.reasons):
                raise AcmeError(f"{_host(url)} did not answer in {PATIENCE:.0f} s") from None
            first = why.reasons[0].getErrorMessage() if why.reasons else "the connection broke"
            raise AcmeError(f"{_host(url)}: {_failure_text(first)}") from None
        except Exception as why:
            raise AcmeError(f"{_host(url)}: {_failure_text(str(why) or repr(why))}") from None

    async def _exchanged(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[Answer, AcmeError | None]:
        response = await self._web.request(
            method,
            url,
            headers=Headers({k: [v] for k, v in headers.items()}),
            data=body,
            allow_redirects=method != "POST",
        )
        pieces: list[bytes] = []
        left = MOST

        def collect(data: bytes) -> None:
            nonlocal left
            left -= len(data)
            if left < 0:
                raise AcmeError("the authority's answer is too long")
            pieces.append(data)

        await treq.collect(response, collect)

        def field(name: str) -> str:
            return (response.headers.getRawHeaders(name) or [""])[0]

        nonce = field("Replay-Nonce")
        if nonce and len(self._nonces) < _NONCES:
            self._nonces.append(nonce)
        location = field("Location")
        answer = Answer(
            b"".join(pieces),
            urljoin(url, location) if location else "",
            _wait(field("Retry-After")),
        )
        return answer, None if response.code < 400 else _refusal(response.code, url, answer)


def _refusal(status: int, url: str, answer: Answer) -> AcmeError:
    """The problem document of an answer (RFC 8555, 6.7)."""
    try:
        document = answer.document()
    except AcmeError:
        document = {}
    if not document:
        return AcmeError(f"{_host(url)} answered {status}", "", answer.retry_after)
    return problem(document, answer.retry_after)


def problem(document: Mapping[str, Any], retry_after: float = 0.0) -> AcmeError:
    """A problem document as an error, those within it told too."""
    kind = str(document.get("type", "")).removeprefix(_ERROR)
    detail = str(document.get("detail") or kind or "refused without a reason")
    for each in document.get("subproblems") or ():
        if isinstance(each, dict):
            name = (each.get("identifier") or {}).get("value", "")
            detail += f"; {name}: {each.get('detail', '')}"
    return AcmeError(f"{kind}: {detail}" if kind else detail, kind, retry_after)


def _wait(text: str) -> float:
    """Seconds of a Retry-After; a date counts as not said."""
    return float(min(int(text), 86400)) if re.fullmatch("[0-9]{1,9}", text) else 0.0


def _host(url: str) -> str:
    return url.split("/")[2] if url.count("/") > 1 else url


def _failure_text(text: str) -> str:
    return "its certificate is not trusted" if "certificate verify failed" in text else text


def _printable(text: str) -> str:
    """One line of what others have written, to a bound."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= 500 else line[:499] + "…"
