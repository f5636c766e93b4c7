"""What one line of the table of routes says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from re import findall

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.rest.bodies import LARGEST
from fiberlb.api.rest.reply import Reply
from fiberlb.api.rest.resource import Resources
from fiberlb.control.service import ControlService
from fiberlb.model import access


class Role(Enum):
    """Who may use a route, each more than the one before; C{OPEN}: whoever reaches the address."""

    OPEN = "open"
    READ = "read"
    OPERATE = "operate"
    WRITE = "write"
    ADMIN = "admin"


@attrs.frozen
class Served:
    """
    What routes answer from.

    @ivar resources: the collections.
    """

    control: ControlService
    resources: Resources


#: Answers a request; the words are those of the address, decoded, by their names in the path.
Call = Callable[[Served, IRequest, Mapping[str, str]], Reply | Awaitable[Reply]]


@attrs.frozen(kw_only=True)
class Route:
    """
    A method at an address. The addresses, the role check and openapi.json are made of these.

    @ivar path: with C{{word}} for what differs.
    @ivar operation: the id of the operation, unique.
    @ivar role: who may use it.
    @ivar summary: what it does, a line without a full stop.
    @ivar takes: the schema of the body (L{fiberlb.api.rest.schemas}); empty: it takes none.
    @ivar gives: status of success -> the schema of the answer; empty: it has no body.
    @ivar query: parameters that it takes beside the filters of lists.
    @ivar filters: the collection whose fields filter it; empty: it is no list.
    @ivar tagged: its answers have entity tags, and it minds conditions.
    @ivar largest: bytes of a body.
    @ivar yaml: what it takes, or what a GET answers, may be YAML too.
    @ivar early: it is answered before a configuration is in force, too.
    @ivar further: statuses of refusals beside those that the rest of this line makes possible.
    """

    method: str
    path: str
    operation: str
    role: Role
    summary: str
    call: Call
    takes: str = ""
    gives: Mapping[int, str] = attrs.field(factory=lambda: {200: "Anything"})
    query: tuple[str, ...] = ()
    filters: str = ""
    tagged: bool = False
    largest: int = LARGEST
    yaml: bool = False
    early: bool = False
    further: tuple[int, ...] = ()

    @property
    def needs(self) -> access.Role | None:
        """The role that its caller needs; C{None}: none."""
        return None if self.role is Role.OPEN else access.Role(self.role.value)

    @property
    def words(self) -> list[str]:
        """The names of what differs in its path, in their order."""
        return findall(r"\{(\w+)\}", self.path)

    @property
    def writes(self) -> bool:
        """Whether it changes anything, or may."""
        return self.method != "GET"
