"""
Why a write or a read is refused, other than by what is wrong in a document.

Every dialect of the API answers these in its own words; the store's own errors
do not pass above the control service.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from fiberlb.errors import Path, Position


@attrs.frozen
class Mention:
    """An object named in a refusal or in the history."""

    collection: str
    id: str
    name: str


class Refusal(Exception):
    """
    A request that cannot be done; the message is one sentence for a person.

    @cvar code: a stable word for programs.
    @ivar path: of the operation that is refused, among several.
    """

    code = "refused"
    path: Path = ()


class NotFound(Refusal):
    """
    No object of that id or name.

    @ivar collection: where it was looked for.
    @ivar word: the id or name.
    """

    code = "not_found"

    def __init__(self, collection: str, word: str) -> None:
        super().__init__(f"there is nothing called {word!r} in {collection}")
        self.collection = collection
        self.word = word


class Ambiguous(Refusal):
    """
    Several objects bear the name.

    @ivar ids: theirs.
    """

    code = "ambiguous"

    def __init__(self, collection: str, word: str, ids: Sequence[str]) -> None:
        super().__init__(f"{len(ids)} {collection} are named {word!r}; use an id")
        self.collection = collection
        self.word = word
        self.ids = tuple(ids)


class OwnedByFile(Refusal):
    """
    The object, or the list it would join, belongs to the configuration file.

    @ivar owned: the object.
    @ivar position: where it stands; C{None} for one that is there by default
        or came from the command's arguments.
    """

    code = "owned_by_file"

    def __init__(self, owned: Mention, position: Position | None, what: str = "") -> None:
        where = f"{position.file}, line {position.line}" if position else "the command's arguments"
        name = f"{what}{owned.name!r} of {owned.collection}"
        super().__init__(f"{name} belongs to the configuration file: change it in {where}")
        self.owned = owned
        self.position = position


class InUse(Refusal):
    """
    Other objects refer to one that would be deleted.

    @ivar used_by: those objects.
    """

    code = "in_use"

    def __init__(self, used: Mention, used_by: Sequence[Mention]) -> None:
        users = ", ".join(f"{m.name or m.id} of {m.collection}" for m in used_by)
        super().__init__(f"{used.name or used.id!r} of {used.collection} is used by {users}")
        self.used = used
        self.used_by = tuple(used_by)


class Exists(Refusal):
    """An object of that id is there already."""

    code = "exists"


class Stale(Refusal):
    """
    A precondition of the request does not hold.

    @ivar tag: the current entity tag; C{None}: there is no such object.
    """

    code = "stale"

    def __init__(self, tag: str | None) -> None:
        now = f"its tag is {tag!r} now" if tag is not None else "there is no such object"
        super().__init__(f"the precondition does not hold: {now}")
        self.tag = tag


class Contended(Refusal):
    """Every attempt met a commit of somebody else; nothing was stored."""

    code = "contended"

    def __init__(self) -> None:
        super().__init__("others kept changing the configuration at the same time; try again")


class TooBig(Refusal):
    """More in one write than the store takes."""

    code = "too_large"


class StoreAway(Refusal):
    """
    The store does not answer; what is in force keeps serving.

    @ivar uncertain: the write may be stored or not: look when the store is back.
    """

    code = "store_unavailable"

    def __init__(self, detail: str, uncertain: bool = False) -> None:
        super().__init__(detail)
        self.uncertain = uncertain


class Stopping(Refusal):
    """The process is about to end, or not yet started."""

    code = "shutting_down"

    def __init__(self) -> None:
        super().__init__("the process is starting or stopping and takes no changes")


class KeysUnchanged(Refusal):
    """The key-encryption keys cannot be changed; the message says why and what to do."""

    code = "keys_unchanged"


class Gone(Refusal):
    """A revision whose objects are not kept any more."""

    code = "revision_gone"


class NoRevision(Refusal):
    """There never was such a revision."""

    code = "no_revision"


class Unconfirmed(Refusal):
    """A change waits for its confirmation: nothing else is applied until then."""

    code = "unconfirmed"


class NothingToConfirm(Refusal):
    """No change waits for a confirmation, or not that one."""

    code = "nothing_to_confirm"
