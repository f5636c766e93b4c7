"""What the search begins with: the cases of the live tests, and what broke something before."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Iterator

from fiberlb.wire import proxy_protocol
from tests.live import malformed_answers, malformed_requests, odd_answers, odd_requests
from tests.support.sources import ROOT
from tests.wire.hellos import alpn, message, of_ssl, records, server_name

#: The longest seed: what is about limits is slow to change into anything else.
_LONGEST = 1500
#: Inputs that broke a property once, a folder for each target.
CORPUS = ROOT / "tests" / "fuzz" / "corpus"


def found(target: str) -> list[bytes]:
    """The inputs that broke something once."""
    return [path.read_bytes() for path in sorted((CORPUS / target).glob("*"))]


def _requests() -> list[bytes]:
    raws = [case.raw for case in malformed_requests.CASES]
    raws += [case.raw for case in odd_requests.CASES]
    return [raw for raw in raws if len(raw) < _LONGEST]


def _answers() -> list[bytes]:
    raws = [case.raw for case in malformed_answers.CASES]
    raws += [case.raw for case in odd_answers.CASES]
    return [raw for raw in raws if len(raw) < _LONGEST]


def _chunks() -> Iterator[bytes]:
    for raw in (*_requests(), *_answers()):
        head, _, body = raw.partition(b"\r\n\r\n")
        if b"chunked" in head.lower() and body:
            yield body


def _files() -> Iterator[bytes]:
    for path in sorted((ROOT / "conf").rglob("*.yaml")):
        yield path.read_bytes()[:2000]


def _courses() -> Iterator[bytes]:
    """By chance: every byte is an event."""
    chance = random.Random(1)
    for _ in range(200):
        yield chance.randbytes(chance.randrange(5, 60))


def _hellos() -> Iterator[bytes]:
    for extensions in ((), (server_name(b"a.example"),), (alpn(b"h2", b"x"), server_name(b"b"))):
        for size in (5, 16384):
            yield records(message(*extensions), size)
    yield of_ssl("c.example", ("h2",), ssl.TLSVersion.TLSv1_2)


def _proxy_headers() -> Iterator[bytes]:
    ends = (("192.0.2.1", 1), ("198.51.100.1", 65535))
    for some in (None, ends, (("2001:db8::1", 1), ends[1])):
        yield proxy_protocol.text(some) + b"GET /"
        yield proxy_protocol.binary(some, [(2, b"a.example")])
    yield proxy_protocol.LOCAL


def _with(target: str, given: Callable[[], object]) -> Callable[[], list[bytes]]:
    return lambda: [*given(), *found(target)]  # type: ignore[misc]


#: The name of a target -> what gives its seeds.
SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "request_head": _with("request_head", _requests),
    "response_head": _with("response_head", _answers),
    "chunked": _with("chunked", _chunks),
    "requests": _with("requests", lambda: [*_requests(), *_followed(_requests())]),
    "answers": _with("answers", lambda: [*_answers(), *_hiding(_answers())]),
    "courses": _with("courses", _courses),
    "file": _with("file", _files),
    "client_hello": _with("client_hello", _hellos),
    "proxy_header": _with("proxy_header", _proxy_headers),
}


def _followed(raws: list[bytes]) -> list[bytes]:
    """Requests with another one behind them."""
    return [raw + malformed_requests.HIDDEN for raw in raws]


def _hiding(raws: list[bytes]) -> list[bytes]:
    """Answers with another one behind them."""
    return [raw + malformed_answers.HIDDEN for raw in raws]
