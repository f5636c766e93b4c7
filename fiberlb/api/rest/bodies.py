"""Reading what clients send: JSON, strictly."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from twisted.web.iweb import IRequest

from fiberlb.api.rest.problem import Refused, invalid
from fiberlb.control.yaml_file import read_yaml
from fiberlb.errors import ConfigurationError

#: Bytes of a body, and of one that may hold a whole configuration.
LARGEST = 1024 * 1024
LARGEST_WHOLE = 16 * LARGEST
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
YAML = "application/yaml"
#: What may be an escaped half of a surrogate pair.
_SURROGATE = re.compile(r"\\u[dD]")
_CONTAINERS = (dict, list)
#: What else means it (RFC 9512, section 2.1).
_YAML_TOO = ("application/x-yaml", "text/yaml", "text/x-yaml")


def too_large(limit: int = LARGEST) -> Refused:
    """A body beyond the limit, in bytes."""
    return Refused(413, "too_large", f"a body has at most {limit} bytes")


def read_json(request: IRequest, patch: bool = False) -> Any:
    """
    The JSON value of a request's body, as L{parsed} finds it in L{read_text}.

    @raise Refused: 400, 413 or 415.
    """
    return parsed(read_text(request, patch))


def read_text(request: IRequest, patch: bool = False, largest: int = LARGEST) -> str:
    """
    The text of a request's body, which is to be JSON.

    The media type is required: a page of another origin cannot send it
    without asking first (product page, decision 12).

    @param patch: a merge patch's own media type is taken too.
    @param largest: bytes that it may have.

    @raise Refused: 400, 413 or 415.
    """
    _check_type(request, patch)
    content: bytes = request.content.read(largest + 1)
    if len(content) > largest:
        raise too_large(largest)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None


def read_whole(request: IRequest) -> Callable[[], Any]:
    """
    The body of a request that may hold a whole configuration, in JSON or YAML.

    @return: reads it; to be called where long work may be done.
    @raise Refused: 413 or 415; by what is returned, 400.
    """
    media = (request.getHeader("content-type") or "").partition(";")[0].strip().lower()
    if media not in (YAML, *_YAML_TOO):
        text = read_text(request, largest=LARGEST_WHOLE)
        return lambda: parsed(text)
    _check_type(request, False, (YAML, *_YAML_TOO))
    content: bytes = request.content.read(LARGEST_WHOLE + 1)
    if len(content) > LARGEST_WHOLE:
        raise too_large(LARGEST_WHOLE)
    return lambda: _of_yaml(content)


def _of_yaml(content: bytes) -> Any:
    """The value of a YAML text; variables are for files."""
    try:
        document = read_yaml(content, "the body", {})
    except ConfigurationError as why:
        raise _malformed("; ".join(map(str, why.problems))) from None
    if document.problems:
        raise ConfigurationError(document.problems)
    return document.tree


def accepts_yaml(request: IRequest) -> bool:
    """Whether a client wants YAML more than JSON (RFC 9110, section 12.5.1)."""
    wanted = {}
    for part in (request.getHeader("accept") or "").lower().split(","):
        media, *parameters = (word.strip() for word in part.split(";"))
        weights = [word[2:] for word in parameters if word.startswith("q=")]
        try:
            wanted[media] = float(weights[0]) if weights else 1.0
        except ValueError:
            continue
    most = max((wanted.get(media, 0.0) for media in (YAML, *_YAML_TOO)), default=0.0)
    return most > wanted.get(JSON, 0.0)


def no_body(request: IRequest) -> None:
    """
    Make sure that a request which needs no body has none.

    @raise Refused: it has one.
    """
    if request.content.read(1):
        raise _malformed("this request takes no body")


def command_only(request: IRequest) -> None:
    """
    Make sure that a request without a body is none that a page of another site can send.

    @raise Refused: it has a body, or not the C{Content-Type} of a write.
    """
    _check_type(request, False)
    no_body(request)


def _check_type(request: IRequest, patch: bool, others: Sequence[str] = ()) -> None:
    taken = (*others, MERGE_PATCH) if patch else others
    taken = (JSON, *taken)
    if request.getHeader("content-encoding") not in (None, "identity"):
        raise Refused(415, "media_type", "a body is sent without a content encoding")
    sent = request.getHeader("content-type") or ""
    media, *parameters = (part.strip().lower() for part in sent.split(";"))
    strange = [p for p in parameters if p not in ("", "charset=utf-8", 'charset="utf-8"')]
    if media not in taken or strange:
        raise Refused(415, "media_type", f"Content-Type must be {' or '.join(taken)}")


def parsed(text: str) -> Any:
    """
    A JSON value: no key twice, no NaN, nothing that is not Unicode.

    @raise Refused: 400.
    """
    try:
        value = json.loads(text, parse_constant=_constant, parse_float=_finite)
        if not _surely_once(text, value):
            json.loads(text, object_pairs_hook=_once)
        if _SURROGATE.search(text):
            # A lone surrogate can be escaped in JSON, and cannot be stored or answered.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as why:
        raise _malformed(f"{why.msg} at line {why.lineno}, column {why.colno}") from None
    except RecursionError:
        raise _malformed("it is nested too deeply") from None
    except UnicodeEncodeError:
        raise _malformed("a text is not Unicode: a surrogate stands alone") from None
    except ValueError:
        raise _malformed("a number has too many digits") from None
    return value


def _surely_once(text: str, value: Any) -> bool:
    """
    Whether no object of a text has a key twice; false where that is not told by counting.

    Behind each key stands a colon, right behind its quote if before none there is a blank. If there
    are as many of these as keys were found, none was found twice. To look at each object while it
    is read takes several times as long.
    """
    if any(f"{blank}:" in text for blank in " \t\n\r"):
        return False
    count, waiting = 0, [value] if type(value) in _CONTAINERS else []
    while waiting:
        found: list[Any] = []
        for one in waiting:
            if type(one) is dict:
                count += len(one)
                found += one.values()
            else:
                found += one
        waiting = [one for one in found if type(one) in _CONTAINERS]
    return text.count('":') == count


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _malformed(f"the key {key!r} stands twice in one object")
            seen.add(key)
    return made


def _constant(word: str) -> NoReturn:
    raise _malformed(f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _malformed(f"{text[:40]} is out of range")
    return number


def _malformed(why: str) -> Refused:
    return invalid(f"the body is refused: {why}", code="malformed")
