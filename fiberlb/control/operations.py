"""What is asked of the control service, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from fiberlb.control.past import Version
from fiberlb.errors import Path
from fiberlb.model.configuration import Configuration
from fiberlb.model.resource import Owner

#: What stands for "whatever it is, but it must be there" in a condition.
ANY = "*"


class Op(Enum):
    """
    The kinds of operations.

    C{REPLACE_ALL} is about the whole list of children of one parent. C{CONFIG} and C{APPLY} are
    about the whole store layer, as a document (L{fiberlb.control.whole}); C{RESTORE} is, too,
    its body a L{Target <fiberlb.control.restoring.Target>}. C{SET_STATE} sets
    the operational state of a member, which no revision counts.
    """

    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"
    REPLACE_ALL = "replace_all"
    SET_STATE = "set_state"
    CONFIG = "config"
    APPLY = "apply"
    RESTORE = "restore"


@attrs.frozen
class Condition:
    """
    Entity tags that decide whether an operation is done, without their quotes.

    @ivar match: the object's (the list's) tag must be one of these, or exist
        for L{ANY}; C{None}: no condition.
    @ivar none_match: it must be none of these, or not exist for L{ANY}.
    """

    match: tuple[str, ...] | None = None
    none_match: tuple[str, ...] | None = None


@attrs.frozen(kw_only=True)
class Operation:
    """
    One change, as a document.

    @ivar collection: a key of C{COLLECTIONS}; empty of what is about all of them.
    @ivar word: the id or the name of the object; empty for C{CREATE}.
    @ivar parent: the id or the name of the parent where the place of the
        request says it; empty: the document may say it.
    @ivar body: the object's fields as in the file (children nested), the
        merge patch, or the list of documents of C{REPLACE_ALL}.
    @ivar at: where the body stands in what the client sent, for the problems.
    @ivar place: where the operation itself stands.
    @ivar notes: in place of the object's (L{fiberlb.model.resource.Meta.notes}), of a monitor's
        its pool's; C{None}: they stay. Not for C{REPLACE_ALL}.
    """

    op: Op
    collection: str = ""
    word: str = ""
    parent: str = ""
    body: Any = None
    condition: Condition = Condition()
    at: Path = ()
    place: Path = ()
    notes: Mapping[str, Any] | None = None


@attrs.frozen
class Origin:
    """
    Who asks for a write, for the history.

    @ivar author: a name, C{local} while nobody has to say who they are.
    @ivar source: by which surface, such as C{rest}.
    @ivar reason: free text.
    @ivar owner: what new objects are marked with.
    """

    author: str
    source: str
    reason: str = ""
    owner: Owner = Owner.API


@attrs.define
class Change:
    """
    What happened to one object in a write. It does not change; that it could makes it in half the
    time.

    @ivar op: C{create}, C{update} or C{delete}; of C{keys}: C{rotate}, C{reseal} or C{prune}.
    """

    op: str
    collection: str
    id: str
    name: str


@attrs.frozen
class Applied:
    """
    What one operation came to.

    @ivar id: of its object; of the parent for C{REPLACE_ALL}.
    @ivar created: it was not there before.
    """

    id: str
    created: bool = False


@attrs.frozen
class Outcome:
    """
    What a write came to.

    @ivar revision: in force now; the same as before when nothing changed, or
        after a dry run.
    @ivar changes: one for each object that really changed, parents first.
    @ivar applied: one for each operation.
    @ivar configuration: the objects as they are after the write; after a dry
        run, as they would be.
    @ivar tags: (collection, id) -> entity tag of the operations' objects.
    @ivar versions: the objects that really changed, before and after, in the order of changes.
    """

    revision: int
    changes: tuple[Change, ...]
    applied: tuple[Applied, ...]
    configuration: Configuration
    tags: Mapping[tuple[str, str], str] = attrs.field(factory=dict)
    versions: tuple[Version, ...] = ()
