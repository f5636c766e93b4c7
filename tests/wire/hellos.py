"""ClientHellos: of real programs, and put together by hand."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL


def of_ssl(
    name: str | None = "a.example",
    protocols: Sequence[str] = (),
    version: ssl.TLSVersion | None = None,
) -> bytes:
    """What Python's C{ssl} says first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    if version is not None:
        context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(list(protocols))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def extension(kind: int, content: bytes) -> bytes:
    """One extension."""
    return kind.to_bytes(2, "big") + len(content).to_bytes(2, "big") + content


def server_name(name: bytes, kind: int = 0) -> bytes:
    """The extension that asks for a server name."""
    entry = b"%c" % kind + len(name).to_bytes(2, "big") + name
    return extension(0, len(entry).to_bytes(2, "big") + entry)


def alpn(*names: bytes) -> bytes:
    """The extension that offers protocols."""
    offered = b"".join(b"%c%b" % (len(name), name) for name in names)
    return extension(16, len(offered).to_bytes(2, "big") + offered)


def message(*extensions: bytes, **fields: Any) -> bytes:
    """A hello without its record; C{body}: all behind its length."""
    tail = b"".join(extensions)
    body = b"\x03\x03" + b"r" * 32 + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    body = fields.get("body", body + len(tail).to_bytes(2, "big") + tail)
    return b"%c" % fields.get("kind", 1) + len(body).to_bytes(3, "big") + body


def records(content: bytes, size: int = 16384, kind: int = 22, version: int = 1) -> bytes:
    """A message in records of at most C{size} octets."""
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(
        b"%c\x03%c%b%b" % (kind, version, len(piece).to_bytes(2, "big"), piece) for piece in pieces
    )


def seen_by_openssl(data: bytes) -> tuple[bool, bytes | None]:
    """Whether OpenSSL gets so far as to ask for a certificate, and the name that it sees."""
    found: list[bytes | None] = []
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_tlsext_servername_callback(lambda conn: found.append(conn.get_servername()))
    server = SSL.Connection(context, None)
    server.set_accept_state()
    server.bio_write(data)
    try:
        server.do_handshake()
    except SSL.Error:
        pass
    return bool(found), found[0] if found else None
