"""
Listening sockets: for each address one for each worker, all held by control.

The kernel spreads new connections over the sockets of an address. The queue of
those that wait belongs to the socket and not to who accepts from it: a worker
may go and another one come, and nobody is turned away in between.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Container, Iterator, Mapping

from fiberlb.errors import AddressInUse
from fiberlb.model.addresses import UDP, line, named
from fiberlb.relay.held import Held
from fiberlb.snapshot import ListenerPlan, Snapshot
from fiberlb.workers.system import release, steer

Address = tuple[str, int]
#: L{fiberlb.relay.accept.bind} by shape: (listener id, host, port, freebind, probe) -> a socket.
Bind = Callable[[str, str, int, bool, bool], socket.socket]
#: Sockets of datagrams at an address: so many for each worker, and these at the least.
LANES, LEAST_LANES = 4, 16


class Bound:
    """
    What was bound for a revision that does not serve yet.

    @ivar sockets: by address, one for each slot.
    @ivar failed: addresses that could not be had and may fail.
    """

    def __init__(self, release: Callable[[str], None], held: Held | None = None) -> None:
        self._release = release
        self._held = held or Held()
        self.sockets: dict[Address, list[socket.socket]] = {}
        self.failed: dict[Address, AddressInUse] = {}

    def close(self) -> None:
        """Give back what was bound."""
        for address, group in self.sockets.items():
            for sock in group:
                self._held.park(address, sock)
            self._release(address[0])
        self.sockets.clear()


class Slots:
    """
    The sockets of all addresses.

    @ivar failed: addresses that could not be had; L{retry} tries them again.
    """

    def __init__(
        self,
        bind: Bind,
        release: Callable[[str], None] = lambda host: None,
        adopt: Callable[[str], None] = lambda host: None,
        held: Held | None = None,
    ) -> None:
        """
        @param release: cleans up after an address that nobody listens at any more.
        @param adopt: told of an address whose socket was taken over.
        @param held: keeps sockets that could not be bound again.
        """
        self._bind = bind
        self._held = held or Held()
        self._adopt = adopt
        self._release = release
        self._groups: dict[Address, dict[int, socket.socket]] = {}
        # Groups whose sockets began to listen in the order of their slots, as far as we know.
        self._ordered: set[Address] = set()
        # Those that have no queue of their own: copies of another slot's.
        self._copies: set[tuple[Address, int]] = set()
        #: Ports of datagrams that were ours: workers may answer from there for a moment.
        self._parted: set[tuple[bool, int]] = set()
        self.failed: dict[Address, AddressInUse] = {}

    def __iter__(self) -> Iterator[tuple[Address, int, socket.socket]]:
        """Address, slot and socket of all."""
        for address, group in self._groups.items():
            for slot, sock in group.items():
                yield address, slot, sock

    def addresses(self) -> Container[Address]:
        """What listens."""
        return self._groups

    def port(self, address: Address) -> int:
        """The port that an address really has; 0 where it has none."""
        name = next(iter(self._groups[address].values())).getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    def prepare(self, snapshot: Snapshot, count: int, tolerated: Container[str]) -> Bound:
        """
        Bind what is new.

        @raise AddressInUse: by an address of a listener that is not tolerated;
            nothing stays bound.
        """
        bound = Bound(self._release, self._held)
        try:
            for ident, plan in snapshot.listeners.items():
                for address in plan.addresses:
                    if address in self._groups or address in bound.sockets:
                        continue
                    try:
                        many = sockets(address, count)
                        group = self._group(ident, address, plan.freebind, many, bound)
                    except AddressInUse as why:
                        if ident not in tolerated:
                            raise
                        bound.failed[address] = why
                    else:
                        bound.sockets[address] = group
        except BaseException:
            bound.close()
            raise
        return bound

    def _group(
        self, ident: str, address: Address, freebind: bool, count: int, bound: Bound | None = None
    ) -> list[socket.socket]:
        host, port = address
        known = (*self._groups, *(bound.sockets if bound else ()))
        ours = self._parted.union(line(*one) for one in known)
        made: list[socket.socket] = []
        try:
            for _ in range(count):
                if made and named(host):
                    # One queue for all: it knows no sharing of an address.
                    made.append(made[0].dup())
                    continue
                probe = line(*address) not in ours and not made
                made.append(self._bind(ident, host, port, freebind, probe))
        except AddressInUse:
            for sock in made:
                self._held.park(address, sock)
            raise
        return made

    def use(self, bound: Bound, wanted: Mapping[Address, str]) -> None:
        """Take what was bound, let go of what is not wanted any more."""
        for address, group in bound.sockets.items():
            self._groups[address] = dict(enumerate(group))
            self._order(address)
        bound.sockets.clear()
        self.failed = {a: why for a, why in bound.failed.items() if a in wanted}

    def _order(self, address: Address) -> None:
        """New connections can be kept from some sockets of a group; datagrams cannot."""
        if not address[0].startswith(UDP):
            self._ordered.add(address)

    def drop(self, wanted: Mapping[Address, str]) -> None:
        """Close the sockets of addresses that are not wanted; the workers have left them."""
        for address in [address for address in self._groups if address not in wanted]:
            self._ordered.discard(address)
            for slot, sock in self._groups.pop(address).items():
                sock.close()
                self._copies.discard((address, slot))
            self._held.forget(address)
            if address[0].startswith(UDP):
                self._parted.add(line(*address))
            self._release(address[0])

    def take(self, address: Address, slot: int, sock: socket.socket) -> None:
        """A socket of an earlier control process; a second copy of one is closed."""
        group = self._groups.setdefault(address, {})
        self._ordered.discard(address)
        if slot in group:
            sock.close()
        else:
            group[slot] = sock
            self._adopt(address[0])

    def widen(self, count: int, snapshot: Snapshot) -> None:
        """
        Have a socket for each of C{count} slots at every address.
        """
        plans = {a: plan for plan in snapshot.listeners.values() for a in plan.addresses}
        for address, group in self._groups.items():
            missing = [slot for slot in range(count) if slot not in group]
            plan = plans.get(address)
            for sock in group.values():
                release(sock)
            if not missing or plan is None:
                continue
            if missing[0] < max(group, default=-1):
                self._ordered.discard(address)
            if named(address[0]):
                group.update({slot: next(iter(group.values())).dup() for slot in missing})
            else:
                self._further(plan, address, group, missing)

    def _further(
        self,
        plan: ListenerPlan,
        address: Address,
        group: dict[int, socket.socket],
        missing: list[int],
    ) -> None:
        own = [sock for slot, sock in group.items() if (address, slot) not in self._copies]
        for slot in missing:
            try:
                group[slot] = self._bind(plan.listener.id, *address, plan.freebind, False)
            except AddressInUse:
                # Bound with rights that are gone: workers share the queues that there are.
                group[slot] = own[slot % len(own)].dup()
                self._copies.add((address, slot))

    def narrow(self, count: int) -> list[tuple[Address, int]]:
        """
        Send new connections to the first C{count} slots only.

        @return: the sockets that get nothing new any more: to be emptied, then L{close}d.
            Others, whose order is not known, stay and are served by whoever is there.
        """
        idle: list[tuple[Address, int]] = []
        for address, group in self._groups.items():
            for slot in [s for s in group if s >= count]:
                if named(address[0]) or (address, slot) in self._copies:
                    # Its queue is that of another one.
                    group.pop(slot).close()
                    self._copies.discard((address, slot))
        for address in self._ordered:
            group = self._groups[address]
            if len(group) <= count:
                continue
            try:
                steer(group[0], count)
            except OSError:
                continue
            idle += [(address, slot) for slot in group if slot >= count]
        return idle

    def close(self, idle: list[tuple[Address, int]]) -> None:
        """Close sockets that have been emptied, the last slot first: the group keeps its order."""
        for address, slot in sorted(idle, key=lambda one: -one[1]):
            group = self._groups.get(address, {})
            if slot in group:
                self._held.park(address, group.pop(slot))
        for address in {address for address, _ in idle} & set(self._groups):
            for sock in self._groups[address].values():
                release(sock)

    def retry(self, snapshot: Snapshot, count: int) -> list[Address]:
        """Try the addresses again that could not be had; those that listen now."""
        found = []
        for address, why in list(self.failed.items()):
            plan = snapshot.listeners.get(why.listener_id)
            if plan is None:
                del self.failed[address]
                continue
            try:
                many = sockets(address, count)
                group = self._group(why.listener_id, address, plan.freebind, many)
            except AddressInUse as again:
                self.failed[address] = again
                continue
            del self.failed[address]
            self._groups[address] = dict(enumerate(group))
            self._order(address)
            found.append(address)
        return found

    def close_all(self) -> None:
        """The end."""
        for (host, _), _, sock in self:
            sock.close()
            self._release(host)
        self._groups.clear()


def sockets(address: Address, count: int) -> int:
    """
    How many sockets an address is bound with for so many workers.

    Those of datagrams stay as many as they are for as long as the address is served, whatever
    becomes of the workers, since the system finds the socket of a client by their number: with
    another number of workers they change hands, and all clients keep theirs.
    """
    return max(LANES * count, LEAST_LANES) if address[0].startswith(UDP) else count
