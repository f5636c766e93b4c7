"""
Members by name become members at addresses: a snapshot, and what the names are at now.

What is derived here is in force, and is no revision: the configuration says the
name, the addresses come and go. Pools without names are the same objects in both,
so that only what depends on a name is looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from fiberlb.model.host_names import DNS, asked_name
from fiberlb.model.pool import Member, ResolvedMember
from fiberlb.model.resource import file_id
from fiberlb.snapshot import PoolPlan, Snapshot

#: An address as members have it, C{name} or C{dns:name} -> the IP addresses of it: at most one
#: of a name, as many as there are with C{dns:}, in an order that depends on nothing else.
Answers = Mapping[str, tuple[str, ...]]


def names_of(snapshot: Snapshot) -> frozenset[str]:
    """The names that members of a compiled snapshot have for addresses."""
    plans = [plan for plan in snapshot.pools.values() if plan.by_name]
    found = {asked_name(m.address) for plan in plans for m in plan.members}
    return frozenset(found - {""})


def part_id(member_id: str, address: str) -> str:
    """The id of one address of a C{dns:} member: a UUIDv5 of both, the same on every node."""
    return file_id("addresses", member_id, address)


def resolved(compiled: Snapshot, answers: Answers, previous: Snapshot | None = None) -> Snapshot:
    """
    The snapshot to serve.

    @param compiled: with members as they are configured.
    @param answers: may have more names than are needed; one that lacks has no address yet.
    @param previous: what this gave last; its plans are used again where they say the same.

    @return: members by name are L{ResolvedMember}s, or are not there; C{parts} has all of them.
    """
    pools: dict[str, PoolPlan] = {}
    parts: dict[str, tuple[ResolvedMember, ...]] = {}
    used: dict[str, tuple[str, ...]] = {}
    for ident, plan in compiled.pools.items():
        if not plan.by_name:
            pools[ident] = plan
            continue
        names = {m.address for m in plan.members if asked_name(m.address)}
        used.update({name: answers.get(name, ()) for name in names})
        found = {m.id: _at(m, used[m.address]) for m in plan.members if m.address in names}
        parts.update(found)
        members = tuple(p for m in plan.members for p in found.get(m.id, (m,)))
        pools[ident] = _again(attrs.evolve(plan, members=members), previous)
    return attrs.evolve(compiled, pools=pools, parts=parts, answers=used)


def _again(plan: PoolPlan, previous: Snapshot | None) -> PoolPlan:
    before = previous.pools.get(plan.pool.id) if previous is not None else None
    return before if before is not None and before == plan else plan


def _at(member: Member, addresses: tuple[str, ...]) -> tuple[ResolvedMember, ...]:
    """The member at each of its addresses; a name has one, so that is the member itself."""
    given = {a.name: getattr(member, a.name) for a in attrs.fields(Member)}
    host, every = asked_name(member.address), member.address.startswith(DNS)
    done = []
    for address in addresses if every else addresses[:1]:
        given["address"] = address
        if every:
            given["id"] = part_id(member.id, address)
            given["name"] = f"{member.name}/{address}"
        done.append(ResolvedMember(**given, host=host, of=member.id))
    return tuple(done)
