"""Sizes, docstrings and names: what keeps the code readable, as a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator

from twisted.trial.unittest import SynchronousTestCase

from tests.support.sources import ROOT, Source, sources

LONGEST_FUNCTION = 60
LONGEST_FILE = 400

#: Source files whose tests have another name, and why.
TESTED_ELSEWHERE: dict[str, str] = {}

_EMPTY_NAMES = re.compile(r"Manager|Handler|Helper|Util", re.IGNORECASE)

_Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public_names(source: Source) -> Iterator[tuple[str, _Documented]]:
    """
    Classes and functions that others may use: at the top or in a public class.
    """

    def within(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, _Documented]]:
        for node in body:
            if isinstance(node, _Documented) and not node.name.startswith("_"):
                yield f"{prefix}{node.name}", node
                if isinstance(node, ast.ClassDef):
                    yield from within(node.body, f"{prefix}{node.name}.")

    yield from within(source.tree.body, "")


def undocumented(source: Source, promised: Container[str] = ()) -> Iterator[str]:
    """
    The module, or public names in it, without a docstring.

    @param promised: methods documented once, by the protocol they belong to.
    """
    if source.text.strip() and ast.get_docstring(source.tree) is None:
        yield f"{source.name}: the module"
    for name, node in public_names(source):
        inherited = "." in name and node.name in promised
        if ast.get_docstring(node) is None and not inherited and not _is_overload(node):
            yield f"{source.name}:{node.lineno}: {name}"


def promises(source: Source) -> frozenset[str]:
    """Names of the documented methods of the C{typing.Protocol} classes in a source."""
    return frozenset(
        method.name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(b).split("[")[0].endswith("Protocol") for b in node.bases)
        for method in node.body
        if isinstance(method, _Documented) and ast.get_docstring(method) is not None
    )


def _is_overload(node: _Documented) -> bool:
    words = {ast.unparse(d).split(".")[-1] for d in node.decorator_list}
    return bool(words & {"overload", "setter", "override"})


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from C{def} to its end."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


class SizeTests(SynchronousTestCase):
    """Nothing grows past what can be read at once."""

    def test_functions(self) -> None:
        """No function of code or tests is longer than the limit."""
        found = [
            f"{source.name}:{node.lineno}: {node.name} has {length(node)} lines"
            for source in sources("fiberlb", "tests", "twisted", "benchmarks")
            for node in source.functions()
            if length(node) > LONGEST_FUNCTION
        ]
        self.assertEqual(found, [])

    def test_files(self) -> None:
        """No source file is longer than the limit."""
        found = [
            f"{source.name} has {source.lines} lines"
            for source in sources("fiberlb", "benchmarks", "twisted")
            if source.lines > LONGEST_FILE
        ]
        self.assertEqual(found, [])


class DocstringTests(SynchronousTestCase):
    """What is public says what it is for."""

    def shared(self) -> frozenset[str]:
        """Methods of the kinds of values, which every model file may implement."""
        return frozenset().union(*map(promises, sources("fiberlb/model/fields.py")))

    def test_public(self) -> None:
        """Each module, class, function and method that is public has a docstring."""
        # Every part has kinds of values; what their methods do is said once, by the protocol.
        kinds = frozenset(n for s in sources("fiberlb/model/fields.py") for n in promises(s))
        found: list[str] = []
        for source in sources("fiberlb", "benchmarks"):
            found += undocumented(source, kinds | promises(source))
        self.assertEqual(found, [])

    def test_tests(self) -> None:
        """Each test says its intent."""
        found = [
            f"{source.name}:{node.lineno}: {node.name}"
            for source in sources("tests")
            for node in source.functions()
            if node.name.startswith("test_") and ast.get_docstring(node) is None
        ]
        self.assertEqual(found, [])

    def test_rule(self) -> None:
        """A bare public method is seen; private ones and overloads are not."""
        text = '"""M."""\nclass A:\n    """A."""\n    def b(self): ...\n    def _c(self): ...\n'
        self.assertEqual(list(undocumented(Source.parse("x.py", text))), ["x.py:4: A.b"])


class NameTests(SynchronousTestCase):
    """Names say what a thing does."""

    def test_classes(self) -> None:
        """No name consists of words that fit everything."""
        found = [
            f"{source.name}:{node.lineno}: {node.name}"
            for source in sources("fiberlb", "benchmarks")
            for node in ast.walk(source.tree)
            if isinstance(node, _Documented) and _EMPTY_NAMES.search(node.name)
        ]
        self.assertEqual(found, [])
        self.assertEqual([s.name for s in sources("fiberlb") if _EMPTY_NAMES.search(s.name)], [])


class PairTests(SynchronousTestCase):
    """Tests stand where one looks for them."""

    def test_pairs(self) -> None:
        """C{fiberlb/a/b.py} is tested by C{tests/a/test_b.py}."""
        missing = [
            f"{source.name}: no {expected}"
            for source in sources("fiberlb")
            if not source.name.endswith("__init__.py")
            and not (ROOT / (expected := tests_of(source.name))).exists()
            and source.name not in TESTED_ELSEWHERE
        ]
        self.assertEqual(missing, [])

    def test_exceptions(self) -> None:
        """The exceptions name files that exist and have indeed no test file of their own."""
        for name in TESTED_ELSEWHERE:
            self.assertTrue((ROOT / name).exists(), name)
            self.assertFalse((ROOT / tests_of(name)).exists(), name)


def tests_of(name: str) -> str:
    """Where the tests of a source file are."""
    folder, _, file = name.removeprefix("fiberlb/").rpartition("/")
    return "/".join(filter(None, ["tests", folder, f"test_{file}"]))
