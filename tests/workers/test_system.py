"""Tests of L{fiberlb.workers.system}."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.system import processors, release, steer
from tests.support.rights import need_root


class ProcessorsTests(SynchronousTestCase):
    """C{workers: auto}."""

    def found(self, own: str = "0::/\n", **files: str) -> int:
        """The number in a control group with these files."""
        root = Path(self.mktemp())
        root.mkdir()
        (root / "own").write_text(own)
        for name, text in files.items():
            path = root / name.replace("__", "/").replace("DOT", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return processors(str(root), str(root / "own"))

    def test_affinity(self) -> None:
        """Without a quota, what the process may run on."""
        allowed = len(os.sched_getaffinity(0))
        self.assertEqual(self.found(), allowed)
        self.assertEqual(self.found(cpuDOTmax="max 100000\n"), allowed)
        self.assertEqual(self.found(cpuDOTmax="6400000 100000\n"), allowed)

    def test_quota(self) -> None:
        """A quota bounds it, rounded up, at least one; in both forms of control groups."""
        self.assertEqual(self.found(cpuDOTmax="50000 100000\n"), 1)
        self.assertEqual(
            self.found(cpu__cpuDOTcfs_quota_us="100000\n", cpu__cpuDOTcfs_period_us="100000\n"),
            1,
        )
        unbounded = self.found(cpu__cpuDOTcfs_quota_us="-1\n", cpu__cpuDOTcfs_period_us="100000\n")
        self.assertEqual(unbounded, len(os.sched_getaffinity(0)))

    def test_groups(self) -> None:
        """The quota of a unit of systemd counts, and that of what is above it."""
        own = "0::/system.slice/lb.service\n"
        low, high = "50000 100000\n", "6400000 100000\n"
        self.assertEqual(
            self.found(own, system__lb__cpuDOTmax=low), len(os.sched_getaffinity(0)), "another one"
        )
        deep = self.found(
            own, systemDOTslice__lbDOTservice__cpuDOTmax=low, systemDOTslice__cpuDOTmax=high
        )
        above = self.found(
            own, systemDOTslice__lbDOTservice__cpuDOTmax=high, systemDOTslice__cpuDOTmax=low
        )
        self.assertEqual((deep, above), (1, 1))
        first = self.found(
            "3:cpuacct,cpu:/lb\n2:cpuset:/\n",
            cpu__lb__cpuDOTcfs_quota_us="50000\n",
            cpu__lb__cpuDOTcfs_period_us="100000\n",
        )
        self.assertEqual(first, 1)
        self.assertEqual(processors("/nowhere", "/nowhere"), len(os.sched_getaffinity(0)))


class SteeringTests(SynchronousTestCase):
    """Which socket of an address gets new connections."""

    def test_steer(self) -> None:
        """Only the first ones do, until it is undone."""
        first = self.listening(0)
        port = first.getsockname()[1]
        second = self.listening(port)
        steer(first, 1)
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        self.assertEqual((self.waiting(first), self.waiting(second)), (20, 0))
        release(first)
        release(first)
        clients += [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        self.assertGreater(self.waiting(second), 0)
        for client in clients:
            client.close()

    def listening(self, port: int) -> socket.socket:
        """A socket of a group."""
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(("127.0.0.1", port))
        sock.listen(64)
        sock.setblocking(False)
        return sock

    def waiting(self, sock: socket.socket) -> int:
        """How many connections wait; they are taken and closed."""
        count = 0
        while True:
            try:
                sock.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


class ProcessTests(SynchronousTestCase):
    """What a process says of itself, in one of its own."""

    def test_name_and_subreaper(self) -> None:
        """The name is seen by others; orphans fall to the process."""
        text = (
            "import os\n"
            "from fiberlb.workers.system import become_subreaper, name_process\n"
            "become_subreaper(); name_process('some-name')\n"
            "print(open('/proc/self/comm').read().strip())\n"
            "if not os.fork():\n"
            "    if not os.fork():\n"
            "        while os.getppid() != %d: pass\n"
            "        os._exit(7)\n"
            "    os._exit(0)\n"
        ).replace("%d", "int(os.environ['PARENT'])")
        head = "import os; os.environ['PARENT'] = str(os.getpid())\n"
        tail = "print(sorted(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(2)))\n"
        found = subprocess.run(
            [sys.executable, "-c", head + text + tail], capture_output=True, text=True, timeout=20
        )
        self.assertEqual(found.stdout.split("\n")[:2], ["some-name", "[0, 7]"], found.stderr)


class CapabilitiesTests(SynchronousTestCase):
    """What a process may do beyond others of its user."""

    def test_dropped(self) -> None:
        """Nobody's go, root's stay."""
        need_root()
        code = (
            "import os, sys; from fiberlb.workers.system import drop_capabilities as drop;"
            " import ctypes; ctypes.CDLL(None).prctl(8, 1, 0, 0, 0); os.setgid(65534);"
            " os.setuid(int(sys.argv[1]));"
            " drop();"
            " print(*[line.split()[1] for line in open('/proc/self/status') if 'CapPrm' in line])"
        )
        words = [sys.executable, "-c", code]
        nobody, root = (
            int(subprocess.run([*words, uid], capture_output=True, check=True).stdout, 16)
            for uid in ("65534", "0")
        )
        self.assertEqual(nobody, 0)
        self.assertGreater(root, 0)
