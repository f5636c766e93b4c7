"""What listeners alone can say: C{hsts}, and the fields of C{insert_headers} that few want."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from fiberlb.model.addresses import UNIX
from fiberlb.model.header_edits import RequestHeaders
from fiberlb.model.hsts import Hsts
from fiberlb.treatment.draft import Asked, Draft, RequestEdit
from fiberlb.treatment.headers import edit_requests
from fiberlb.treatment.variables import identified
from fiberlb.wire.field_lines import cutter, put

#: An id that others have given: what logs, and languages that they are read with, can take.
_id = re.compile(rb"[0-9A-Za-z._~+/=:@-]{1,128}").fullmatch
_token = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
#: A traceparent of version 00, or of a later one as far as it is known (W3C Trace Context, 3.2).
_trace = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
).fullmatch
_uuid = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_cut_id: Final = cutter(["X-Request-ID"])
_cut_forwarded: Final = cutter(["Forwarded"])
_cut_trace: Final = cutter(["traceparent", "tracestate"])
_cut_hsts: Final = cutter(["Strict-Transport-Security"])


def _values(head: bytes, name: bytes) -> list[bytes]:
    """The values of all fields of a name."""
    found = re.findall(rb"\n(?i:" + re.escape(name) + rb"):([^\r]*)\r", head)
    return [value.strip(b" \t") for value in found]


def _trusts(asked: Asked) -> bool:
    trusted = asked.cell.plan.trusted
    return trusted is not None and bool(trusted(asked.peer))


def request_id(asked: Asked, head: bytes) -> bytes:
    """X-Request-ID: a trusted peer's, else one of ours; the request is known by it from now on."""
    given = _values(head, b"X-Request-ID")
    if len(given) == 1 and _id(given[0]) and _trusts(asked):
        asked.request_id = given[0].decode()
        return head
    return put(_cut_id(head), b"X-Request-ID: " + identified(asked).encode() + b"\r\n")


def forwarded(asked: Asked, head: bytes) -> bytes:
    """Forwarded (RFC 7239): an element of ours after those of a trusted peer."""
    peer = b"" if asked.peer == UNIX else asked.peer.encode()
    if b":" in peer:
        peer = b'"[' + peer + b']"'
    made = b"for=" + (peer or b"unknown")
    made += b";proto=https" if asked.cell.plan.secure else b";proto=http"
    host = asked.authority
    if host:
        made += b";host=" + (host if _token(host) else b'"' + host + b'"')
    given = [value for value in _values(head, b"Forwarded") if value]
    return put(_cut_forwarded(head), b"Forwarded: " + b", ".join([*given, made]) + b"\r\n")


def trace(asked: Asked, head: bytes) -> bytes:
    """traceparent (W3C Trace Context): passed on where there is a good one, else begun."""
    given = _values(head, b"traceparent")
    if len(given) == 1 and _trace(given[0]):
        return head
    ident = identified(asked)
    if _uuid(ident) is None:
        ident = asked.cell.services.make_request_id()
    digits = ident.replace("-", "").encode()
    line = b"traceparent: 00-" + digits + b"-" + digits[16:] + b"-01\r\n"
    return put(_cut_trace(head), line)


#: Field -> its edit, and whether that is another one for each request.
_INSERTED: Mapping[str, tuple[RequestEdit, bool]] = {
    "X-Request-ID": (request_id, True),
    "Forwarded": (forwarded, False),
    "traceparent": (trace, True),
}
_ADDRESSES = ("X-Forwarded-IP", "X-Client-IP", "X-Real-IP")


def _insert(settings: tuple[tuple[str, bool], ...], draft: Draft) -> None:
    told = {name for name, on in settings if on}
    addresses = tuple((name, "{client_ip}") for name in _ADDRESSES if name in told)
    if addresses:
        edit_requests(RequestHeaders(set=addresses), draft)
    for name, (edit, passing) in _INSERTED.items():
        if name in told:
            draft.requests.append(edit)
            draft.repeats = draft.repeats and not passing


def _tell(hsts: Hsts | None, draft: Draft) -> None:
    if hsts is None:
        return
    value = b"max-age=%d" % hsts.max_age
    value += b"; includeSubDomains" if hsts.include_subdomains else b""
    value += b"; preload" if hsts.preload else b""
    line = b"Strict-Transport-Security: " + value + b"\r\n"
    draft.answers.append(lambda asked, head: _cut_hsts(head) + line)


#: Key of a listener -> what puts its meaning into a draft. Before all that pools and policies have
#: a say in.
OF_LISTENERS: Mapping[str, Callable[[Any, Draft], None]] = {
    "insert_headers": _insert,
    "hsts": _tell,
}
