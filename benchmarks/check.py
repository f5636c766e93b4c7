"""
Whether a proxy does the work it is measured for: who answers wrongly is fast for the wrong reason.

Every proxy answers these before its first round, over the way that is measured.
"""

from __future__ import annotations

import hashlib
import http.client
import random
import ssl

from benchmarks.setting import Front, Proxy, Setting

#: Seconds an answer may take.
_PATIENCE = 20
#: Bytes of the upload that is compared.
_UPLOAD = 1024 * 1024


class Wrong(Exception):
    """A proxy does something else than what is measured; the text says what."""


def connect(proxy: Proxy, setting: Setting) -> http.client.HTTPConnection:
    """A client's connection to a proxy."""
    if not setting.secure:
        return http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=_PATIENCE)
    trust = ssl.create_default_context(cafile=setting.pem)
    return http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=_PATIENCE, context=trust)


def answers(proxy: Proxy, setting: Setting) -> None:
    """
    The origin's 1 KiB comes back; fields and connections are as they should be.

    Twisted's own proxy is let off the last two: it cannot.

    @raise Wrong: they are not.
    """
    client = connect(proxy, setting)
    try:
        if _get(client, "/") != b"x" * 1024:
            raise Wrong(f"{proxy.name} does not answer with the origin's body")
        if setting.front is Front.TCP or proxy.name == "twisted":
            return
        port = str(proxy.port)
        counts = []
        for _ in range(4):
            *fields, count = _get(client, "/seen").decode().split("|")
            counts.append(int(count))
            if fields != ["127.0.0.1", setting.front.value, port]:
                raise Wrong(f"{proxy.name} hands on {fields} as the client's address")
        if max(counts) < 3:
            raise Wrong(f"{proxy.name} does not keep its connections to the origin: {counts}")
    finally:
        client.close()


def same_file(proxy: Proxy, setting: Setting, name: str, size: int) -> None:
    """
    A file of the origin's comes through byte for byte.

    @raise Wrong: it does not.
    """
    client = connect(proxy, setting)
    try:
        found = _get(client, f"/files/{name}")
    finally:
        client.close()
    if len(found) != size or found != random.Random(name).randbytes(size):
        raise Wrong(f"{proxy.name} changes /files/{name}: {len(found)} bytes")


def same_upload(proxy: Proxy, setting: Setting) -> None:
    """
    A body reaches the origin byte for byte.

    @raise Wrong: it does not.
    """
    body = random.Random("upload").randbytes(_UPLOAD)
    client = connect(proxy, setting)
    try:
        client.request("POST", "/digest", body)
        answer = client.getresponse()
        said = answer.read().decode()
    finally:
        client.close()
    if answer.status != 200 or said != hashlib.sha256(body).hexdigest():
        raise Wrong(f"{proxy.name} changes an upload: {answer.status} {said[:100]}")


def _get(client: http.client.HTTPConnection, target: str) -> bytes:
    client.request("GET", target, headers={"User-Agent": "check"})
    answer = client.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise Wrong(f"GET {target} on port {client.port}: {answer.status} {body[:100]!r}")
    return body
