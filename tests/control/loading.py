"""Configuration files for tests: written, loaded, refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import FileLayer, load_file
from fiberlb.errors import ConfigurationError


def written(case: SynchronousTestCase, files: Mapping[str, str | bytes]) -> str:
    """A new directory with these files; its path."""
    directory = Path(case.mktemp()).absolute()
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(directory)


def load(case: SynchronousTestCase, text: str, **environ: str) -> FileLayer:
    """The layer of a file with this text."""
    return load_file(f"{written(case, {'f.yaml': text})}/f.yaml", environ)


def refused(path: str, environ: Mapping[str, str]) -> list[str]:
    """Why a file is refused, a sentence each, without the directory's name."""
    try:
        load_file(path, environ)
    except ConfigurationError as why:
        directory = path if not path.endswith(".yaml") else path.rpartition("/")[0]
        return [str(problem).replace(f"{directory}/", "") for problem in why.problems]
    raise AssertionError("was loaded")


def refusals(case: SynchronousTestCase, text: str, **environ: str) -> list[str]:
    """Why a file with this text is refused."""
    return refused(f"{written(case, {'f.yaml': text})}/f.yaml", environ)
