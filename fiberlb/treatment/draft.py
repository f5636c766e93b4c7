"""
What a treatment is made of: gates, edits of heads, and filters of bodies.

The way of a request through them::

    routed -> gates, one after the other -> edits of its head -> a member is picked
    answer's head -> the lines that gates have left -> edits of the head -> filter of the body

Features say what they want by adding to a L{Draft}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs

from fiberlb.routing.request import Request


class Asked(Protocol):
    """
    What features see of a request in progress; C{fiberlb.relay.exchange} is the real one.

    @ivar client: the client's address: the peer's, or what a trusted peer says it is.
    @ivar authority: host and port as sent, of the request being treated.
    @ivar target: as sent; what members get stands in C{out}.
    @ivar out: the whole head that the member gets; a gate may put another one here.
    @ivar added: lines for the head of the answer, whoever gives it; gates add to it.
    @ivar request_id: C{""} until it has one (L{fiberlb.treatment.variables.identified}).
    @ivar user: who was let in, for the log; gates that know it put it here.
    @ivar conn: the client's connection.
    @ivar cell: the listener.
    """

    client: str
    peer: str
    sni: bytes | None
    authority: bytes
    method: bytes
    target: bytes
    minor: int
    out: bytes
    added: bytes
    request_id: str
    user: bytes
    conn: Any
    cell: Any

    def block(self) -> bytes:
        """The header block as it was sent: C{\\r\\n}, then lines that end with it."""


@attrs.frozen
class Reply:
    """
    An answer that a gate gives in a member's place.

    @ivar status: C{None}: that of the reason.
    @ivar reason: a key of L{fiberlb.errors.REASONS}: the answer is an error as others are, with
        the code and the request's id for a body. C{None}: the answer is as it stands here.
    @ivar lines: header lines, each with its end.
    @ivar body: with C{reason} not sent.
    @ivar noted: a reason for the log, where the answer is as it stands here.
    """

    status: int | None = None
    reason: str | None = None
    lines: bytes = b""
    body: bytes = b""
    noted: str | None = None


#: Looks at a request. Passes it on with C{None}, answers it with a L{Reply}, or gives a Deferred
#: of one of these. That one is cancelled when the client goes; when it fails, the request is
#: refused as C{internal}. A gate sets its own limit to the time it takes.
Gate = Callable[[Asked, Request], Any]
#: The whole head that a member is to get -> the same edited.
RequestEdit = Callable[[Asked, bytes], bytes]
#: An answer's status line and fields without the empty line -> the same edited.
AnswerEdit = Callable[[Asked, bytes], bytes]


#: The content of an error of ours: its media type and its octets.
OwnPage = tuple[bytes, bytes]
#: Status and reason of an error of ours -> its page; C{None}: the reason and the request's id.
PageMaker = Callable[[Asked, int, str], OwnPage | None]


class BodyFilter(Protocol):
    """The content of one answer on its way."""

    def feed(self, piece: bytes) -> bytes:
        """What goes to the client for this piece of content; C{b""}: nothing yet."""

    def end(self) -> bytes:
        """What is left to say."""


#: Status, and the edited head: a filter and the head that goes with it, or C{None} to leave the
#: answer alone. The head's framing is seen to by the caller.
FilterMaker = Callable[[Asked, int, bytes], tuple[BodyFilter, bytes] | None]


class Kept:
    """
    What features remember over changes of the configuration, such as how often somebody came.

    It goes when the object goes that the key was given for.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Any] = {}

    def get(self, feature: str, owner: str, make: Callable[[], Any]) -> Any:
        """What a feature keeps for an object, made when it is asked for first."""
        key = (feature, owner)
        if key not in self._found:
            self._found[key] = make()
        return self._found[key]

    def find(self, feature: str, owner: str) -> Any:
        """The same, if it was made; else C{None}."""
        return self._found.get((feature, owner))

    def prune(self, lives: Callable[[str], bool]) -> None:
        """Forget what belongs to objects that are not configured any more."""
        self._found = {key: kept for key, kept in self._found.items() if lives(key[1])}


@attrs.frozen
class Surroundings:
    """
    What treatments need of the process.

    @ivar services: L{fiberlb.relay.services.Services}: the loop with its clock, and more.
    @ivar pools: the pools' states by id, as L{fiberlb.relay.pool_state} has them.
    """

    services: Any
    pools: Mapping[str, Any]
    kept: Kept = attrs.field(factory=Kept)


class Draft:
    """
    A treatment while it is put together; features add to its lists, in the order of the table.

    @ivar around: what the process has.
    @ivar owner: id of the object whose key is being added.
    @ivar gates: run when a request was routed, before a member is picked.
    @ivar requests: edits of requests' heads.
    @ivar answers: edits of answers' heads, a member's or our own.
    @ivar filters: of members' answers; the first one that wants an answer has it.
    @ivar page: of errors that FiberLB answers with itself; C{None}: they are as they always are.
    @ivar hosted: members are asked by their own names.
    @ivar mirror: L{fiberlb.treatment.mirroring.Mirror}; C{None}: nothing is copied.
    @ivar repeats: the edits of a request are the same for the same head on the same connection.
    """

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.owner = ""
        self.gates: list[Gate] = []
        self.requests: list[RequestEdit] = []
        self.answers: list[AnswerEdit] = []
        self.filters: list[FilterMaker] = []
        self.page: PageMaker | None = None
        self.hosted = False
        self.mirror: Any = None
        self.repeats = True

    @property
    def empty(self) -> bool:
        """Nothing is to be done."""
        lists = (self.gates, self.requests, self.answers, self.filters)
        return not any(lists) and self.mirror is None and self.page is None


@attrs.frozen
class Feature:
    """
    An entry of the table (L{fiberlb.treatment.table}).

    @ivar add: puts what a value of the key means into a draft; it does not fail.
    @ivar check: says what is wrong with a value that only compiling it shows; C{None}: nothing.
    """

    add: Callable[[Any, Draft], None]
    check: Callable[[Any], list[tuple[tuple[str | int, ...], str]]] | None = None
