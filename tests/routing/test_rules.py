"""What rules look at: every rule type by every comparison, and how candidates are found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.l7 import EXACT_ONLY, KEYED, NESTING, CompareType, L7Rule, PolicyAction, RuleType
from fiberlb.routing.candidates import MOST_ELEMENTS, MOST_PARAMETERS
from fiberlb.routing.request import Request
from fiberlb.routing.rules import EXTRACT
from tests.routing.made import policy, request, routes, rule


@attrs.frozen
class Subject:
    """
    How one rule type is tested.

    @ivar text: a candidate.
    @ivar holding: makes a request that holds the candidate.
    @ivar lacking: makes a request without any; C{None}: there is always one.
    """

    text: str
    holding: Callable[[bytes], Request]
    lacking: Callable[[], Request] | None = request
    key: str | None = None


SUBJECTS = {
    RuleType.HOST_NAME: Subject(
        "shop.example.org", lambda text: request(b"/", text), lambda: request(b"/", b"")
    ),
    RuleType.PATH: Subject("/shop/items.php", request, None),
    RuleType.FILE_TYPE: Subject("tar-gz", lambda text: request(b"/d.x/a.b." + text)),
    RuleType.HEADER: Subject(
        "one two-three", lambda text: request(b"/", b"h", b"A: b", b"x-name:" + text), key="X-Name"
    ),
    RuleType.COOKIE: Subject(
        "abc=def", lambda text: request(b"/", b"h", b"Cookie: a=b; sid=" + text), key="sid"
    ),
    RuleType.METHOD: Subject("PROPFIND", lambda text: request(method=text), None),
    RuleType.QUERY: Subject(
        "abc=d f", lambda text: request(b"/?a=b&&q=x&q=" + text.replace(b" ", b"+")), key="q"
    ),
    RuleType.SSL_CONN_SNI: Subject("shop.example.org", lambda text: request(sni=text, secure=True)),
    RuleType.SSL_ALPN: Subject("http/1.1", lambda text: request(protocols=(b"h2c", text))),
    RuleType.SSL_DN_FIELD: Subject(
        "Acme GmbH, Wien",
        lambda text: request(client={b"cn": [b"x"], b"o": [b"Other", text]}),
        key="organizationName",
    ),
}


def values(compare: CompareType, text: str) -> tuple[str, str]:
    """A value that matches a text, and one that does not."""
    return {
        CompareType.EQUAL_TO: (text, text[:-1]),
        CompareType.STARTS_WITH: (text[:4], text[1:4]),
        CompareType.ENDS_WITH: (text[-3:], text[-4:-1]),
        CompareType.CONTAINS: (text[2:5], "zzz"),
        CompareType.REGEX: (f"^{re.escape(text[:2])}.+{text[-1]}$", "^[0-9]+$"),
    }[compare]


#: Comparisons for every rule type.
COMPARISONS = [compare for compare in CompareType if compare is not CompareType.UNDER]


def matches(tested: L7Rule, made: Request) -> bool:
    """Whether a policy of this one rule takes the request."""
    return routes(policy("p", tested)).decide(made).policy_id == "p"


class TableTests(SynchronousTestCase):
    """Rule type x comparison x invert x what is there."""

    def cases(self) -> Iterator[tuple[L7Rule, Request, bool]]:
        """Every rule of the table, a request and whether they match."""
        for kind, compare, invert in product(SUBJECTS, COMPARISONS, (False, True)):
            subject = SUBJECTS[kind]
            yes, no = values(compare, subject.text)
            there = subject.holding(subject.text.encode())
            given = {"key": subject.key, "invert": invert}
            yield rule(kind, compare, yes, **given), there, not invert
            yield rule(kind, compare, no, **given), there, invert
            yield rule(kind, compare, no, yes, **given), there, not invert
            yield rule(kind, compare, no, no + "q", **given), there, invert
            if subject.lacking is not None:
                yield rule(kind, compare, yes, **given), subject.lacking(), invert

    def test_all(self) -> None:
        """A rule matches if any of its values does; C{invert} turns it, absence included."""
        cases = list(self.cases())
        self.assertEqual(len(cases), 10 * 5 * 2 * 5 - 2 * 5 * 2)
        for tested, made, wanted in cases:
            self.assertIs(matches(tested, made), wanted, tested)

    def test_presence(self) -> None:
        """A keyed rule without a value asks whether there is one, empty ones included."""
        for kind, invert in product(KEYED, (False, True)):
            subject = SUBJECTS[kind]
            tested = rule(kind, key=subject.key, invert=invert)
            for text in (b"any", b""):
                self.assertIs(matches(tested, subject.holding(text)), not invert)
            self.assertIs(matches(tested, request()), invert)

    def test_complete(self) -> None:
        """Every rule type that configurations can name has its entry."""
        self.assertEqual(set(EXTRACT), set(RuleType) - NESTING)
        self.assertEqual({*SUBJECTS, *EXACT_ONLY, RuleType.SOURCE_IP}, set(EXTRACT))


class CertificateTests(SynchronousTestCase):
    """What is asked of clients' certificates, other than attributes of their subjects."""

    def test_shown(self) -> None:
        """Whether there is one, and that it is in order; without one there is no result."""
        for kind, yes, no in (
            (RuleType.SSL_CONN_HAS_CERT, ("true", "TRUE"), ()),
            (RuleType.SSL_VERIFY_RESULT, ("0", "00"), ("1", "18")),
        ):
            for value in yes:
                tested = rule(kind, CompareType.EQUAL_TO, value)
                self.assertTrue(matches(tested, request(client={})))
                self.assertFalse(matches(tested, request()))
                inverted = rule(kind, CompareType.EQUAL_TO, value, invert=True)
                self.assertFalse(matches(inverted, request(client={})))
                self.assertTrue(matches(inverted, request()))
            for value in no:
                tested = rule(kind, CompareType.EQUAL_TO, value)
                self.assertFalse(matches(tested, request(client={})))


class SourceTests(SynchronousTestCase):
    """Addresses."""

    def test_networks(self) -> None:
        """By their bits, IPv4 as itself however it is written; what is no address is nowhere."""
        for value, address, wanted in (
            ("10.0.0.0/8", "10.255.0.1", True),
            ("10.0.0.0/8", "11.0.0.0", False),
            ("10.0.0.0/8", "::ffff:10.0.0.1", True),
            ("::ffff:10.0.0.0/104", "10.0.0.1", True),
            ("::ffff:10.0.0.0/104", "11.0.0.1", False),
            ("10.0.0.1", "10.0.0.1", True),
            ("10.0.0.1", "10.0.0.10", False),
            ("0.0.0.0/0", "255.1.1.1", True),
            ("0.0.0.0/0", "::1", False),
            ("::/0", "::1", True),
            ("::/0", "10.0.0.1", False),
            ("2001:db8::/33", "2001:db8:7fff::1", True),
            ("2001:db8::/33", "2001:db8:8000::1", False),
            ("0.0.0.0/0", "", False),
            ("::/0", "/run/socket", False),
        ):
            tested = rule(RuleType.SOURCE_IP, CompareType.EQUAL_TO, value)
            self.assertIs(matches(tested, request(source=address)), wanted, (value, address))
            turned = attrs.evolve(tested, invert=True)
            self.assertIs(matches(turned, request(source=address)), not wanted)

    def test_refused(self) -> None:
        """What is no network, with its place."""
        for value in ("10.0.0.1/8", "a.example", "10.0.0"):
            tested = rule(RuleType.SOURCE_IP, CompareType.EQUAL_TO, "::1", value)
            why = self.assertRaises(ConfigurationError, routes, policy("p", tested))
            self.assertEqual(why.problems[0].path[2:], ("values", 1))


class MethodTests(SynchronousTestCase):
    """Methods."""

    def test_case(self) -> None:
        """However the value and the request are written."""
        for value in ("PUT", "put"):
            for method in (b"PUT", b"Put"):
                tested = rule(RuleType.METHOD, CompareType.EQUAL_TO, "GET", value)
                self.assertTrue(matches(tested, request(method=method)))
        tested = rule(RuleType.METHOD, CompareType.EQUAL_TO, "PUT")
        self.assertFalse(matches(tested, request(method=b"PUTS")))


class QueryTests(SynchronousTestCase):
    """Parameters of the query."""

    def query(self, value: str, query: bytes, key: str = "a") -> bool:
        """Whether a parameter has a value."""
        tested = rule(RuleType.QUERY, CompareType.EQUAL_TO, value, key=key)
        return matches(tested, request(b"/x?" + query))

    def test_values(self) -> None:
        """Any value of the name, decoded as forms are; names in their own case."""
        for query in (b"a=1 2".replace(b" ", b"+"), b"b=3&a=1%202", b"a=0&%61=1+2", b"a=1+2&a=3"):
            self.assertTrue(self.query("1 2", query), query)
        for query in (b"", b"a", b"A=1+2", b"ba=1+2", b"a=1+2x", b"a=1;a=1+2", b"b=a=1+2"):
            self.assertFalse(self.query("1 2", query), query)
        self.assertTrue(self.query("ö", b"a=%C3%B6"))
        self.assertTrue(self.query("%", b"a=%"))
        self.assertTrue(self.query("1", b"x[0]=1", key="x[0]"))

    def test_absolute(self) -> None:
        """Of an absolute-form too; a path has none."""
        tested = rule(RuleType.QUERY, CompareType.EQUAL_TO, "1", key="a")
        self.assertTrue(matches(tested, request(b"http://h?a=1")))
        self.assertFalse(matches(tested, request(b"/a=1")))

    def test_many(self) -> None:
        """Beyond the limit a rule is undecided: only a policy that rejects takes the request."""
        asked = b"/?" + b"&".join([b"x"] * MOST_PARAMETERS + [b"a=1"])
        for invert in (False, True):
            tested = rule(RuleType.QUERY, CompareType.EQUAL_TO, "1", key="a", invert=invert)
            for action, wanted in ((PolicyAction.REJECT, "p"), (None, None)):
                fields = {} if action is None else {"action": action}
                for least in (0, 100):
                    some = [policy(f"x{n}", rule(RuleType.QUERY, key=f"k{n}")) for n in range(9)]
                    made = routes(*some, policy("p", tested, **fields), least_indexed=least)
                    self.assertEqual(made.decide(request(asked)).policy_id, wanted)


class ProtocolTests(SynchronousTestCase):
    """What is spoken."""

    UPGRADE = (b"Upgrade: foo, WebSocket", b"Connection: keep-alive, upgrade")

    def spoken(self, made: Request) -> list[str]:
        """The values that match."""
        words = ("http", "https", "websocket", "grpc")
        rules = {word: rule(RuleType.PROTOCOL, CompareType.EQUAL_TO, word) for word in words}
        return [word for word, tested in rules.items() if matches(tested, made)]

    def test_all(self) -> None:
        """Over TLS or not, and what is asked for or sent within."""
        grpc = b"Content-Type: application/grpc"
        for fields, secure, wanted in (
            ((), False, ["http"]),
            ((), True, ["https"]),
            (self.UPGRADE, False, ["http", "websocket"]),
            (self.UPGRADE[:1], False, ["http"]),
            ((b"Upgrade: h2c", b"Connection: upgrade"), False, ["http"]),
            ((b"Upgrade: h2c", b"Connection: websocket, upgrade"), False, ["http"]),
            ((grpc,), True, ["https", "grpc"]),
            ((grpc + b"+proto",), False, ["http", "grpc"]),
            ((grpc.upper() + b"; a=b",), False, ["http", "grpc"]),
            ((grpc + b"-web",), False, ["http"]),
            ((b"X: application/grpc",), False, ["http"]),
        ):
            found = self.spoken(request(b"/", b"h", *fields, secure=secure))
            self.assertEqual(found, wanted, fields)


class HostTests(SynchronousTestCase):
    """Host names and server names."""

    def test_case(self) -> None:
        """Neither the value's nor the request's case matters, in patterns as well."""
        for kind, made in (
            (RuleType.HOST_NAME, request(b"/", b"WWW.example.ORG:81")),
            (RuleType.SSL_CONN_SNI, request(sni=b"WWW.example.ORG.")),
        ):
            for compare, value in (
                (CompareType.EQUAL_TO, "www.EXAMPLE.org."),
                (CompareType.ENDS_WITH, ".Example.Org"),
                (CompareType.REGEX, r"^WWW\."),
                (CompareType.REGEX, "^[W]+[.]EXAMPLE"),
                (CompareType.REGEX, "(?i)EXAMPLE"),
            ):
                self.assertTrue(matches(rule(kind, compare, value), made), value)

    def test_port(self) -> None:
        """A value with a port could match nothing and is refused; an IPv6 address has none."""
        tested = rule(RuleType.HOST_NAME, CompareType.EQUAL_TO, "a.example:8080", id="r1")
        why = self.assertRaises(ConfigurationError, routes, policy("p", tested))
        self.assertEqual(why.problems[0].path, ("l7_rules", "r1", "value"))
        self.assertIn("leave the port out", why.problems[0].message)
        tested = rule(RuleType.HOST_NAME, CompareType.EQUAL_TO, "[2001:DB8::1]")
        self.assertTrue(matches(tested, request(b"/", b"[2001:db8::1]:443")))


class PathTests(SynchronousTestCase):
    """Values of path rules are spelled as paths are."""

    def path(self, compare: CompareType, value: str, target: bytes) -> bool:
        """Whether a path rule takes a target."""
        return matches(rule(RuleType.PATH, compare, value), request(target))

    def test_alike(self) -> None:
        """A value in any spelling matches a path in any spelling."""
        for compare, value, target in (
            (CompareType.EQUAL_TO, "/x/../%61dmin", b"//adm%69n"),
            (CompareType.EQUAL_TO, "/café", b"/caf%C3%A9?x"),
            (CompareType.EQUAL_TO, "/a b", b"/a%20b"),
            (CompareType.STARTS_WITH, "/%61pi//v1/", b"/api/v1/x"),
            (CompareType.STARTS_WITH, "/a/./b", b"/a/bc"),
            (CompareType.ENDS_WITH, "%2ephp", b"/index.php"),
            (CompareType.CONTAINS, "a//b", b"/xa/b"),
            (CompareType.REGEX, "café[0-9]", b"/caf%c3%a91"),
            (CompareType.EQUAL_TO, "*", b"*"),
        ):
            self.assertTrue(self.path(compare, value, target), value)

    def test_open_end(self) -> None:
        """The last segment of a prefix may go on, so that its dots are no dot segment."""
        self.assertTrue(self.path(CompareType.STARTS_WITH, "/.", b"/.git/config"))
        self.assertFalse(self.path(CompareType.STARTS_WITH, "/.", b"/git"))
        self.assertTrue(self.path(CompareType.STARTS_WITH, "/a/..b", b"/a/..bc"))

    def test_under(self) -> None:
        """A path and all that is below it, by whole segments."""
        for value in ("/api", "/api/", "/x/../api", "/%61pi"):
            for target in (b"/api", b"/api/", b"/api/v1", b"/api?x", b"//api//v1", b"/%61pi/"):
                self.assertTrue(self.path(CompareType.UNDER, value, target), (value, target))
            for target in (b"/apix", b"/ap", b"/", b"/x/api", b"/API/", b"/api%2e"):
                self.assertFalse(self.path(CompareType.UNDER, value, target), (value, target))
        self.assertTrue(self.path(CompareType.UNDER, "/", b"/a"))
        for value, why in (("api", "must begin with a slash"), ("//", "all would match")):
            tested = rule(RuleType.PATH, CompareType.UNDER, value)
            refused = self.assertRaises(ConfigurationError, routes, policy("p", tested))
            self.assertIn(why, refused.problems[0].message)

    def test_without_query(self) -> None:
        """The query is no part of the path."""
        self.assertFalse(self.path(CompareType.CONTAINS, "secret", b"/?secret"))

    def test_refused(self) -> None:
        """A value that would match every path, or none ever, is refused."""
        for compare, value in (
            (CompareType.CONTAINS, "//"),
            (CompareType.STARTS_WITH, "//"),
            (CompareType.STARTS_WITH, "/./"),
            (CompareType.ENDS_WITH, "/.."),
            (CompareType.CONTAINS, "/../"),
        ):
            tested = rule(RuleType.PATH, compare, value)
            self.assertRaises(ConfigurationError, routes, policy("p", tested))
        self.assertTrue(self.path(CompareType.CONTAINS, "/", b"/"))


class FileTypeTests(SynchronousTestCase):
    """The extension of the last segment."""

    def test_extension(self) -> None:
        """After the last dot of the last segment, in any case, or none."""
        for target, wanted in {
            b"/a.JPG": True,
            b"/a.b.jpg?x=.png": True,
            b"/a%2Ejpg": True,
            b"/.jpg": True,
            b"/ajpg": False,
            b"/a.jpg/": False,
            b"/a.jpg/b": False,
            b"/a.jpg.": False,
            b"/jpg": False,
        }.items():
            tested = rule(RuleType.FILE_TYPE, CompareType.EQUAL_TO, "jpg")
            self.assertIs(matches(tested, request(target)), wanted, target)

    def test_leading_dot(self) -> None:
        """People write the dot; it is not compared."""
        tested = rule(RuleType.FILE_TYPE, CompareType.EQUAL_TO, ".Jpg", ".png")
        self.assertTrue(matches(tested, request(b"/a.jpg")))


class HeaderTests(SynchronousTestCase):
    """Fields, lines and elements."""

    def header(self, value: str, *fields: bytes, key: str = "X-A") -> bool:
        """Whether an equality on a field takes a request with these lines."""
        tested = rule(RuleType.HEADER, CompareType.EQUAL_TO, value, key=key)
        return matches(tested, request(b"/", b"h", *fields))

    def test_candidates(self) -> None:
        """Each line whole, and each element without its white space."""
        self.assertTrue(self.header("a, b", b"X-A: \t a, b "))
        self.assertTrue(self.header("b", b"X-A: a ,\tb\t, c"))
        self.assertTrue(self.header("c", b"X-A: a", b"X-B: x", b"x-a:b,c"))
        self.assertFalse(self.header("a,b", b"X-A: a", b"X-A: b"))

    def test_names(self) -> None:
        """The name is compared whole and without case, the value with its case."""
        self.assertTrue(self.header("a", b"x-a: a"))
        self.assertFalse(self.header("A", b"X-A: a"))
        self.assertFalse(self.header("a", b"X-AB: a", b"Y-X-A: a"))
        self.assertFalse(self.header("a", b"X-B: X-A: a"))

    def test_octets(self) -> None:
        """Values that are no UTF-8 are compared all the same."""
        self.assertTrue(self.header("é", b"X-A: \xe9,\xc3\xa9"))

    def test_many(self) -> None:
        """A list too long to look through is undecided, which is a match to rejecting alone."""
        fields = [b"X-A: " + b"a," * MOST_ELEMENTS + b"b"]
        self.assertFalse(self.header("b", *fields))
        tested = rule(RuleType.HEADER, CompareType.EQUAL_TO, "b", key="X-A", invert=True)
        self.assertFalse(matches(tested, request(b"/", b"h", *fields)))
        self.assertTrue(self.header("a", *fields))


class CookieTests(SynchronousTestCase):
    """Cookies over any number of lines."""

    def cookie(self, value: str, *lines: bytes) -> bool:
        """Whether an equality on the cookie C{sid} takes a request with these Cookie lines."""
        tested = rule(RuleType.COOKIE, CompareType.EQUAL_TO, value, key="sid")
        return matches(tested, request(b"/", b"h", *(b"Cookie: " + line for line in lines)))

    def test_any(self) -> None:
        """Any cookie of the name counts, in any line, whatever the white space."""
        self.assertTrue(self.cookie("1", b"a=b; sid=2; sid=1; c=d"))
        self.assertTrue(self.cookie("1", b"a=b", b"sid=1"))
        self.assertTrue(self.cookie("1", b"a=b;sid = 1 ;c"))
        self.assertTrue(self.cookie("a=b", b"sid=a=b"))

    def test_none(self) -> None:
        """Another name, another case, another field, a bare word and quotes are not it."""
        self.assertFalse(self.cookie("1", b"xsid=1; sidx=1; SID=1; sid; a=sid=1"))
        self.assertFalse(self.cookie("1", b'sid="1"'))
        tested = rule(RuleType.COOKIE, CompareType.EQUAL_TO, "1", key="sid")
        self.assertFalse(matches(tested, request(b"/", b"h", b"X-Cookie: sid=1", b"A: ; sid=1")))

    def test_name_is_no_pattern(self) -> None:
        """Characters of a name that mean something in patterns stand for themselves."""
        tested = rule(RuleType.COOKIE, CompareType.EQUAL_TO, "1", key="a.b*")
        self.assertTrue(matches(tested, request(b"/", b"h", b"Cookie: a.b*=1")))
        self.assertFalse(matches(tested, request(b"/", b"h", b"Cookie: axb=1; a.b*x=1")))
