"""Members that speak TLS: who is believed, what is said of the others, and live changes."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.hostile_clients import eventually
from tests.live.load import Load
from tests.live.origin import Caller, Origin
from tests.support.balancer import Balancer
from tests.support.certificates import Leaf, authority, leaf
from tests.support.clients import Session, exchange, request
from tests.support.members import Member
from tests.support.ports import free_port
from tests.tls.members import V12, V13, server

ROOT, NEW, STRANGER = authority("Root A"), authority("Root B"), authority("Stranger")
LOWER = authority("Lower", ROOT)
OWN = leaf("balancer", issuer=ROOT, purpose="client")
_BOTH = ROOT.pem + NEW.pem

_CONFIGURATION = """
access_log: json
certificates:
  - {{name: ca, cert_type: client_ca, certificate: "file:ca.pem"}}
  - {{name: own, cert_type: client, certificate: "file:own.pem"}}
pools:
  - name: web
    protocol: https
    tls_config: {tls}
    members: {members}
    timeouts: {{member_connect: 1s, member_keep_alive: 60s}}
listeners:
  - {{name: front, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}
"""
_TLS = "{server_name: api.test, ca_certificate_id: ca, client_certificate_id: own}"


class MemberTlsCase(SynchronousTestCase):
    """A FiberLB before members of one pool."""

    workers = 0

    def start(self, *addresses: str, tls: str = _TLS) -> None:
        """Start it, and wait for it."""
        self.port = free_port()
        self.addresses = addresses
        self.balancer = Balancer(self.text(tls), workers=self.workers)
        self.addCleanup(self.balancer.stop)
        self.file("ca.pem", ROOT.pem)
        self.file("own.pem", OWN.chain + OWN.key_pem())
        self.balancer.start(self.port)

    def text(self, tls: str) -> str:
        """The configuration."""
        members = json.dumps(self.addresses)
        return _CONFIGURATION.format(tls=tls, members=members, port=self.port)

    def file(self, name: str, text: str) -> str:
        """Write a file beside the configuration; its path."""
        path = Path(self.balancer.directory, name)
        path.write_text(text)
        return str(path)

    def reload(self, tls: str = _TLS) -> None:
        """Read the files anew, and wait until that is in force."""
        before = self.api("/v1/status")["file_generation"]
        self.balancer.write(self.text(tls))
        self.balancer.reload()
        self.assertTrue(eventually(lambda: self.api("/v1/status")["file_generation"] > before))

    def api(self, target: str, method: str = "GET", body: Any = None) -> Any:
        """An answer of the admin API."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        return json.loads(
            request(self.balancer.admin, target, method=method, headers=headers, body=data).body
        )

    def details(self, count: int = 1) -> list[str]:
        """What the access log says in words, of the last requests."""

        def lines() -> list[dict[str, Any]]:
            found = [n for n in self.balancer.output.splitlines() if n.startswith('{"time"')]
            return [json.loads(line) for line in found]

        self.assertTrue(eventually(lambda: len(lines()) >= count))
        return [line["detail"] or "" for line in lines()]

    def origin(
        self, one: Leaf, script: Callable[[Caller], None] | None = None, **how: Any
    ) -> Origin:
        """A member that answers by TLS."""
        made = Origin(script or answering, server(one, **how))
        self.addCleanup(made.stop)
        return made


def answering(caller: Caller) -> None:
    """Every request is answered."""
    while caller.request() is not None:
        caller.reply(b"fine")


def after(what: Callable[[Caller], None]) -> Callable[[Caller], None]:
    """What a member does once it has read something."""

    def script(caller: Caller) -> None:
        caller.some()
        what(caller)

    return script


def good(name: str = "api.test") -> Leaf:
    """The certificate of a member as it should be."""
    return leaf(name, issuer=ROOT)


class BelievedTests(MemberTlsCase):
    """Members that are who they should be."""

    def test_nginx(self) -> None:
        """An nginx that wants a certificate is shown it; bodies of any size come through."""
        directory = Path(self.mktemp())
        directory.mkdir()
        own = good()
        for name, text in (("m.pem", own.chain), ("m.key", own.key_pem()), ("c.pem", ROOT.pem)):
            Path(directory, name).write_text(text)
        paths = [str(Path(directory, name).absolute()) for name in ("m.pem", "m.key", "c.pem")]
        extra = (
            'location = /who { return 200 "$ssl_client_verify $ssl_client_s_dn '
            '$ssl_server_name $ssl_session_reused"; }'
        )
        wants = f"ssl_verify_client on; ssl_client_certificate {paths[2]};"
        member = Member("a", tls=(paths[0], f"{paths[1]}; {wants[:-1]}"), extra=extra).start()
        self.addCleanup(member.stop)
        self.start(member.address)
        with Session(self.port) as session:
            self.assertTrue(session.request("/who").text.startswith("SUCCESS"))
            self.assertIn(" api.test ", session.request("/who").text)
            first = session.request("/").headers["x-connection"]
            self.assertEqual(session.request("/").headers["x-connection"], first)
            body = b"0123456789abcdef" * 262144
            self.assertEqual(session.request("/body", method="POST", body=body).body, body)
        self.assertEqual(self.api("/v1/status")["problems"], [])

    def test_versions(self) -> None:
        """Both versions, and sessions that spare the certificates."""
        for version in (V12, V13):
            reused: list[bool] = []

            def script(caller: Caller, reused: list[bool] = reused) -> None:
                assert isinstance(caller.socket, ssl.SSLSocket)
                reused.append(bool(caller.socket.session_reused))
                caller.request()
                caller.reply(b"fine", fields=b"Connection: close\r\n")

            origin = self.origin(good(), script, asks_for=ROOT.pem, least=version, most=version)
            self.start(origin.address)
            for _ in range(8):
                self.assertEqual(request(self.port).status, 200)
            # Each process has its own.
            self.assertLessEqual(reused.count(False), max(1, self.workers), reused)

    def test_until_close(self) -> None:
        """A body that ends with the connection is whole if the member said so, else cut."""

        def script(caller: Caller) -> None:
            message = caller.request()
            assert message is not None and isinstance(caller.socket, ssl.SSLSocket)
            caller.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
            if message.target == b"/cut":
                caller.socket.shutdown(socket.SHUT_RDWR)

        self.start(self.origin(good(), script).address)
        whole = exchange(self.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertTrue(whole.endswith(b"5\r\nhello\r\n0\r\n\r\n"), whole)
        cut = exchange(self.port, b"GET /cut HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertTrue(cut.endswith(b"5\r\nhello\r\n"), cut)
        self.assertTrue(eventually(lambda: '"reason":"truncated"' in self.balancer.output))


class NotBelievedTests(MemberTlsCase):
    """Members that are not who they should be, and some that are nobody."""

    def strangers(self) -> Iterator[tuple[str, Origin]]:
        """What is said, and of whom."""
        unknown = "certificate is signed by an unknown authority"
        yield unknown, self.origin(leaf("api.test", issuer=STRANGER))
        yield "certificate has expired", self.origin(leaf("api.test", issuer=ROOT, days=-1))
        other = "certificate is not for api.test (it is for other.test)"
        yield other, self.origin(good("other.test"))
        for version in (V12, V13):
            yield (
                "member refused the TLS connection: alert",
                self.origin(good(), asks_for=STRANGER.pem, least=version, most=version),
            )

    def nobodies(self) -> Iterator[tuple[str, Origin]]:
        """The same of what is no TLS at all, or not for long."""
        scripts: list[tuple[str, Callable[[Caller], object]]] = [
            ("member does not speak TLS", after(lambda c: c.send(b"HTTP/1.1 400 No\r\n\r\n"))),
            ("member does not speak TLS", after(lambda c: c.send(bytes(range(256)) * 9))),
            ("during the TLS handshake", lambda c: c.some()),
            ("during the TLS handshake", after(Caller.reset)),
            ("TLS handshake not finished in time", lambda c: c.gone()),
            ("member refused the TLS connection: alert", lambda c: c.send(_ALERT)),
        ]
        # Two MiB of certificates.
        endless = leaf("api.test", issuer=LOWER, issuers=(LOWER,) * 4500)
        yield "certificate chain is too long", self.origin(endless)
        for words, script in scripts:
            origin = Origin(script)  # type: ignore[arg-type]
            self.addCleanup(origin.stop)
            yield words, origin

    def test_alone(self) -> None:
        """The answer is 502 (504 for silence), and the log has the reason in words."""
        self.start("127.0.0.1:1")
        for count, (words, origin) in enumerate((*self.strangers(), *self.nobodies()), 1):
            self.addresses = (origin.address,)
            self.reload()
            answer = request(self.port)
            silent = "in time" in words
            expected = (504, "connect_timeout") if silent else (502, "member_tls")
            self.assertEqual(
                (answer.status, answer.headers["fiberlb-reason-code"]), expected, words
            )
            self.assertIn(words, self.details(count)[-1])
        self.assertNotIn("Traceback", self.balancer.output)

    def test_next(self) -> None:
        """While another member is believed no request fails; the log says what was wrong."""
        fine, count = self.origin(good()), 0
        self.start(fine.address)
        for words, origin in (*self.strangers(), *self.nobodies()):
            if "alert" in words:
                continue
            self.addresses = (origin.address, fine.address)
            self.reload()
            for _ in range(2):
                self.assertEqual(request(self.port, method="POST", body=b"x").status, 200, words)
            count += 2
            self.assertIn(words, "".join(self.details(count)[-2:]))

    def test_insecure(self) -> None:
        """One switch takes anybody, and says so for as long as it is on."""
        self.start(self.origin(leaf("x.test", issuer=STRANGER)).address)
        self.assertEqual(request(self.port).status, 502)
        self.reload("{insecure_skip_verify: true}")
        self.assertEqual(request(self.port).status, 200)
        (told,) = self.api("/v1/status")["problems"]
        self.assertIn("pool web: insecure_skip_verify is on", told)
        self.assertIn("insecure_skip_verify is on", self.balancer.output)
        self.reload()
        self.assertEqual(request(self.port).status, 502)
        self.assertEqual(self.api("/v1/status")["problems"], [])


#: A fatal handshake_failure.
_ALERT = b"\x15\x03\x03\x00\x02\x02\x28"


class ChangeTests(MemberTlsCase):
    """Changes while requests run."""

    def test_changes(self) -> None:
        """Authorities, certificates and the switch change without a failed request."""
        origins = [self.origin(good(), asks_for=_BOTH, most=v) for v in (V12, V13)]
        self.start(*(o.address for o in origins))
        renewed = leaf("balancer", issuer=NEW, purpose="client")
        with Load(self.port) as load:
            for change in (
                lambda: self.file("ca.pem", _BOTH),
                lambda: self.file("own.pem", renewed.chain + renewed.key_pem()),
                lambda: None,
            ):
                load.wait_for(50)
                accepted = sum(o.accepted for o in origins)
                change()
                insecure = _TLS.replace("}", ", insecure_skip_verify: true}")
                self.reload(insecure)
                load.wait_for(100)
                self.reload()
                load.wait_for(100)
                # Connections made under other settings are not used any more.
                self.assertGreater(sum(o.accepted for o in origins), accepted)
        self.assertEqual(load.failures, [])
        self.assertNotIn("Traceback", self.balancer.output)

    def test_rest(self) -> None:
        """The same through the API, where a bad certificate is refused at its field."""
        origin = self.origin(good())
        self.start(origin.address)
        fields = {"server_name": "api.test", "ca_certificate_id": "c2"}
        made = {"name": "c2", "cert_type": "client_ca", "certificate": STRANGER.pem}
        self.api("/v1/certificates", "POST", made)
        pool = {
            "name": "second",
            "protocol": "https",
            "tls_config": fields,
            "members": [{"address": "127.0.0.1", "port": origin.port}],
            "health_monitor": {"type": "tls_hello", "interval": "0.2s", "timeout": "0.2s"},
        }
        self.api("/v1/pools", "POST", pool)
        listener = {
            "name": "l2", "address": "127.0.0.1", "port": free_port(), "protocol": "http",
            "default_pool_id": "second",
        }  # fmt: skip
        self.api("/v1/listeners", "POST", listener)
        member = f"/v1/pools/second/members/127.0.0.1:{origin.port}"

        def status() -> tuple[str, str]:
            found = self.api(member)["status"]
            return found["health"], found["reason"]

        unknown = ("down", "certificate is signed by an unknown authority")
        self.assertTrue(eventually(lambda: status() == unknown))
        self.api("/v1/certificates/c2", "PUT", {**made, "certificate": ROOT.pem})
        self.assertTrue(eventually(lambda: status()[0] == "up"))
        self.assertEqual(request(listener["port"]).status, 200)  # type: ignore[arg-type]
        told = self.api("/v1/pools/second", "PATCH", {"tls_config": {"ca_certificate_id": "c3"}})
        self.assertEqual(told["errors"][0]["path"], "/tls_config/ca_certificate_id")
        told = self.api("/v1/pools/second", "PATCH", {"protocol": "tcp"})
        self.assertEqual(told["status"], 400)


class WorkersTests(BelievedTests):
    """The same with workers."""

    workers = 2


class WorkersChangeTests(ChangeTests):
    """The same with workers."""

    workers = 2


class CheckTests(MemberTlsCase):
    """Health checks that speak TLS go by the same settings."""

    def test_checks(self) -> None:
        """The name is asked for and is the Host; strangers are down, with the reason."""
        seen: list[tuple[Any, Any]] = []

        def script(caller: Caller) -> None:
            message = caller.request()
            assert isinstance(caller.socket, ssl.SSLSocket)
            if message is not None:
                seen.append((message.values(b"host"), caller.socket.getpeercert()))
                caller.reply(b"fine")

        fine = self.origin(good(), script, asks_for=ROOT.pem)
        late = self.origin(leaf("api.test", issuer=ROOT, days=-1))
        self.start(fine.address, late.address)
        self.balancer.write(
            self.text(_TLS).replace(
                "    members:", "    health_monitor: {interval: 0.2s, timeout: 0.2s}\n    members:"
            )
        )
        self.balancer.reload()

        def health(origin: Origin) -> tuple[str, str]:
            found = self.api(f"/v1/pools/web/members/{origin.address}")["status"]
            return found["health"], found["reason"]

        self.assertTrue(eventually(lambda: health(late) == ("down", "certificate has expired")))
        self.assertTrue(eventually(lambda: health(fine)[0] == "up"))
        hosts, shown = seen[-1]
        self.assertEqual(hosts, [b"api.test"])
        self.assertTrue(shown)
