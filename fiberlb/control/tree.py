"""
One object of a document with the objects nested in it.

A pool's document may hold its members, a listener's its policies, a policy's
its rules. The configuration file and nested bodies of the API are read by the
same code; they differ in where ids come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import structure
from fiberlb.model.copying import evolved, replacers
from fiberlb.model.fields import Loading
from fiberlb.model.l7 import L7Policy
from fiberlb.model.pool import Pool
from fiberlb.model.resource import Resource, file_id
from fiberlb.model.together import together

#: What a policy without a position comes after the last one.
POSITION_STEP = 10
#: The collection that there may be very many objects of, and that a reading remembers.
_LARGE = L7Policy.COLLECTION
_NUMBERED = replacers("position")
_NO_LISTS: frozenset[str] = frozenset()
#: Makes an id: called with the collection, the parent's id (C{""}: none) and the name.
MakeId = Callable[[str, str, str], str]
#: Makes the ids of several objects: called with their collection, and of each its parent's id and
#: its name.
MakeIds = Callable[[str, Sequence[str], Sequence[str]], list[str]]


@attrs.define
class Tree:
    """
    An object with its children, as a document gives them. It does not change; that it could makes
    it in half the time.

    @ivar made: the object; its id is C{""} unless the document gives one, and
        so is the parent's id of one that is nested.
    @ivar path: where it stands in the document.
    @ivar children: the nested objects, in order of appearance.
    @ivar given: the child collections whose list the document gives; a list
        that is not given is not owned by the document.
    @ivar parent_path: where the parent is named; C{None}: by nesting, or by
        the parent's own field.
    """

    made: Resource
    path: Path
    children: tuple[Tree, ...] = ()
    given: frozenset[str] = frozenset()
    parent_path: Path | None = None

    @property
    def collection(self) -> str:
        """The collection that the object belongs to."""
        return self.made.COLLECTION

    @property
    def parent(self) -> str:
        """The parent's id or name; C{""} when there is none, or it is not known yet."""
        parent = self.made.PARENT
        return "" if parent is None else getattr(self.made, parent[0])

    def of(self, field: Path) -> Path:
        """The path in the document of a field of the object, C{()} for the object itself."""
        parent, at = self.made.PARENT, self.parent_path
        if field and at is not None and parent is not None and field[0] == parent[0]:
            return (*at, *field[1:])
        return (*self.path, *field)


def structure_tree(
    collection: str, value: Any, path: Path, loading: Loading, parent: str | None = ""
) -> list[Tree]:
    """
    Read one object and the objects nested in it.

    @param collection: a key of L{COLLECTIONS}.
    @param value: the object's document: a mapping or a short form.
    @param path: where it stands, for the problems.
    @param loading: gathers the problems.
    @param parent: the id of the parent when the place of the document says
        it; C{None}: the parent is known by nesting, and gets its id later;
        C{""}: the document has to name it.

    @return: the object; several for a policy with C{listener_ids}; none after
        a problem was noted.
    """
    name = value.get("name") if isinstance(value, dict) else None
    memo = loading.memo if collection == _LARGE and isinstance(name, str) else None
    if memo is None:
        return _structured(COLLECTIONS[collection], value, path, loading, parent)
    key = (path[:-1], parent, name)
    known: list[Tree] | None = memo.find(key, value)
    if known is not None:
        return [moved(tree, path) for tree in known]
    before = len(loading.problems), len(loading.files)
    made = _structured(COLLECTIONS[collection], value, path, loading, parent)
    if before == (len(loading.problems), len(loading.files)):
        memo.keep(key, value, made)
    return made


def moved(tree: Tree, path: Path) -> Tree:
    """The tree as it stands at another place of its document."""
    if tree.path == path:
        return tree
    length = len(tree.path)
    children = tuple(moved(child, (*path, *child.path[length:])) for child in tree.children)
    at = tree.parent_path
    return Tree(tree.made, path, children, tree.given, at and (*path, *at[length:]))


def _structured(
    cls: type[Resource], value: Any, path: Path, loading: Loading, parent: str | None
) -> list[Tree]:
    listeners: list[tuple[str, Path]] | None = None
    if cls is L7Policy and parent == "" and isinstance(value, dict) and "listener_ids" in value:
        listeners = _listener_ids(value, path, loading)
        value = {key: value[key] for key in value if key not in ("listener_id", "listener_ids")}
        parent = None
    made = structure(cls, value, path, loading)
    nests = hasattr(cls, "CHILDREN")
    children, given = _children(cls, value, path, loading) if nests else ((), _NO_LISTS)
    if made is None or not _has_parent(made, value, parent, path, loading):
        return []
    if parent:
        made = _bound(made, parent)
    if listeners is None:
        return [Tree(made, path, children, given)]
    return [Tree(_bound(made, word), path, children, given, at) for word, at in listeners]


def _children(
    cls: type[Resource], value: Any, path: Path, loading: Loading
) -> tuple[tuple[Tree, ...], frozenset[str]]:
    found: list[Tree] = []
    given: set[str] = set()
    for key, collection in getattr(cls, "CHILDREN", {}).items():
        if not isinstance(value, dict) or key not in value:
            continue
        given.add(collection)
        if not isinstance(value[key], list):
            loading.refuse((*path, key), "must be a list; leave the key out to leave it alone")
            continue
        if loading.memo is None:
            found += _list(COLLECTIONS[collection], value[key], (*path, key), loading)
            continue
        for index, child in enumerate(value[key]):
            found += structure_tree(collection, child, (*path, key, index), loading, None)
    return tuple(found), frozenset(given)


def _list(cls: type[Resource], values: list[Any], path: Path, loading: Loading) -> list[Tree]:
    """Children that stand in a list: those that are in order all at once, with what they nest."""
    objects = _objects(cls, values)
    within, given = _all_within(cls, values, objects, path)
    paths = [(*path, index) for index in range(len(values))]
    trees = list(map(Tree, objects, paths, within, given))
    if None not in objects and None not in within:
        return trees
    found: list[Tree] = []
    for tree, value in zip(trees, values, strict=True):
        if tree.made is None or tree.children is None:
            found += _structured(cls, value, tree.path, loading, None)
        else:
            found.append(tree)
    return found


def _objects(cls: type[Resource], values: list[Any]) -> list[Any]:
    """The objects of documents; C{None} for one that has to be read by itself."""
    objects = together(cls, values)
    of = cls.PARENT
    if of is None:
        return objects
    # Whoever is nested and names a parent all the same is told so where it stands.
    return [made if made is None or not getattr(made, of[0]) else None for made in objects]


def _all_within(
    cls: type[Resource], values: list[Any], objects: list[Any], path: Path
) -> tuple[list[Any], list[frozenset[str]]]:
    """
    The children of the documents, and which of their lists are given, each as a L{Tree} has them.

    @return: C{None} in place of children that have to be read by themselves.
    """
    nests: dict[str, str] = getattr(cls, "CHILDREN", {})
    none = [_NO_LISTS] * len(values)
    if not nests:
        return [()] * len(values), none
    if len(nests) > 1 or any(hasattr(COLLECTIONS[each], "CHILDREN") for each in nests.values()):
        return [None] * len(values), none
    ((key, collection),) = nests.items()
    lists = [
        value.get(key, ()) if made is not None and type(value) is dict else None
        for value, made in zip(values, objects, strict=True)
    ]
    lengths = [len(each) if isinstance(each, list) else 0 for each in lists]
    nested = [one for each in lists if isinstance(each, list) for one in each]
    paths = [(*path, row, key, n) for row, length in enumerate(lengths) for n in range(length)]
    made = _objects(COLLECTIONS[collection], nested)
    several = iter(list(map(Tree, made, paths)))
    within: list[Any] = [tuple(islice(several, length)) for length in lengths]
    here = frozenset({collection})
    given = [here if isinstance(each, list) else _NO_LISTS for each in lists]
    odd: set[Any] = {at[-3] for one, at in zip(made, paths, strict=True) if one is None}
    odd.update([row for row, each in enumerate(lists) if each != () and given[row] is not here])
    for row in odd:
        within[row] = None
    return within, given


def _has_parent(
    made: Resource, value: Any, parent: str | None, path: Path, loading: Loading
) -> bool:
    """Whether the parent is named exactly where it should be."""
    if made.PARENT is None:
        return True
    word = made.PARENT[0]
    if parent == "" and not getattr(made, word):
        loading.refuse((*path, word), "is needed", code="missing")
        return False
    if parent != "" and getattr(made, word) not in ("", parent):
        loading.refuse((*path, word), "is said by the place where this stands; leave it out")
        return False
    return True


def _bound(made: Resource, parent: str) -> Resource:
    """The object with its parent's id, if it is of a kind that has one."""
    fields: dict[str, Any] = {} if made.PARENT is None else {made.PARENT[0]: parent}
    return evolved(made, **fields)


def _listener_ids(value: dict[str, Any], path: Path, loading: Loading) -> list[tuple[str, Path]]:
    at = (*path, "listener_ids")
    words = value["listener_ids"]
    if "listener_id" in value:
        loading.refuse(at, "listener_id and listener_ids exclude each other")
    elif not isinstance(words, list) or not words or not all(map(_is_word, words)):
        loading.refuse(at, "must be a list of names or ids")
    elif len(set(words)) < len(words):
        loading.refuse(at, "names a listener twice", code="duplicate")
    elif value.get("id") and len(words) > 1:
        loading.refuse((*path, "id"), "does not go with several listeners")
    else:
        return [(str(word), (*at, index)) for index, word in enumerate(words)]
    return []


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def derived(memo: Any, tree: Tree, further: tuple[Any, ...], make: Callable[[], Tree]) -> Tree:
    """
    What is made of a tree: made now, or the same object as at an earlier reading.

    @param memo: L{fiberlb.control.tree_memo.TreeMemo}; C{None} remembers nothing.
    @param further: what else it depends on.
    """
    if memo is None or tree.collection != _LARGE:
        return make()
    found: Tree = memo.derived(tree, further, make)
    return found


def numbered(policies: Iterable[Tree], taken: Iterable[int] = (), memo: Any = None) -> list[Tree]:
    """
    The policies of one listener, each with a position.

    @param policies: in order of appearance.
    @param taken: positions of the policies that the listener has already.
    """
    several = list(policies)
    return [
        derived(memo, tree, ("position", position), partial(positioned, tree, position))
        for tree, position in zip(several, positions(several, taken), strict=True)
    ]


def positions(policies: Iterable[Tree], taken: Iterable[int] = ()) -> Iterator[int]:
    """
    The positions of the policies of one listener: what each says, or after the highest so far.

    @param taken: as of L{numbered}.
    """
    last = max(taken, default=0)
    for tree in policies:
        assert isinstance(tree.made, L7Policy)
        position = tree.made.position
        if position is None:
            position = last + POSITION_STEP
        last = max(last, position)
        yield position


def positioned(tree: Tree, position: int) -> Tree:
    """A policy at a position, if it does not say one itself."""
    if tree.made.position is not None:  # type: ignore[attr-defined]
        return tree
    made = _NUMBERED[L7Policy](tree.made, position)
    return Tree(made, tree.path, tree.children, tree.given, tree.parent_path)


def identified(tree: Tree, make_id: MakeId, parent: str | None = None, memo: Any = None) -> Tree:
    """
    The tree with an id for every object that has none, children bound to their parents.

    Positions of nested policies are set on the way.

    @param parent: the parent's id; C{None} leaves the parent as it is.
    @param memo: where C{make_id} makes the same at each reading, as of L{derived}.
    """
    made = tree.made
    within = tree.parent if parent is None or made.PARENT is None else parent
    ident = made.id.lower() or make_id(tree.collection, within, made.name)
    fields: dict[str, Any] = {"id": ident}
    if made.PARENT is not None:
        fields[made.PARENT[0]] = within
    if isinstance(made, Pool) and made.health_monitor and not made.health_monitor.id:
        monitor = made.health_monitor
        # One per pool, so that it needs no name to be the same one for as long as the pool is.
        checked = file_id(monitor.COLLECTION, ident, "")
        fields["health_monitor"] = evolved(monitor, id=checked)
    children: Iterable[Tree] = tree.children
    if tree.children and isinstance(tree.children[0].made, L7Policy):
        children = numbered(children)
    bound = tuple(
        derived(memo, child, ("id", ident), partial(identified, child, make_id, ident))
        for child in children
    )
    return Tree(evolved(made, **fields), tree.path, bound, tree.given, tree.parent_path)


def flattened(tree: Tree) -> Iterator[Tree]:
    """The object, then its children, theirs after each."""
    yield tree
    for child in tree.children:
        yield from flattened(child)
