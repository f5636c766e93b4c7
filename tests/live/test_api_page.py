"""The examples of docs/api.rst, run against a process as they stand there."""

from __future__ import annotations

import doctest
import re
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.ports import free_port
from tests.support.programs import need
from tests.support.sources import ROOT

#: One example: a command, over several lines where they end with a backslash, and its output.
_EXAMPLE = re.compile(r"^   \$ ((?:.*\\\n)*.*)\n((?:   (?!\$ ).*\n)*)", re.MULTILINE)
_RULES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples(page: str) -> list[tuple[str, str]]:
    """The commands of a page's console blocks, with the output that follows each."""
    blocks = re.findall(r"^\.\. code-block:: console\n\n((?:   .*\n|\n)+)", page, re.MULTILINE)
    return [(m[1], m[2]) for block in blocks for m in _EXAMPLE.finditer(block)]


class ExampleTests(SynchronousTestCase):
    """What a reader copies does what the page says."""

    def test_session(self) -> None:
        """Each command prints what stands below it, one after the other."""
        need("curl")
        port = free_port()
        balancer = Balancer("")
        self.addCleanup(balancer.stop)
        balancer.start()
        found = examples((ROOT / "docs/api.rst").read_text("utf-8"))
        self.assertGreater(len(found), 5)
        for command, expected in found:
            here = command.replace("9876", str(balancer.admin)).replace("8080", str(port))
            done = subprocess.run(
                ["bash", "-c", here], capture_output=True, text=True, timeout=30, check=False
            )
            same = doctest.OutputChecker().check_output(expected, done.stdout, _RULES)
            self.assertTrue(same, f"{command}\nsays\n{done.stdout}{done.stderr}\nnot\n{expected}")
