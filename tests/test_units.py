"""C{conf/systemd}: units that systemd understands, and that agree with the defaults."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.settings import Shutdown
from fiberlb.relay.accept import BACKLOG
from tests.support.programs import need, temporary_directory, venv_program
from tests.support.sources import ROOT

_UNITS = ROOT / "conf/systemd"
#: What the units run, which is not there on a machine that runs tests.
_PROGRAM = "/opt/fiberlb/bin/fiberlb"


def values(name: str) -> dict[str, str]:
    """The keys of a unit, the last value of each."""
    text = (_UNITS / name).read_text()
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


class UnitTests(SynchronousTestCase):
    """The units as they are."""

    def test_verify(self) -> None:
        """C{systemd-analyze verify} finds nothing, comments that are settings included."""
        analyze = need("systemd-analyze")
        directory = Path(temporary_directory())
        units = []
        for unit in sorted(_UNITS.iterdir()):
            text = unit.read_text().replace(_PROGRAM, venv_program("fiberlb"))
            units.append(directory / unit.name)
            units[-1].write_text(re.sub(r"^#(\w+=)", r"\1", text, flags=re.MULTILINE))
        done = subprocess.run(
            [analyze, "verify", "--man=no", "--recursive-errors=no", *map(str, units)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={"PATH": "/usr/bin:/bin", "SYSTEMD_LOG_LEVEL": "warning"},
        )
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_times(self) -> None:
        """systemd waits for longer than the end takes, unless the file says otherwise."""
        found = values("fiberlb.service")
        self.assertGreater(float(found["TimeoutStopSec"]), Shutdown().grace + Shutdown().deadline)
        self.assertEqual(found["Type"], "notify")

    def test_sockets(self) -> None:
        """Each socket has a name of its own, and the length of queue that FiberLB gives its own."""
        sockets = [values(unit.name) for unit in sorted(_UNITS.glob("*.socket"))]
        self.assertEqual([one["FileDescriptorName"] for one in sockets], ["https", "http"])
        for one in sockets:
            self.assertEqual(int(one["Backlog"]), BACKLOG)
