"""Tests of fiberlb.relay.affinity: clients that stay with their member."""

from __future__ import annotations

import re
from typing import Any

from fiberlb.balancing.tokens import token
from fiberlb.model.operational import MemberMode, Operational, Operations
from fiberlb.model.persistence import (
    Drain,
    DrainPersistence,
    PersistenceType,
    SameSite,
    SessionPersistence,
)
from fiberlb.model.pool import Algorithm
from fiberlb.relay.affinity import Memory
from tests.support.relay_world import (
    PEER,
    REFUSED,
    RelayTestCase,
    World,
    answer,
    ask,
    asked,
    evolve,
)

KEY = b"k" * 32
COOKIE = SessionPersistence(type=PersistenceType.COOKIE)
APP = SessionPersistence(
    type=PersistenceType.APP_COOKIE, cookie_name="JSESSIONID", timeout_seconds=60
)
SOURCE = SessionPersistence(type=PersistenceType.SOURCE_IP, timeout_seconds=60)


class StickyCase(RelayTestCase):
    """Three members of a pool with persistence."""

    def sticky(self, persistence: SessionPersistence, **given: Any) -> World:
        """The world, its keys in force."""
        pool = {"session_persistence": persistence, **given.pop("pool", {})}
        world = self.world(given.pop("members", 3), pool=pool, **given)
        self.operate(world)
        return world

    def operate(self, world: World, keys: tuple[bytes, ...] = (KEY,), **modes: Any) -> None:
        """Have members be there for this."""
        members = {
            name: one if isinstance(one, Operational) else Operational(mode=one)
            for name, one in modes.items()
        }
        world.wait(world.plane.operate(Operations(members=members, cookie_keys=keys)))

    def once(
        self, world: World, *lines: bytes, given: bytes = b"", peer: str = PEER
    ) -> tuple[str, bytes, bytes]:
        """
        One request on a connection of its own, which a member answers.

        @return: the member's name, what it got, what the client got.
        """
        client = world.client(ask(*lines), peer=peer)
        for member in world.members:
            for link in member.open:
                got = link.news()
                if got:
                    link.send(given or answer())
                    back = client.news()
                    client.close()
                    return member.name, got, back
        back = client.news()
        client.close()
        return "-", b"", back


def set_cookie(head: bytes) -> bytes:
    """The value of the cookie that an answer sets; empty: none."""
    found = re.search(rb"\r\nSet-Cookie: SERVERID=([^;\r]*)", head)
    return found[1] if found else b""


class CookieTests(StickyCase):
    """Cookies of ours."""

    def test_stays(self) -> None:
        """The first answer sets it, later ones do not, and the member is the same."""
        world = self.sticky(COOKIE)
        member, _, back = self.once(world)
        made = set_cookie(back)
        self.assertEqual(made, token(KEY, "pool", member))
        self.assertIn(b"; Path=/; HttpOnly; SameSite=Lax\r\n\r\nhi", back)
        for _ in range(4):
            again, got, back = self.once(world, b"Cookie: SERVERID=" + made)
            self.assertEqual((again, set_cookie(back)), (member, b""))
            self.assertEqual(got, asked())

    def test_stripped(self) -> None:
        """Members see all other cookies as they were sent, and none of ours."""
        world = self.sticky(COOKIE)
        lines = (b"Cookie: a=1;  SERVERID=x; b=\xff", b"cookie: SERVERID=y")
        _, got, _ = self.once(world, *lines)
        self.assertEqual(got, asked(b"Cookie: a=1; b=\xff"))

    def test_garbage(self) -> None:
        """Whatever is no cookie of this pool has it set anew."""
        world = self.sticky(COOKIE)
        forged = token(b"x", "pool", "m0")
        for value in (b"", b"m0", b"\xff" * 30, b"." * 600, b"x" * 9000, forged, b'"' + forged):
            _, _, back = self.once(world, b"Cookie: SERVERID=" + value)
            self.assertIn(b" 200 ", back)
            self.assertTrue(set_cookie(back))

    def test_attributes(self) -> None:
        """Name, Max-Age, SameSite and Secure as configured."""
        persistence = SessionPersistence(
            type=PersistenceType.COOKIE,
            cookie_name="sid",
            timeout_seconds=60,
            same_site=SameSite.STRICT,
            secure=True,
        )
        _, _, back = self.once(self.sticky(persistence))
        end = b"; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure\r\n"
        self.assertRegex(back, rb"\r\nSet-Cookie: sid=[A-Za-z0-9_-]{22}" + re.escape(end))

    def test_kept_connection(self) -> None:
        """The same head on the same connection, over and over: the same member, no more cookies."""
        world = self.sticky(COOKIE)
        name, _, back = self.once(world)
        head = ask(b"Cookie: a=b; SERVERID=" + set_cookie(back))
        member = next(m for m in world.members if m.name == name)
        client = world.client()
        for _ in range(4):
            client.send(head)
            self.assertEqual(member.open[-1].news(), asked(b"Cookie: a=b"))
            member.open[-1].send(answer())
            self.assertEqual(client.news(), answer())
        client.close()

    def test_rotation(self) -> None:
        """A cookie by the last key is believed and replaced, one by a forgotten key is not."""
        world = self.sticky(COOKIE)
        old = token(KEY, "pool", "m2")
        self.operate(world, (b"n" * 32, KEY))
        member, _, back = self.once(world, b"Cookie: SERVERID=" + old)
        self.assertEqual((member, set_cookie(back)), ("m2", token(b"n" * 32, "pool", "m2")))
        self.operate(world, (b"n" * 32,))
        found = {self.once(world, b"Cookie: SERVERID=" + old)[0] for _ in range(3)}
        self.assertEqual(len(found), 3)

    def test_other_pools(self) -> None:
        """What another pool has set in the same cookie stays there."""
        world = self.sticky(COOKIE)
        foreign = token(KEY, "other", "m0")
        member, _, back = self.once(world, b"Cookie: SERVERID=" + foreign)
        value = set_cookie(back)
        self.assertEqual(value, token(KEY, "pool", member) + b"." + foreign)
        again, _, back = self.once(world, b"Cookie: SERVERID=" + value)
        self.assertEqual((again, set_cookie(back)), (member, b""))

    def test_down_and_removed(self) -> None:
        """The client goes to another member and stays there."""
        world = self.sticky(COOKIE)
        old = token(KEY, "pool", "m1")
        world.plane.set_member_usable("m1", False)
        member, _, back = self.once(world, b"Cookie: SERVERID=" + old)
        self.assertNotEqual(member, "m1")
        self.assertEqual(set_cookie(back), token(KEY, "pool", member))
        pool = {"session_persistence": COOKIE}
        world.apply(*world.objects(pool=pool, members=["m0", "m2"]))
        member, _, back = self.once(world, b"Cookie: SERVERID=" + old)
        self.assertEqual(set_cookie(back).split(b".")[0], token(KEY, "pool", member))

    def test_retried(self) -> None:
        """A request that ends at another member is that one's from then on."""
        world = self.sticky(COOKIE)
        world.members[1].does = REFUSED
        member, _, back = self.once(world, b"Cookie: SERVERID=" + token(KEY, "pool", "m1"))
        self.assertNotEqual(member, "m1")
        self.assertEqual(set_cookie(back), token(KEY, "pool", member))

    def test_informational(self) -> None:
        """Answers of class 1xx have no cookie, the final one of any framing has it."""
        world = self.sticky(COOKIE)
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
        _, _, back = self.once(world, given=b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + chunked)
        early, _, final = back.partition(b"\r\n\r\n")
        self.assertNotIn(b"Set-Cookie", early)
        self.assertTrue(set_cookie(final))
        self.assertTrue(final.endswith(b"\r\n2\r\nhi\r\n0\r\n\r\n"))

    def test_own_answers(self) -> None:
        """What FiberLB answers by itself sets none; without keys nothing does."""
        world = self.sticky(COOKIE, members=1)
        world.plane.set_member_usable("m0", False)
        self.assertNotIn(b"Set-Cookie", self.once(world)[2])
        world.plane.set_member_usable("m0", True)
        self.operate(world, ())
        self.assertNotIn(b"Set-Cookie", self.once(world)[2])


class AppCookieTests(StickyCase):
    """Cookies of the members'."""

    LOGIN = answer(b"hi", b"Set-Cookie: JSESSIONID=abc; Path=/app")
    SENT = b"Cookie: a=1; JSESSIONID=abc"

    def test_learned(self) -> None:
        """Whoever has set it gets the client; cookie and answer pass as they are."""
        world = self.sticky(APP)
        member, _, back = self.once(world, given=self.LOGIN)
        self.assertEqual(back, self.LOGIN)
        for _ in range(4):
            again, got, _ = self.once(world, self.SENT)
            self.assertEqual((again, got), (member, asked(self.SENT)))

    def test_forgotten(self) -> None:
        """After the timeout without a request, not after one with them."""
        world = self.sticky(APP)
        member, _, _ = self.once(world, given=self.LOGIN)
        for _ in range(3):
            world.advance(45)
            self.assertEqual(self.once(world, self.SENT)[0], member)
        world.advance(90)
        self.assertEqual(len({self.once(world, self.SENT)[0] for _ in range(3)}), 3)

    def test_not_taught(self) -> None:
        """What only a client says is not remembered."""
        world = self.sticky(APP)
        self.assertEqual(len({self.once(world, self.SENT)[0] for _ in range(3)}), 3)

    def test_moved(self) -> None:
        """A known session that another member has served is that one's."""
        world = self.sticky(APP)
        member, _, _ = self.once(world, given=self.LOGIN)
        world.plane.set_member_usable(member, False)
        other = self.once(world, self.SENT)[0]
        self.assertNotEqual(other, member)
        world.plane.set_member_usable(member, True)
        self.assertEqual({self.once(world, self.SENT)[0] for _ in range(3)}, {other})


class SourceTests(StickyCase):
    """Addresses."""

    def test_stays(self) -> None:
        """Where it was, also when a member is added; the algorithm decides about new ones."""
        world = self.sticky(SOURCE)
        clients = [f"192.0.2.{n}" for n in range(9)]
        first = [self.once(world, peer=peer)[0] for peer in clients]
        self.assertEqual(sorted(first), ["m0"] * 3 + ["m1"] * 3 + ["m2"] * 3)
        pool = {"session_persistence": SOURCE}
        world.apply(*world.objects(pool=pool, members=["m0", "m1"]))
        world.apply(*world.objects(pool=pool))
        for peer, member in zip(clients, first, strict=True):
            self.assertEqual(self.once(world, peer=peer)[0], member)

    def test_granularity(self) -> None:
        """Neighbours are one client; IPv4 within IPv6 is IPv4."""
        mask = SessionPersistence(type=PersistenceType.SOURCE_IP, granularity="255.255.255.0")
        world = self.sticky(mask)
        found = {
            self.once(world, peer=peer)[0]
            for peer in ("192.0.2.1", "192.0.2.200", "::ffff:192.0.2.7", "192.0.2.9")
        }
        self.assertEqual(len(found), 1)
        self.assertNotIn(self.once(world, peer="192.0.3.1")[0], found)
        wide = SessionPersistence(type=PersistenceType.SOURCE_IP, granularity="64")
        world = self.sticky(wide)
        near = {self.once(world, peer=f"2001:db8::{n}")[0] for n in range(1, 4)}
        self.assertEqual(len(near), 1)

    def test_keyed(self) -> None:
        """It goes before an algorithm with keys."""
        world = self.sticky(SOURCE, pool={"algorithm": Algorithm.MAGLEV})
        clients = [f"192.0.2.{n}" for n in range(30)]
        first = [self.once(world, peer=peer)[0] for peer in clients]
        world.plane.set_member_usable("m1", False)
        for peer in clients:
            self.once(world, peer=peer)
        world.plane.set_member_usable("m1", True)
        later = [self.once(world, peer=peer)[0] for peer in clients]
        self.assertIn("m1", first)
        self.assertNotIn("m1", later)

    def test_tcp(self) -> None:
        """Connections of a client go to one member; a refused one moves it."""
        world = self.sticky(SOURCE, tcp=True)
        clients = [world.client(b"x") for _ in range(4)]
        self.assertEqual(sorted(len(m.links) for m in world.members), [0, 0, 4])
        member = next(m for m in world.members if m.links)
        member.does = REFUSED
        clients.append(world.client(b"x"))
        member.does = "accept"
        clients.append(world.client(b"x"))
        self.assertEqual(len(member.open), 4)
        for client in clients:
            client.reset()


class DrainTests(StickyCase):
    """The drain modes of pools."""

    def drained(self, mode: DrainPersistence, state: Operational) -> tuple[list[str], list[str]]:
        """Members of a client of m1 and of new ones, before and after the deadline."""
        world = self.sticky(COOKIE, pool={"drain": Drain(persistence=mode)})
        self.operate(world, m1=state)
        mine = b"Cookie: SERVERID=" + token(KEY, "pool", "m1")
        found = []
        for _ in range(2):
            self.assertNotIn("m1", {self.once(world)[0] for _ in range(4)})
            found.append(self.once(world, mine)[0])
            world.advance(20)
        return found[:1], found[1:]

    def test_modes(self) -> None:
        """Clients that belong to it come for ever, not at all, or until the deadline."""
        drain = Operational(mode=MemberMode.DRAIN, until=1010.0)
        rest = Operational(mode=MemberMode.MAINTENANCE, until=1010.0)
        for mode, state, before, after in (
            (DrainPersistence.KEEP, drain, True, True),
            (DrainPersistence.REDISPATCH, drain, False, False),
            (DrainPersistence.KEEP_UNTIL_DEADLINE, drain, True, False),
            (DrainPersistence.KEEP, rest, False, False),
        ):
            first, second = self.drained(mode, state)
            self.assertEqual((first == ["m1"], second == ["m1"]), (before, after), (mode, state))

    def test_weight(self) -> None:
        """Without weight it gets nothing new, and keeps its own."""
        world = self.sticky(COOKIE)
        self.operate(world, m1=Operational(weight=0))
        self.assertNotIn("m1", {self.once(world)[0] for _ in range(6)})
        mine = b"Cookie: SERVERID=" + token(KEY, "pool", "m1")
        self.assertEqual(self.once(world, mine)[0], "m1")

    def test_slow_start(self) -> None:
        """One that is ready again starts as slowly as one that comes up."""
        world = self.world(2, pool={"slow_start": 60.0})
        self.operate(world, m1=MemberMode.DRAIN)
        self.operate(world)
        found = [self.once(world)[0] for _ in range(22)]
        self.assertEqual(found.count("m1"), 2)
        world.advance(61)
        found = [self.once(world)[0] for _ in range(22)]
        self.assertEqual(found.count("m1"), 11)

    def test_changed(self) -> None:
        """Another persistence of the pool counts from the next request on."""
        world = self.sticky(SOURCE)
        self.assertEqual(len({self.once(world)[0] for _ in range(3)}), 1)
        objects = world.objects(pool={"session_persistence": SOURCE})
        world.apply(*evolve(objects, "pool", session_persistence=None))
        self.assertEqual(len({self.once(world)[0] for _ in range(3)}), 3)


class MemoryTests(RelayTestCase):
    """What is shared by pools."""

    def test_table(self) -> None:
        """It is made when it is needed, once."""
        made: list[Any] = []

        def make() -> Any:
            made.append(object())
            return made[-1]

        memory = Memory(make)
        self.assertEqual(made, [])
        self.assertIs(memory.table, memory.table)
        self.assertEqual(len(made), 1)
