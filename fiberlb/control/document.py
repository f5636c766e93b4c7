"""
The file layer: what the configuration file says, every object with its place.

References are still names here; L{fiberlb.control.validate} resolves them
together with the objects of the store.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from fiberlb.control.file_material import FileMaterial, Files, materials, opened
from fiberlb.control.file_objects import Rooted, settled
from fiberlb.control.file_settings import load_settings, merged, settings_part
from fiberlb.control.file_values import NamedFile, Reading, content
from fiberlb.control.scrap import scrapped
from fiberlb.control.tree import Tree, flattened, structure_tree
from fiberlb.control.tree_memo import TreeMemo
from fiberlb.control.yaml_file import LARGEST, Document, read_yaml
from fiberlb.errors import ConfigurationError, Path, Position, Problem
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.fields import Loading
from fiberlb.model.resource import Meta, Owner, Resource
from fiberlb.model.settings import Settings
from fiberlb.model.store import EtcdSettings

#: What stands elsewhere, of most objects.
_NOTHING: Mapping[str, Path] = {}


@attrs.define
class Place:
    """
    Where an object stands. It does not change; that it could makes it in half the time.

    @ivar document: the file; C{None} when it came from the command's arguments.
    @ivar path: within that document.
    @ivar elsewhere: fields that stand under another path than their own name.
    """

    document: Document | None
    path: Path
    elsewhere: Mapping[str, Path] = _NOTHING

    def of(self, field: Path) -> Path:
        """The path in the document of a field of the object, C{()} for the object itself."""
        if field and field[0] in self.elsewhere:
            return (*self.elsewhere[str(field[0])], *field[1:])
        return (*self.path, *field)


@attrs.frozen
class FileLayer:
    """
    What C{-c} names, or C{--from} and C{--to}: node-local, never stored.

    @ivar settings: the process settings, every path in them absolute.
    @ivar configuration: the objects, owned by the file; references are still
        the words that the file has (names or ids), but nested objects have
        their parent's id.
    @ivar places: (collection, id) -> where the object stands.
    @ivar owned_lists: (parent's id, child collection) of the child lists that
        the file gives; other child lists are left to the API.
    @ivar files: the files that were read, in order; empty without a file.
    @ivar materials: by id, the certificates that have values in files of their own.
    @ivar admin_files: the fields of C{admin.tls_config} that have files of their own.
    @ivar token_files: the same of C{admin.tokens}, by their places in that list.
    @ivar admin_ports: where the admin API may listen, the first free one is
        taken; C{None}: as the settings say.
    @ivar ephemeral: nothing may be written to disk.
    """

    settings: Settings
    configuration: Configuration
    places: Mapping[tuple[str, str], Place] = attrs.field(factory=dict)
    owned_lists: frozenset[tuple[str, str]] = frozenset()
    files: tuple[str, ...] = ()
    materials: Mapping[str, FileMaterial] = attrs.field(factory=dict, repr=False)
    admin_files: Mapping[str, NamedFile] = attrs.field(factory=dict, repr=False)
    token_files: Mapping[int, NamedFile] = attrs.field(factory=dict, repr=False)
    admin_ports: range | None = None
    ephemeral: bool = False

    def position(self, path: Path) -> Position | None:
        """
        Where a field stands in a file: the key, else the nearest thing around it.

        @param path: (collection, id, field, ...), as configuration-wide checks give it.
        """
        place = self._place(path)
        if place is None or place.document is None:
            return None
        return place.document.position(place.of(path[2:]))

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """
        Problems at (collection, id, field, ...) told as the file's reader knows them.

        Those about objects of the file get the path in the document and the
        position; the others are left as they are, and come last. Ordered as
        in the file.
        """
        told = []
        for problem in problems:
            place = None if problem.position else self._place(problem.path)
            if place is not None:
                position = self.position(problem.path)
                path = place.of(problem.path[2:])
                problem = attrs.evolve(problem, path=path, position=position)
            told.append(problem)
        return in_order(told, self.files)

    def _place(self, path: Path) -> Place | None:
        return self.places.get((str(path[0]), str(path[1]))) if len(path) > 1 else None


def in_order(problems: Iterable[Problem], files: Sequence[str]) -> list[Problem]:
    """Problems as their files have them, those without a position last."""

    def key(problem: Problem) -> tuple[int, int, int]:
        place = problem.position
        if place is None or place.file not in files:
            return (len(files), 0, 0)
        return (files.index(place.file), place.line, place.column)

    return sorted(problems, key=key)


def load_file(
    path: str,
    environ: Mapping[str, str],
    now: str = "",
    memo: TreeMemo | None = None,
    again: bool = False,
) -> FileLayer:
    """
    Read a configuration file, or the C{*.yaml} of a directory in lexical order.

    @param environ: the variables for C{${NAME}}.
    @param now: RFC 3339 in UTC, for the objects' times.
    @param memo: of the earlier readings, for what has not changed since.
    @param again: what was read before is in force: neither a pipe, which could block for ever, nor
        files that hold nothing, as they are while they are being written, may take its place.

    @raise ConfigurationError: with every problem, each with its position.
    """
    files = _files(path)
    if memo is not None:
        memo.begin()
    problems: list[Problem] = []
    documents = []
    for name in files:
        try:
            documents.append(read_yaml(content(name, LARGEST, regular=again), name, environ))
        except ConfigurationError as why:
            problems += why.problems
        except OSError as why:
            problems.append(_unreadable(name, why))
    if again and not problems and all(document.tree is None for document in documents):
        problems.append(Problem((), f"{path} is empty; for a file without anything write {{}}"))
    problems += _given_twice(documents)
    parts: list[tuple[Mapping[str, Any], Settings]] = []
    roots: list[Rooted] = []
    named: Files = {}
    for document in documents:
        problems += _load_document(document, parts, roots, named, memo)
    trees, more = settled(roots, memo)
    done, refused = opened(trees)
    problems += [*more, *refused]
    settings = merged(parts)
    problems += _to_apply(settings, documents)
    if problems:
        raise ConfigurationError(in_order(problems, files))
    made = layer(settings, done, now, files)
    made = attrs.evolve(
        made,
        places={**made.places, **_tests_at(documents)},
        materials=materials(trees, named),
        admin_files=_of_admin(named),
        token_files=_of_tokens(named),
    )
    waste: list[Any] = [roots, trees, done]
    del roots, trees, done
    # Others have their turns in between.
    deque(scrapped(waste), 0)
    return made


def _tests_at(documents: Iterable[Document]) -> dict[tuple[str, str], Place]:
    """Where the tests stand, as problems of them name them (L{fiberlb.control.expecting})."""
    return {
        ("tests", str(number)): Place(document, ("tests", number))
        for document in documents
        if isinstance(document.tree, dict)
        for number in range(len(document.tree.get("tests") or ()))
    }


def _of_admin(named: Files) -> dict[str, NamedFile]:
    """The files that C{admin.tls_config} names, by its fields."""
    return {
        str(path[2]): file
        for (_, path), file in named.items()
        if path[:2] == ("admin", "tls_config") and len(path) == 3
    }


def _of_tokens(named: Files) -> dict[int, NamedFile]:
    """The files that C{admin.tokens} names, by the places of the tokens; one may stand alone."""
    return {
        next((step for step in path if isinstance(step, int)), 0): file
        for (_, path), file in named.items()
        if path[:2] == ("admin", "tokens")
    }


def layer(
    settings: Settings, roots: Iterable[Rooted], now: str, files: Sequence[str] = ()
) -> FileLayer:
    """The layer of settled trees: objects by collection, each with its place."""
    objects: dict[str, dict[str, Resource]] = {collection: {} for collection in COLLECTIONS}
    meta: dict[str, Meta] = {}
    places: dict[tuple[str, str], Place] = {}
    owned: set[tuple[str, str]] = set()
    read = Meta(Owner.FILE, now, now, 0)
    for root in roots:
        for tree in flattened(root.tree):
            made = tree.made
            collection, ident = made.COLLECTION, made.id
            objects[collection][ident] = made
            meta[ident] = read
            places[collection, ident] = Place(root.document, tree.path, _elsewhere(tree))
            if tree.given:
                owned.update((ident, child) for child in tree.given)
    configuration = Configuration(0, objects, meta)
    return FileLayer(settings, configuration, places, frozenset(owned), tuple(files))


def _elsewhere(tree: Tree) -> Mapping[str, Path]:
    parent = tree.made.PARENT
    if tree.parent_path is None or parent is None:
        return _NOTHING
    return {parent[0]: tree.parent_path}


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    try:
        names = sorted(os.listdir(path))
    except OSError as why:
        raise ConfigurationError([_unreadable(path, why)]) from None
    found = [name for name in names if name.endswith(".yaml") and not name.startswith(".")]
    if not found:
        other = next((name for name in names if name.endswith((".yml", ".json"))), None)
        hint = f"; {other} is not one" if other else ""
        raise ConfigurationError(
            [Problem((), f"{path} holds no *.yaml file{hint}", code="missing")]
        )
    return [os.path.join(path, name) for name in found]


def _unreadable(name: str, why: OSError) -> Problem:
    return Problem((), f"cannot read {name}: {why.strerror}", code="unreadable")


def _given_twice(documents: Iterable[Document]) -> list[Problem]:
    """Settings that more than one file of a directory gives."""
    first: dict[str, Document] = {}
    problems = []
    for document in documents:
        if not isinstance(document.tree, dict):
            continue
        for key in settings_part(document.tree):
            other = first.setdefault(key, document)
            if other is not document and key != "version":
                message = f"is given by {other.position((key,))} too"
                problems.append(document.located(Problem((key,), message, code="duplicate")))
    return problems


def _to_apply(settings: Settings, documents: Iterable[Document]) -> list[Problem]:
    """Objects beside a store that nodes share; there they are everybody's (decision 17)."""
    if not isinstance(settings.store, EtcdSettings):
        return []
    message = "objects go into the store that nodes share: fiberlb apply -c FILE puts them there"
    return [
        document.located(Problem((key,), message, code="not_here"))
        for document in documents
        if isinstance(document.tree, dict)
        for key in document.tree
        if key in Settings.CHILDREN and document.tree[key]
    ]


def _load_document(
    document: Document,
    parts: list[tuple[Mapping[str, Any], Settings]],
    roots: list[Rooted],
    files: Files,
    memo: TreeMemo | None,
) -> list[Problem]:
    """
    One file's settings into C{parts}, its objects into C{roots}, what it names into C{files};
    what is wrong with it.
    """
    tree = {} if document.tree is None else document.tree
    directory = os.path.dirname(os.path.abspath(document.file))
    reading = Reading(directory)
    loading = Loading(reading)
    if memo is not None:
        memo.begin_file(document.file)
        loading.memo = memo
    if not isinstance(tree, dict):
        loading.refuse((), "must be a mapping")
        tree = {}
    part = settings_part(tree)
    settings = load_settings(part, directory, loading)
    if settings is not None:
        parts.append((part, settings))
    for key, value in tree.items():
        if key in Settings.CHILDREN:
            found = _load_list(key, value, loading)
            roots += [Rooted(document, each) for each in found]
    for path, name in loading.files.items():
        files[document.file, path] = reading.files[name]
    unset = [problem.path for problem in document.problems if problem.code == "variable"]
    said = [p for p in loading.problems if p.path not in unset]
    return [*document.problems, *map(document.located, said)]


def _load_list(key: str, values: Any, loading: Loading) -> list[Tree]:
    if values is None:
        return []
    if not isinstance(values, list):
        loading.refuse((key,), "must be a list")
        return []
    collection = Settings.CHILDREN[key]
    trees: list[Tree] = []
    for index, value in enumerate(values):
        trees += structure_tree(collection, value, (key, index), loading)
    return trees
