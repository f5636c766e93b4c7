"""Certificates of a configuration file, brought into the one form that everything else knows."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from fiberlb.control.file_objects import Rooted
from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.certificate import Certificate
from fiberlb.tls.bundles import unpacked


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
