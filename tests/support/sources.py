"""The project's own source text, as syntax trees, for the tests about its shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import attrs

import fiberlb

#: The checkout: where C{setup.cfg} is.
ROOT = Path(fiberlb.__file__).resolve().parent.parent


@attrs.frozen
class Source:
    """
    One Python file.

    @ivar name: its path below the checkout, with slashes.
    @ivar module: its dotted name; of a package's C{__init__.py} the package's.
    """

    name: str
    module: str
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, name: str, text: str) -> Source:
        """The source of a text that stands, or might stand, at C{name}."""
        steps = name.removesuffix(".py").split("/")
        if steps[-1] == "__init__":
            steps.pop()
        return cls(name, ".".join(steps), text, ast.parse(text))

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return self.text.count("\n")

    def imports(self) -> Iterator[tuple[int, str]]:
        """
        Line and full name of everything imported anywhere in the file.

        C{from a import b} gives C{a.b}: whether b is a module or a name in one
        does not matter to rules about prefixes.
        """
        package = (
            self.module if self.name.endswith("__init__.py") else self.module.rpartition(".")[0]
        )
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    up = package.split(".")[: len(package.split(".")) - node.level + 1]
                    base = ".".join(filter(None, [*up, base]))
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node


def sources(*folders: str) -> list[Source]:
    """Every Python file below these folders or files of the checkout, sorted."""
    paths: list[Path] = []
    for folder in folders:
        where = ROOT / folder
        paths += [where] if where.is_file() else where.rglob("*.py")
    names = sorted(str(path.relative_to(ROOT)) for path in paths if "__pycache__" not in path.parts)
    return [Source.parse(name, (ROOT / name).read_text("utf-8")) for name in names]
