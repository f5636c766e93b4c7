"""What can be searched: names and properties, imported only when they are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable

Check = Callable[[bytes], None]


def _of(module: str, name: str) -> Callable[[], Check]:
    def load() -> Check:
        check: Check = getattr(importlib.import_module(f"tests.fuzz.{module}"), name)
        return check

    return load


#: The name of a target -> what gives its property, a function that raises where it does not hold.
TARGETS: dict[str, Callable[[], Check]] = {
    "request_head": _of("heads", "check_request"),
    "response_head": _of("heads", "check_response"),
    "chunked": _of("chunks", "check"),
    "requests": _of("exchanges", "check_requests"),
    "answers": _of("exchanges", "check_answers"),
    "courses": _of("courses", "check"),
    "file": _of("files", "check"),
    "client_hello": _of("openings", "check_hello"),
    "proxy_header": _of("openings", "check_proxy"),
}
#: The longest input, in octets.
MOST = {
    "courses": 80,
    "requests": 2048,
    "answers": 1024,
    "chunked": 512,
    "file": 2048,
    "client_hello": 700,
    "proxy_header": 300,
}

_WORDS = (
    *("GET ", "POST ", "OPTIONS * ", " HTTP/1.1\\x0d\\x0a", " HTTP/1.0\\x0d\\x0a", "Host: a"),
    *("\\x0d\\x0a", "\\x0d\\x0a\\x0d\\x0a", "Content-Length: ", "Transfer-Encoding: chunked"),
    *("Connection: close", "Connection: keep-alive", "Connection: upgrade", "Upgrade: x", ": "),
    *(
        "TE: trailers",
        "Expect: 100-continue",
        "0\\x0d\\x0a\\x0d\\x0a",
        "5\\x0d\\x0ahello\\x0d\\x0a",
    ),
    *(
        "http://a/",
        "HTTP/1.1 200 OK\\x0d\\x0a",
        "HTTP/1.1 100 \\x0d\\x0a\\x0d\\x0a",
        "\\x0a",
        "\\x0d",
    ),
    *("HTTP/1.1 101 S\\x0d\\x0a", "HTTP/1.1 204 N\\x0d\\x0a", "\\x00", ";a=b", "\\x09", "_", ","),
    *("identity", "gzip, chunked", "X-Forwarded-For: ", "Keep-Alive: timeout=5", "HEAD "),
    *("pools:", "listeners:", "members: [", "- {name: ", "&a ", "*a", "<<: ", "!!str ", "${A}"),
)
#: Pieces that inputs are made of, as libFuzzer reads them.
DICTIONARY = "".join(f'"{word}"\n' for word in _WORDS)
