"""C{conf/docker}: what an image is made of exists, and agrees with the rest."""

from __future__ import annotations

import json
import re

import yaml
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.cli import main
from fiberlb.control.document import load_file
from fiberlb.model.settings import Shutdown
from tests.support.sources import ROOT

_PLACE = ROOT / "conf/docker"


def instructions() -> list[tuple[str, str]]:
    """Word and rest of each line of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (_PLACE / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line.strip()]


class ImageTests(SynchronousTestCase):
    """The Dockerfile."""

    def test_commands(self) -> None:
        """What is run exists, in the form in which FiberLB is the first process."""
        found = dict(instructions())
        self.assertEqual(json.loads(found["ENTRYPOINT"]), ["fiberlb"])
        words = [json.loads(found["CMD"])[0]]
        words.append(json.loads(found["HEALTHCHECK"].partition("CMD ")[2])[1])
        self.assertEqual(words, ["run", "health"])
        known = main.list_commands(None)  # type: ignore[arg-type]
        self.assertEqual(set(words) - set(known), set())

    def test_user(self) -> None:
        """Not root, by number; ended by what FiberLB minds; the state is its own."""
        found = dict(instructions())
        self.assertEqual(found["USER"], "10001:10001")
        self.assertEqual(found["STOPSIGNAL"], "SIGTERM")
        self.assertIn(f"STATE_DIRECTORY={found['VOLUME']} ", found["ENV"])

    def test_sources(self) -> None:
        """What goes into the build is there, and is all that setuptools takes."""
        lines = (_PLACE / "Dockerfile.dockerignore").read_text().splitlines()
        taken = {line[1:] for line in lines if line.startswith("!")}
        self.assertEqual({name for name in taken if not (ROOT / name).exists()}, set())
        self.assertLessEqual({"fiberlb", "twisted", "setup.cfg", "setup.py", "_build.py"}, taken)

    def test_compose(self) -> None:
        """Docker waits longer than the end takes; the mounted file is a good one."""
        service = yaml.safe_load((_PLACE / "compose.yaml").read_text())["services"]["fiberlb"]
        period = float(service["stop_grace_period"].removesuffix("s"))
        self.assertGreater(period, Shutdown().grace + Shutdown().deadline)
        self.assertTrue(service["read_only"])
        load_file(str(_PLACE / "fiberlb.yaml"), {})
