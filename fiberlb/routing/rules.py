"""What rules look at: each rule type's candidates in a request, and how its values are spelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter

import attrs

from fiberlb.model.l7 import CompareType, RuleType
from fiberlb.routing.candidates import (
    ATTRIBUTES,
    COOKIES,
    HEADERS,
    PARAMETERS,
    PROTOCOLS,
    SPOKEN,
    Named,
)
from fiberlb.routing.compare import Test
from fiberlb.routing.request import Request
from fiberlb.routing.spelling import (
    as_extension,
    as_name,
    as_network,
    as_number,
    as_path,
    as_word,
    as_written,
)

#: Whether a rule's comparison holds for a request, before C{invert}; C{None}: undecided.
RequestTest = Callable[[Request], bool | None]
#: The candidate of a rule type that has one at most; C{None}: there is none.
Read = Callable[[Request], bytes | None]


@attrs.frozen
class Extract:
    """
    One rule type.

    @ivar bind: makes the rule's test out of its key and its comparison, which
        the test calls with each candidate until one matches.
    @ivar spell: a value as candidates are spelled; raises C{ValueError} when
        no candidate could be, or every one would match.
    @ivar source: the candidates that the test looks at, for whoever looks at
        those of many rules at once.
    @ivar compare: how spelled values are compared, whatever the rule says.
    @ivar fold: candidates are in lower case, so values and patterns ignore case.
    """

    bind: Callable[[str, Test], RequestTest]
    spell: Callable[[CompareType, str], bytes]
    source: Read | Named
    fold: bool = False
    compare: CompareType | None = None


def _read_host(request: Request) -> bytes | None:
    return request.host or None


def _host(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        host = request.host
        return test(host) if host else False

    return matches


_read_path: Read = attrgetter("path")


def _path(key: str, test: Test) -> RequestTest:
    return lambda request: test(request.path)


def _read_file_type(request: Request) -> bytes | None:
    _, dot, extension = request.path.rpartition(b"/")[2].rpartition(b".")
    return extension.lower() if dot and extension else None


def _file_type(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        extension = _read_file_type(request)
        return False if extension is None else test(extension)

    return matches


def _read_method(request: Request) -> bytes | None:
    return request.method.lower() or None


def _method(key: str, test: Test) -> RequestTest:
    return lambda request: test(request.method.lower())


def _read_server_name(request: Request) -> bytes | None:
    name = request.sni
    return name.lower().removesuffix(b".") if name else None


def _server_name(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        name = _read_server_name(request)
        return False if name is None else test(name)

    return matches


def _read_source(request: Request) -> bytes | None:
    return request.address_bits or None


def _source(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        bits = request.address_bits
        return test(bits) if bits else False

    return matches


def _header(key: str, test: Test) -> RequestTest:
    needle = HEADERS.name(key)

    def matches(request: Request) -> bool | None:
        # Most requests do not have the field, and that is all there is to do for them.
        if needle not in request.folded:
            return False
        texts, more = HEADERS.texts(request, needle)
        for text in texts:
            found = test(text)
            if found is not False:
                return found
        return None if more else False

    return matches


def _bound(source: Named) -> Callable[[str, Test], RequestTest]:
    """The tests of a rule type whose candidates have names."""

    def bind(key: str, test: Test) -> RequestTest:
        name = source.name(key)

        def matches(request: Request) -> bool | None:
            texts, more = source.texts(request, name)
            for text in texts:
                found = test(text)
                if found is not False:
                    return found
            return None if more else False

        return matches

    return bind


def _read_has_certificate(request: Request) -> bytes | None:
    return None if request.client is None else b"true"


def _has_certificate(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        return False if request.client is None else test(b"true")

    return matches


def _read_result(request: Request) -> bytes | None:
    # Whoever has shown another certificate than one in order did not get this far. Without one
    # nothing has been verified, which is not to be taken for a good result.
    return None if request.client is None else b"0"


def _result(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        return False if request.client is None else test(b"0")

    return matches


#: Rule type -> what it looks at; L{fiberlb.routing.conditions} has those that look at others.
EXTRACT: Mapping[RuleType, Extract] = {
    RuleType.HOST_NAME: Extract(_host, as_name, _read_host, fold=True),
    RuleType.PATH: Extract(_path, as_path, _read_path),
    RuleType.FILE_TYPE: Extract(_file_type, as_extension, _read_file_type, fold=True),
    RuleType.METHOD: Extract(_method, as_word, _read_method, fold=True),
    RuleType.QUERY: Extract(_bound(PARAMETERS), as_written, PARAMETERS),
    RuleType.HEADER: Extract(_header, as_written, HEADERS),
    RuleType.COOKIE: Extract(_bound(COOKIES), as_written, COOKIES),
    RuleType.PROTOCOL: Extract(_bound(SPOKEN), as_word, SPOKEN),
    RuleType.SSL_CONN_SNI: Extract(_server_name, as_name, _read_server_name, fold=True),
    RuleType.SSL_ALPN: Extract(_bound(PROTOCOLS), as_written, PROTOCOLS),
    RuleType.SOURCE_IP: Extract(_source, as_network, _read_source, compare=CompareType.STARTS_WITH),
    RuleType.SSL_CONN_HAS_CERT: Extract(_has_certificate, as_word, _read_has_certificate),
    RuleType.SSL_VERIFY_RESULT: Extract(_result, as_number, _read_result),
    RuleType.SSL_DN_FIELD: Extract(_bound(ATTRIBUTES), as_written, ATTRIBUTES),
}
