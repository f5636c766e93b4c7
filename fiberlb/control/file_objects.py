"""Names, positions and ids of the objects of a configuration file (product page, decision 18)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from operator import is_
from typing import Any

import attrs

from fiberlb.control.tree import Tree, derived, flattened, identified, numbered
from fiberlb.control.yaml_file import Document
from fiberlb.errors import Path, Problem
from fiberlb.model.copying import evolved, replacers
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.resource import UUID_PATTERN, file_id

_fullmatch = re.compile(UUID_PATTERN).fullmatch
_NAMED = replacers("name")


def _is_uuid(word: str) -> bool:
    return len(word) == 36 and _fullmatch(word) is not None


@attrs.frozen
class Rooted:
    """
    An object at the top of a file's list, with what is nested in it.

    @ivar document: the file; C{None} when it came from the command's arguments.
    """

    document: Document | None
    tree: Tree


def settled(trees: Sequence[Rooted], memo: Any = None) -> tuple[list[Rooted], list[Problem]]:
    """
    Every object with its name, position and id.

    A policy without a name is C{policy-POSITION}, a rule C{rule-N}, counted
    from 1; a policy without a position comes after the last one of its
    listener. The ids are the same at every load.

    @param trees: in order of appearance.
    @param memo: as of L{fiberlb.control.tree.derived}.

    @return: the same trees, and what is wrong with names and ids.
    """
    words = _listener_words(trees)
    # Most objects have the same parent as what stands before them.
    meant = lru_cache(8)(partial(_meant, words=words))

    def make_id(collection: str, parent: str, name: str) -> str:
        return file_id(collection, meant(parent), name)

    done = [
        Rooted(root.document, identified(_with_name(root.tree, 0, memo), make_id, None, memo))
        for root in _placed(trees, words, memo)
    ]
    return done, list(_check(done, meant))


def _listener_words(trees: Iterable[Rooted]) -> Mapping[str, str]:
    """What the file's policies may call its listeners, by name or id -> the id."""
    words: dict[str, str] = {}
    for root in trees:
        made = root.tree.made
        if isinstance(made, Listener):
            ident = made.id.lower() or file_id(made.COLLECTION, "", made.name)
            words.update({made.name: ident, ident: ident})
    words.pop("", None)
    return words


def _meant(word: str, words: Mapping[str, str]) -> str:
    """The id of the listener that a word stands for; the word itself of any other parent."""
    ident = word.lower() if _is_uuid(word) else word
    return words.get(ident, ident)


def _placed(trees: Sequence[Rooted], words: Mapping[str, str], memo: Any) -> list[Rooted]:
    """The trees, all policies numbered: flat and nested ones of a listener count together."""
    of: dict[str, list[tuple[int, int, Tree]]] = {}
    for index, root in enumerate(trees):
        made = root.tree.made
        if isinstance(made, Listener):
            ident = words.get(made.id.lower() or made.name, "")
            for number, child in enumerate(root.tree.children):
                of.setdefault(ident, []).append((index, number, child))
        elif isinstance(made, L7Policy):
            ident = _meant(made.listener_id, words)
            of.setdefault(ident, []).append((index, -1, root.tree))
    done = [root.tree for root in trees]
    nested: dict[int, list[Tree]] = {}
    for policies in of.values():
        numbers = numbered((child for _, _, child in policies), (), memo)
        for (index, number, _), tree in zip(policies, numbers, strict=True):
            if number < 0:
                done[index] = tree
                continue
            if index not in nested:
                nested[index] = list(done[index].children)
            nested[index][number] = tree
    for index, children in nested.items():
        done[index] = evolved(done[index], children=tuple(children))
    return [Rooted(root.document, tree) for root, tree in zip(trees, done, strict=True)]


def _with_name(tree: Tree, number: int, memo: Any) -> Tree:
    made, children = tree.made, tree.children
    if not made.name:
        if isinstance(made, L7Policy):
            made = _NAMED[L7Policy](made, f"policy-{made.position}")
        elif isinstance(made, L7Rule):
            made = _NAMED[L7Rule](made, f"rule-{number}")
    if memo is None or isinstance(made, L7Policy):
        # What is in a policy is remembered with it, if at all.
        inner = [_with_name(child, n, None) for n, child in enumerate(children, 1)]
    else:
        inner = [
            derived(memo, child, ("name", n), partial(_with_name, child, n, memo))
            for n, child in enumerate(children, 1)
        ]
    if made is tree.made and all(map(is_, inner, children)):
        return tree
    return Tree(made, tree.path, tuple(inner), tree.given, tree.parent_path)


def _check(trees: Iterable[Rooted], meant: Callable[[str], str]) -> Iterator[Problem]:
    names: dict[tuple[str, str, str], tuple[Document | None, Path]] = {}
    ids: dict[str, tuple[Document | None, Path]] = {}
    for root in trees:
        for tree in flattened(root.tree):
            made, document = tree.made, root.document
            name = made.name
            if not name:
                at = (*tree.path, "name")
                yield _located(document, Problem(at, "is needed", code="missing"))
                continue
            if _is_uuid(name):
                message = "must not look like an id; give the id as id:"
                yield _located(document, Problem((*tree.path, "name"), message))
            here = (document, tree.path)
            first = names.setdefault((made.COLLECTION, meant(tree.parent), name), here)
            if first is not here:
                at = (*tree.path, "name")
                message = f"the name {name!r} is taken by {_told(*first)}"
                yield _located(document, Problem(at, message, code="duplicate"))
            elif (first := ids.setdefault(made.id, here)) is not here:
                message = f"the id {made.id} is taken by {_told(*first)}"
                at = (*tree.path, "id")
                yield _located(document, Problem(at, message, code="duplicate"))


def _located(document: Document | None, problem: Problem) -> Problem:
    return problem if document is None else document.located(problem)


def _told(document: Document | None, path: Path) -> str:
    field = Problem(path, "").field
    if document is None:
        return field
    place = document.position(path)
    return f"{field} ({place.file}, line {place.line})"
