"""Pools and members."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.health_monitor import MonitorType
from fiberlb.model.pool import (
    Algorithm,
    Member,
    MemberAddress,
    Pool,
    PoolProtocol,
    Retries,
    RetryCause,
    split_address,
)
from tests.model.documents import made, problems, refused, short, values

LATER = "known, not supported by this version"


class PoolTests(SynchronousTestCase):
    """Pools."""

    def test_defaults(self) -> None:
        """A name is all that is needed."""
        found = made(Pool, name="a")
        self.assertEqual(
            (found.protocol, found.algorithm), (PoolProtocol.HTTP, Algorithm.ROUND_ROBIN)
        )
        self.assertEqual(found.retries, Retries())
        self.assertIsNone(found.health_monitor)

    def test_fields(self) -> None:
        """Octavia's words are the same words."""
        found = made(
            Pool,
            protocol="TCP",
            algorithm="ROUND_ROBIN",
            retries={"attempts": 0, "on": "connect"},
            timeouts={"tunnel": "none", "member_connect": "1s"},
            health_monitor={"type": "TCP", "interval": "5s"},
        )
        self.assertIs(found.protocol, PoolProtocol.TCP)
        self.assertEqual(found.retries, Retries(attempts=0, on=(RetryCause.CONNECT,)))
        self.assertEqual(found.timeouts, (("member_connect", 1.0), ("tunnel", None)))
        assert found.health_monitor is not None
        self.assertIs(found.health_monitor.type, MonitorType.TCP)

    def test_later(self) -> None:
        """Every key and word of the specification that is not acted on is refused as such."""
        for key in sorted(Pool.LATER):
            self.assertEqual(problems(Pool, {key: None}), [f"{key}: {LATER}"])
        for word in ("PROXY", "PROXYV2"):
            self.assertEqual(
                problems(Pool, {"protocol": word}), [f"protocol: {word.lower()}: {LATER}"]
            )
        self.assertEqual(
            problems(Pool, {"retries": {"budget_percent": 101}}),
            ["retries.budget_percent: must be from 0 to 100"],
        )

    def test_datagrams(self) -> None:
        """A udp pool takes what works without connections and requests; its check is its own."""
        udp = {"protocol": "UDP", "close_sessions_on": "member_down", "proxy_protocol": "v2"}
        found = made(Pool, **udp, health_monitor={"type": "UDP-CONNECT"})
        self.assertIs(found.protocol, PoolProtocol.UDP)
        for monitor in ("tcp", "http"):
            made(Pool, **udp, health_monitor=monitor)
        for fields in (
            {**udp, "proxy_protocol": "v1"},
            {**udp, "algorithm": "hash", "hash_on": "path"},
            {"protocol": "tcp", "health_monitor": "udp_connect"},
            {"close_sessions_on": "member_down"},
            {**udp, "tls_config": {}},
        ):
            self.assertEqual(len(problems(Pool, fields)), 1, fields)

    def test_refused(self) -> None:
        """Timeouts of the listener cannot be set here; nested problems have paths."""
        self.assertEqual(
            problems(Pool, {"timeouts": {"keep_alive": "5s"}, "health_monitor": {"fall": 0}}),
            [
                "timeouts.keep_alive: keep_alive cannot be set here",
                "health_monitor.fall: must be from 1 to 100",
            ],
        )


class MemberTests(SynchronousTestCase):
    """Members."""

    def test_fields(self) -> None:
        """The long form."""
        found = made(Member, name="m", address="2001:DB8::1", port="80", weight=0, backup=True)
        self.assertEqual(
            (found.name, found.address, found.port, found.weight, found.backup),
            ("m", "2001:db8::1", 80, 0, True),
        )
        self.assertEqual(made(Member, address="::1", port=80).name, "[::1]:80")

    def test_short(self) -> None:
        """The short form, its words in any order."""
        for text, wanted in (
            ("10.0.0.1:80", ("10.0.0.1:80", "10.0.0.1", 80, 1, False)),
            ("[::1]:80", ("[::1]:80", "::1", 80, 1, False)),
            ("10.0.0.1:80 weight=5", ("10.0.0.1:80", "10.0.0.1", 80, 5, False)),
            ("  10.0.0.1:80  backup name=x  weight=5 ", ("x", "10.0.0.1", 80, 5, True)),
        ):
            found = short(Member, text)
            self.assertEqual(
                (found.name, found.address, found.port, found.weight, found.backup), wanted
            )

    def test_short_refused(self) -> None:
        """What the short form does not know."""
        for text, message in (
            ("", "is not of the form HOST:PORT"),
            ("10.0.0.1", "is not of the form HOST:PORT"),
            ("::1:80", "is not of the form HOST:PORT"),
            ("10.0.0.1:http", "is not of the form HOST:PORT"),
            ("10.0.0.1:80 wieght=5", "'wieght=5' is not weight=N, backup or name=X"),
            ("10.0.0.1:80 backup=true", "is not weight=N, backup or name=X"),
            ("10.0.0.1:80 weight=", "is not weight=N, backup or name=X"),
            ("10.0.0.1:80 weight=x", "weight: must be a whole number"),
            ("10.0.0.1:0", "port: must be from 1 to 65535"),
            ("10.0.0.1:80 weight=257", "weight: must be from 0 to 256"),
        ):
            (found,) = problems(Member, text)
            self.assertIn(message, found)

    def test_unix(self) -> None:
        """A Unix socket, in its shortest form; it has no port."""
        found = short(Member, "unix:/run//x/../app.sock weight=2 backup")
        self.assertEqual((found.address, found.port, found.weight), ("unix:/run/app.sock", None, 2))
        self.assertEqual(found.place, ("unix:/run/app.sock", 0))
        self.assertEqual(short(Member, "unix:/run/app").name, "unix:/run/app")
        for text in ("unix:", "unix:run/x", "unix:/run/", "unix:/" + "x" * 107, "unix:/a\x00b"):
            first, *others = problems(Member, {"address": text})
            self.assertIn("is not unix: and an absolute path", first)
            self.assertNotIn("port: is needed", others)
        for more, message in (
            ({"port": 80}, "port: does not go with unix:/x"),
            ({"monitor_port": 80}, "monitor_port: does not go with unix:/x"),
        ):
            (told,) = problems(Member, {"address": "unix:/x", **more})
            self.assertIn(message, told)
        self.assertEqual(problems(Member, {"address": "::1", "port": None}), ["port: is needed"])

    def test_name(self) -> None:
        """A host name, and every address of one, in each form."""
        for value, address in (
            ("API.example:80 weight=2", "api.example"),
            ("localhost:80 weight=2", "localhost"),
            ("dns:Api.example.:80 weight=2", "dns:api.example"),
            ({"address": "api.example", "port": 80, "weight": 2}, "api.example"),
            ({"address": "dns:api.example", "port": 80, "weight": 2}, "dns:api.example"),
            ({"address": "dns:api.example:80", "weight": 2}, "dns:api.example"),
            ({"address": "dns:api.example:80", "port": 80, "weight": 2}, "dns:api.example"),
        ):
            found = short(Member, value)
            self.assertEqual((found.address, found.port, found.weight), (address, 80, 2))
            self.assertEqual((found.place, found.identity), ((address, 80), address))
        self.assertEqual(short(Member, "dns:api.example:80").name, "dns:api.example:80")
        self.assertEqual(short(Member, "api.example:80").name, "api.example:80")

    def test_name_refused(self) -> None:
        """What is no name, a port that is another one, and checks that would be of one server."""
        for value, message in (
            ("dns:a.example", "'dns:a.example' is not of the form dns:NAME:PORT"),
            ("dns:[::1]:80", "is not of the form dns:NAME:PORT"),
            ("dns:10.0.0.1:80", "address: '10.0.0.1' is an IP address: write it without dns:"),
            ("dns:a_-:80", "address: 'a_-' is no host name"),
            ("a..b:80", "address: 'a..b' is neither an IP address nor a host name"),
            ("127.1:80", "address: '127.1' is neither"),
            ("bücher.example:80", "'xn--bcher-kva.example'"),
            ({"address": "a.example"}, "port: is needed"),
            ({"address": "dns:a.example"}, "port: is needed"),
            ({"address": "dns:a.example:80", "port": 81}, "port: is another one than in"),
            ({"address": "a.example:80", "port": 80}, "address: 'a.example:80' is neither"),
            (
                {"address": "dns:a.example", "port": 80, "monitor_address": "::1"},
                "monitor_address: does not go with dns:a.example",
            ),
        ):
            told = problems(Member, value)
            self.assertIn(message, told[0])
        self.assertTrue(made(Member, address="a.example", port=1, monitor_address="::1"))

    def test_later(self) -> None:
        """Other forms of addresses are known."""
        self.assertEqual(problems(Member, "tor:x.onion:80"), [f"tor: {LATER}"])
        self.assertIn(LATER, refused(MemberAddress(), "tor:x.onion:80"))

    def test_refused(self) -> None:
        """What is no address at all, or no member."""
        for value in values("", "a b", "[::1]", 5, None, []):
            told = refused(MemberAddress(), value)
            self.assertIn("is neither an IP address nor a host name", told)
        self.assertEqual(problems(Member, {}), ["address: is needed", "port: is needed"])
        for value in values(None, 5, []):
            self.assertEqual(problems(Member, value), ["must be a mapping"])

    @given(st.ip_addresses(), st.integers(1, 65535), st.integers(0, 256), st.booleans())
    def test_any(self, address: object, port: int, weight: int, backup: bool) -> None:
        """Both forms say the same."""
        host = f"[{address}]" if ":" in str(address) else str(address)
        text = f"{host}:{port} weight={weight}{' backup' if backup else ''}"
        long = made(Member, address=str(address), port=port, weight=weight, backup=backup)
        self.assertEqual(short(Member, text), long)


class ScopeTests(SynchronousTestCase):
    """Addresses with an interface."""

    def test_refused(self) -> None:
        """They are told by what they are, in both forms."""
        for document in ({"address": "fe80::1%lo", "port": 1}, "[fe80::1%lo]:1"):
            (told,) = problems(Member, document)
            self.assertIn("link-local addresses with an interface", told)


class SplitTests(SynchronousTestCase):
    """HOST:PORT."""

    def test_split(self) -> None:
        """Brackets go; what has none cannot hold colons."""
        for text, wanted in (
            ("a:1", ("a", "1")),
            ("[::1]:80", ("::1", "80")),
            ("::1:80", None),
            ("a", None),
            (":80", None),
            ("[]:80", None),
            ("a:", None),
            ("a:123456", None),
            ("a b:1", None),
            ("a:1\n", None),
            ("[fe80::1%eth0]:80", ("fe80::1%eth0", "80")),
        ):
            self.assertEqual(split_address(text), wanted, text)
