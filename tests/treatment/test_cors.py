"""C{cors}, from what is configured to bytes on the wire."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fiberlb.treatment.cors import share
from fiberlb.treatment.draft import Draft, Surroundings
from tests.support.relay_world import RelayTestCase, answer, ask
from tests.support.treated import loaded
from tests.treatment.test_variables import asked as in_progress

ALLOW = b"Access-Control-Allow-Origin: "
CREDENTIALS = b"Access-Control-Allow-Credentials: true"
ONE = {"origins": "https://a.example"}
MANY = {"origins": ["https://*.b.example", "http://c.example:8080", "https://d.example:443"]}

#: What is configured, the origin that is sent, and what is allowed.
ORIGINS: tuple[tuple[dict[str, Any], bytes, bytes | None], ...] = (
    (ONE, b"https://a.example", b"https://a.example"),
    (ONE, b"http://a.example", None),
    (ONE, b"https://a.example.evil.example", None),
    (ONE, b"https://a.example:444", None),
    (ONE, b"https://x.a.example", None),
    (ONE, b"null", None),
    (ONE, b"*", None),
    (MANY, b"https://x.b.example", b"https://x.b.example"),
    (MANY, b"https://x.y.b.example", b"https://x.y.b.example"),
    (MANY, b"https://b.example", None),
    (MANY, b"https://xb.example", None),
    (MANY, b"https://x.bXexample", None),
    (MANY, b"https://evil.example/.b.example", None),
    (MANY, b"https://evil.example?.b.example", None),
    (MANY, b"https://-.b.example", None),
    (MANY, b"http://c.example:8080", b"http://c.example:8080"),
    (MANY, b"https://d.example", b"https://d.example"),
    ({"origins": "*"}, b"https://x.example", b"*"),
    ({"origins": "*"}, b"null", b"*"),
)


class WireTests(RelayTestCase):
    """What browsers and members see."""

    def told(self, cors: dict[str, Any], *lines: bytes) -> list[bytes]:
        """The lines of the answer's head that are about this."""
        world = self.world(listener=loaded(cors=cors))
        client = world.client(ask(*lines))
        forged = (ALLOW + b"*", b"access-control-allow-credentials: true", b"Vary: Accept")
        world.members[0].link.send(answer(b"hi", *forged))
        head, _, body = client.news().partition(b"\r\n\r\n")
        self.assertEqual(body, b"hi")
        return [one for one in head.split(b"\r\n") if one.lower().startswith((b"access", b"vary"))]

    def test_origins(self) -> None:
        """The table; a member's own opinion does not count, its Vary does."""
        for cors, origin, allowed in ORIGINS:
            wanted = [b"Vary: Accept"]
            wanted += [b"Vary: Origin"] if cors["origins"] != "*" else []
            wanted += [ALLOW + allowed] if allowed else []
            self.assertEqual(self.told(cors, b"Origin: " + origin), wanted, (cors, origin))

    def test_credentials(self) -> None:
        """They are allowed to those that are known, to nobody else."""
        cors = {**ONE, "credentials": True}
        found = self.told(cors, b"Origin: https://a.example")
        self.assertEqual(found[2:], [ALLOW + b"https://a.example", CREDENTIALS])
        self.assertEqual(self.told(cors, b"Origin: https://b.example")[2:], [])
        twice = (b"Origin: https://a.example", b"Origin: https://a.example")
        self.assertEqual(self.told(cors, *twice)[2:], [])
        self.assertEqual(self.told(cors)[1:], [b"Vary: Origin"])

    def test_preflight(self) -> None:
        """It is answered here, with no body; one of others without leave."""
        cors = {
            **ONE,
            "methods": ["GET", "PUT"],
            "headers": ["X-A", "Content-Type"],
            "credentials": True,
            "max_age": "1h",
        }
        lines = (
            b"HTTP/1.1 204 No Content",
            b"Vary: Origin",
            ALLOW + b"https://a.example",
            CREDENTIALS,
            b"Access-Control-Max-Age: 3600",
            b"Access-Control-Allow-Methods: GET, PUT",
            b"Access-Control-Allow-Headers: X-A, Content-Type",
        )
        world = self.world(listener=loaded(cors=cors))
        client = world.client()
        for origin, wanted in ((b"https://a.example", lines), (b"https://b.example", lines[:2])):
            asks = (b"Origin: " + origin, b"access-control-request-method: PUT")
            client.send(ask(*asks, method=b"OPTIONS"))
            self.assertEqual(client.news(), b"\r\n".join((*wanted, b"", b"")))
        self.assertEqual(world.members[0].links, [])
        for others in (asks[:1], asks[1:]):
            client.send(ask(*others, method=b"OPTIONS"))
            world.members[0].link.news()
            world.members[0].link.send(answer())
            self.assertTrue(client.news().startswith(b"HTTP/1.1 200"))

    def test_errors(self) -> None:
        """Pages may read why something did not go."""
        world = self.world(listener={"default_pool_id": None, **loaded(cors=ONE)})
        client = world.client(ask(b"Origin: https://a.example"))
        seen = client.news()
        self.assertIn(b" 503 ", seen)
        self.assertIn(ALLOW + b"https://a.example\r\n\r\n", seen)

    def test_nothing(self) -> None:
        """An empty one takes the listener's away."""
        world = self.world(listener=loaded(cors=ONE), pool=loaded(cors={}))
        client = world.client(ask(b"Origin: https://a.example"))
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())

    @given(st.binary(max_size=60))
    def test_traffic(self, value: bytes) -> None:
        """Whatever stands in the field, nothing but what is configured comes back."""
        draft = Draft(Surroundings(None, {}))
        share(loaded(cors=MANY)["cors"], draft)
        (edit,) = draft.answers
        asked = in_progress()
        asked.method = b"GET"
        asked.block = lambda: b"\r\nOrigin: " + value + b".b.example\r\n"
        lines = edit(asked, b"HTTP/1.1 200 OK\r\n").split(b"\r\n")
        self.assertLessEqual(len(lines), 4)
