"""Tests of L{fiberlb.workers.__main__}."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.template import CHANNEL


class MainTests(SynchronousTestCase):
    """The program that control starts."""

    def test_ends_with_control(self) -> None:
        """It says that it is ready, and ends when control hangs up."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(30)
        code = f"import os; os.dup2({theirs.fileno()}, {CHANNEL}); " + _RUN
        with subprocess.Popen(
            [sys.executable, "-P", "-c", code], pass_fds=[theirs.fileno()], env=dict(os.environ)
        ) as program:
            theirs.close()
            self.assertEqual(json.loads(ours.recv(1000)), {"ready": program.pid})
            ours.close()
            self.assertEqual(program.wait(30), 0)


_RUN = (
    "os.set_inheritable(3, True); import sys;"
    " os.execv(sys.executable, [sys.executable, '-P', '-m', 'fiberlb.workers'])"
)
