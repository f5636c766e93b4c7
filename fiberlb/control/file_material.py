"""
Certificates of a configuration file: brought into the one form that everything else knows, and
read again when the files that they stand in have changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from fiberlb.control.file_objects import Rooted
from fiberlb.control.file_values import NamedFile, Reading
from fiberlb.errors import ConfigurationError, Path, Problem
from fiberlb.model.certificate import Certificate
from fiberlb.model.convert import kinds
from fiberlb.model.fields import REFUSED, Loading
from fiberlb.tls.bundles import unpacked

#: (configuration file, place in it) -> what a C{file:} value there names.
Files = dict[tuple[str, Path], NamedFile]


@attrs.frozen
class FileMaterial:
    """
    A certificate with values in files of their own.

    @ivar made: as the configuration file has it, before it was brought into PEM.
    @ivar files: its fields that stand in files.
    """

    made: Certificate = attrs.field(repr=False)
    files: Mapping[str, NamedFile]

    @property
    def changed(self) -> bool:
        """Whether any of the files has changed since; blocks."""
        return any(file.changed for file in self.files.values())

    def again(self) -> FileMaterial:
        """
        The same, read anew; blocks.

        @raise ConfigurationError: a file cannot be read; at its field.
        """
        reading = Reading("/")
        loading = Loading(reading)
        values: dict[str, Any] = {}
        for field, file in self.files.items():
            value = kinds(Certificate)[field].load(f"file:{file.path}", (field,), loading)
            if value is not REFUSED:
                values[field] = value
        if loading.problems:
            raise ConfigurationError(loading.problems)
        files = {field: reading.files[file.path] for field, file in self.files.items()}
        made = attrs.evolve(self.made, **values)
        made.check((), loading)
        if loading.problems:
            raise ConfigurationError(loading.problems)
        return FileMaterial(made, files)


def materials(roots: Sequence[Rooted], files: Files) -> dict[str, FileMaterial]:
    """
    The certificates that have values in files, by id.

    @param roots: with their ids, before L{opened}.
    """
    found = {}
    for root in roots:
        made, document = root.tree.made, root.document
        if not isinstance(made, Certificate) or document is None:
            continue
        places = (
            (field, (document.file, (*root.tree.path, field))) for field in kinds(Certificate)
        )
        own = {field: files[place] for field, place in places if place in files}
        if own:
            found[made.id] = FileMaterial(made, own)
    return found


def opened(roots: Sequence[Rooted]) -> tuple[list[Rooted], list[Problem]]:
    """
    The objects with every certificate in PEM, and what could not be opened, with its place.
    """
    done: list[Rooted] = []
    problems: list[Problem] = []
    for root in roots:
        made = root.tree.made
        if isinstance(made, Certificate):
            try:
                made = unpacked(made)
            except ConfigurationError as why:
                problems += [_placed(root, problem) for problem in why.problems]
            if made is not root.tree.made:
                root = attrs.evolve(root, tree=attrs.evolve(root.tree, made=made))
        done.append(root)
    return done, problems


def _placed(root: Rooted, problem: Problem) -> Problem:
    problem = attrs.evolve(problem, path=(*root.tree.path, *problem.path))
    return problem if root.document is None else root.document.located(problem)
