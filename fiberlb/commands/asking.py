"""
Asking an admin API: how each command that is about a FiberLB that runs does it.

A command says C{@asks}, and is given a L{Client}::

    @click.command()
    @click.argument("pool")
    @asks
    def show(client: Client, pool: str) -> None:
        found = client.get(f"/v1/pools/{segment(pool)}")

Whatever is refused ends the command by L{fiberlb.commands.exits.Failed}. One that writes says
C{@writes} too (L{fiberlb.commands.writing}).
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import attrs
import click

from fiberlb.commands.exits import UNREACHABLE, Failed
from fiberlb.commands.problems import failed
from fiberlb.commands.where import Asked, Where, exposed, where

F = TypeVar("F", bound=Callable[..., Any])

#: Seconds that an answer may take: replacing all workers takes a while.
PATIENCE = 120.0
#: Items of a page.
_PAGE = 1000


@attrs.frozen
class Answer:
    """
    @ivar headers: by their names in lower case.
    @ivar document: the JSON value; C{None}: there is none.
    """

    status: int
    headers: Mapping[str, str]
    document: Any

    @property
    def revision(self) -> str:
        """What was in force when it was made."""
        return self.headers.get("fiberlb-revision", "")


@attrs.frozen
class Intent:
    """
    What a write is to be.

    @ivar dry_run: say what would happen, and change nothing.
    @ivar reason: why, for the history.
    @ivar if_match: the revision of the object that is meant; empty: whatever is there.
    """

    dry_run: bool = False
    reason: str = ""
    if_match: str = ""


class Client:
    """One admin API, asked by one command after the other."""

    def __init__(self, place: Where, patience: float = PATIENCE) -> None:
        self.place = place
        self._patience = patience

    def get(self, target: str, **query: Any) -> Any:
        """
        The document at an address.

        @param query: what is not C{None} is added to the address.
        @raise Failed: it is refused, or nobody can be reached.
        """
        return self.good("GET", with_query(target, query)).document

    def every(self, target: str, **query: Any) -> list[dict[str, Any]]:
        """
        All items of a list, page by page.

        @raise Failed: as of L{get}.
        """
        items: list[dict[str, Any]] = []
        following: str | None = with_query(target, {"limit": _PAGE, **query})
        while following:
            answer = self.get(following)
            items += answer["items"]
            following = answer["next"]
        return items

    def write(
        self, method: str, target: str, body: Any = None, intent: Intent | None = None
    ) -> Any:
        """
        The document that a write answers, C{None} when it answers none.

        @raise Failed: as of L{get}; with exit code 4 when C{if_match} no longer holds.
        """
        intent = intent or Intent()
        headers = {}
        if intent.reason:
            headers["FiberLB-Reason"] = intent.reason.encode("utf-8").decode("latin-1")
        if intent.if_match:
            headers["If-Match"] = f'"{intent.if_match}"'
        dry = {"dry_run": "true"} if intent.dry_run else {}
        return self.good(method, with_query(target, dry), body, headers).document

    def good(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """
        An answer that is no problem.

        @raise Failed: it is one, or nobody can be reached.
        """
        answer = self.ask(method, target, body, headers)
        if not 200 <= answer.status < 300:
            raise failed(answer.status, answer.document)
        return answer

    def ask(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """
        An answer, whatever it is.

        @param body: sent as JSON; bytes are sent as they are, with a C{Content-Type} of C{headers}.
        @raise Failed: nobody can be reached, or what answers is no admin API.
        """
        connection = self._connection()
        try:
            connection.request(method, target, _octets(body), self._headers(headers or {}))
            found = connection.getresponse()
            return _answer(found, found.read())
        except (OSError, http.client.HTTPException, ValueError) as why:
            raise Failed(f"{self.place.address}: {_said(why)}", UNREACHABLE) from None
        finally:
            connection.close()

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", **more}
        if self.place.token is not None:
            headers["Authorization"] = f"Bearer {self.place.token}"
        return headers

    def _connection(self) -> http.client.HTTPConnection:
        scheme, _, rest = self.place.address.partition(":")
        if scheme == "unix":
            return _Unix(rest, self._patience)
        host = rest.removeprefix("//")
        if scheme == "http":
            return http.client.HTTPConnection(host, timeout=self._patience)
        context = trusting(self.place)
        return http.client.HTTPSConnection(host, timeout=self._patience, context=context)


class _Unix(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def trusting(place: Where) -> ssl.SSLContext:
    """
    Whom C{https} believes, and who it says it is.

    @raise Failed: a file cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=place.ca)
    except (OSError, ssl.SSLError) as why:
        raise Failed(f"{place.ca}: {_said(why)}") from None
    if place.certificate is not None:
        try:
            context.load_cert_chain(place.certificate, place.key)
        except (OSError, ssl.SSLError) as why:
            raise Failed(f"{place.certificate}: {_said(why)}") from None
    return context


def _octets(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return json.dumps(body).encode()


def _answer(found: http.client.HTTPResponse, content: bytes) -> Answer:
    headers = {name.lower(): value for name, value in found.getheaders()}
    document = json.loads(content) if content else None
    return Answer(found.status, headers, document)


def _said(why: Exception) -> str:
    if isinstance(why, ssl.SSLCertVerificationError):
        return f"its certificate is not believed: {why.verify_message}"
    if isinstance(why, json.JSONDecodeError | UnicodeDecodeError):
        return "what answers there is no admin API"
    return (why.strerror if isinstance(why, OSError) else None) or str(why) or type(why).__name__


def with_query(target: str, query: Mapping[str, Any]) -> str:
    """An address with more in its query; what is C{None} is left out."""
    more = urlencode({name: value for name, value in query.items() if value is not None})
    if not more:
        return target
    return f"{target}{'&' if '?' in target else '?'}{more}"


def segment(name: str) -> str:
    """A name as a part of an address."""
    return quote(name, safe="")


_OPTIONS = (
    click.option("--url", metavar="URL", help="http(s)://HOST:PORT or unix:/path. [FIBERLB_URL]"),
    click.option("--token-file", metavar="FILE", help="Its token. [FIBERLB_TOKEN(_FILE)]"),
    click.option("--ca", metavar="FILE", help="Who is believed, with https. [FIBERLB_CA]"),
    click.option("--client-cert", metavar="FILE", help="To be known by. [FIBERLB_CLIENT_CERT]"),
    click.option("--client-key", metavar="FILE", help="Of it. [FIBERLB_CLIENT_KEY]"),
)
_FILE = click.option(
    "-c",
    "--config",
    "path",
    metavar="FILE",
    help="The configuration file of the process to ask; without anything, the one that runs here.",
)


def asks(function: F) -> F:
    """A command that asks an admin API: it is given a L{Client} as C{client}."""
    return _asking(_FILE(_with_client(function, False)))


def asks_about_file(function: F) -> F:
    """
    The same for a command that is about a configuration file, with a C{path} of its own: that
    says where to ask if nothing else does. It is given C{client} and C{path}.
    """
    return _asking(_with_client(function, True))


def may_ask(function: F) -> F:
    """
    The same for a command that asks in some cases only. It is given C{path}, C{url}, and C{reach},
    which makes the L{Client}.
    """
    return _asking(_FILE(_with_reach(function)))


def _asking(function: Any) -> Any:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def _with_client(function: Any, document: bool) -> Any:
    @functools.wraps(function)
    def asking(
        *words: Any, reach: Callable[[], Client], path: str | None, url: Any, **o: Any
    ) -> Any:
        options = {**o, "path": path} if document else o
        return function(*words, client=reach(), **options)

    return _with_reach(asking, document)


def _with_reach(function: Any, document: bool = False) -> Any:
    @functools.wraps(function)
    def reaching(
        *words: Any,
        url: str | None,
        path: str | None,
        token_file: str | None,
        ca: str | None,
        client_cert: str | None,
        client_key: str | None,
        **options: Any,
    ) -> Any:
        asked = Asked(
            url=url,
            path=path,
            document=document,
            token_file=token_file,
            ca=ca,
            certificate=client_cert,
            key=client_key,
        )
        return function(
            *words, reach=functools.partial(client_of, asked), path=path, url=url, **options
        )

    return reaching


def client_of(asked: Asked) -> Client:
    """
    Who is asked, by the options of a command and the environment.

    @raise Failed: nobody is meant, or what is given cannot be read.
    """
    place = where(asked, os.environ)
    if exposed(place):
        click.echo("warning: the token goes over the network as plain text", err=True)
    return Client(place)
