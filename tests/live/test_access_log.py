"""The access log of several workers: rotated, slow, full, away; every line whole, and once."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import threading
from pathlib import Path
from typing import Any

from tests.live.crew_case import CrewCase
from tests.live.test_workers_changes import Echo
from tests.support.balancer import Balancer
from tests.support.clients import RawClient, request
from tests.support.load import Load
from tests.support.ports import free_port

_TEXT = """
access_log: {{format: FORMAT, path: "PATH"}}
pools: [{{name: web, members: ["{member}"]}}]
listeners:
  - {{name: web, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}
"""
#: A request with a line longer than a pipe takes at once.
_LONG = "/" + "a'" * 3000


def entries(*paths: Path) -> list[dict[str, Any]]:
    """Every line of files, each of which must be whole."""
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


class LogCase(CrewCase):
    """A crew that writes an access log."""

    def write(self, path: str, form: str = "json", more: str = "") -> None:
        """Start it."""
        self.crew(_TEXT.replace("PATH", path).replace("FORMAT", form) + more)
        self.path = Path(self.balancer.directory, path)

    def rotate(self, number: int) -> Path:
        """As logrotate does it; the file that was moved away."""
        moved = self.path.with_suffix(f".{number}")
        self.path.rename(moved)
        self.program().signal(signal.SIGUSR1)
        return moved

    def wait_for_lines(self, count: int, *paths: Path) -> None:
        """Wait until there are so many."""
        self.program().wait_until(
            lambda: sum(path.read_bytes().count(b"\n") for path in paths) >= count, within=60
        )

    def lost(self) -> int:
        """What the metrics say."""
        text = request(self.balancer.admin, "/metrics").text
        found = re.search(r"^fiberlb_access_log_lost_total (\S+)$", text, re.MULTILINE)
        assert found is not None, text
        return int(float(found[1]))

    def holders(self, path: Path) -> int:
        """How many workers have a file open."""
        found = 0
        for pid in self.pids(self.balancer):
            for fd in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    found += os.readlink(fd) == str(path)
                except OSError:
                    continue
        return found


class RotationTests(LogCase):
    """Files that are moved away."""

    def test_rotations(self) -> None:
        """Under load every request has one line in one file, and old files are let go."""
        self.write("access.log")
        mode = stat.S_IMODE(self.path.stat().st_mode)
        self.assertEqual(mode, 0o640)
        load = Load(self.port, 3)
        paths = [self.path]
        for number in range(5):
            paths.append(self.rotate(number))
            self.program().wait_until(lambda: self.path.exists() and self.holders(self.path) == 2)
            self.assertEqual(self.holders(paths[-1]), 0)
        served = load.result().requests
        self.wait_for_lines(served, *paths)
        # Each of wrk's connections may have had one more answer when it ended.
        self.assertLessEqual(len(entries(*paths)), served + 16)
        self.assertEqual(self.lost(), 0)

    def test_draining(self) -> None:
        """A worker that has been replaced writes to the new file too."""
        echo, raw = Echo(), free_port()
        self.addCleanup(echo.listening.close)
        more = f"""\
  - {{{{name: raw, address: 127.0.0.1, port: {raw}, protocol: tcp, default_pool_id: raw}}}}
"""
        text = _TEXT.replace("PATH", "access.log").replace("FORMAT", "json") + more
        pool = f'pools: [{{{{name: raw, protocol: tcp, members: ["127.0.0.1:{echo.port}"]}}}}, '
        self.crew(text.replace("pools: [", pool))
        self.path = Path(self.balancer.directory, "access.log")
        tunnel = RawClient(raw)
        tunnel.send(b"a")
        tunnel.read(1)
        self.ask("/v1/workers/restart", "POST")
        self.program().wait_until(lambda: len(self.pids(self.balancer)) == 3)
        moved = self.rotate(1)
        self.program().wait_until(lambda: self.path.exists() and self.holders(self.path) == 3)
        tunnel.close()
        self.program().wait_until(lambda: bool(entries(self.path)))
        self.assertEqual((entries(self.path)[0]["listener"], entries(moved)), ("raw", []))

    def test_killed(self) -> None:
        """Of a worker that is killed, what is older than the last moment is there; all is whole."""
        self.write("access.log")
        for number in range(20):
            request(self.port, f"/{number}")
        self.wait_for_lines(20, self.path)
        for pid in self.pids(self.balancer):
            os.kill(pid, signal.SIGKILL)
        self.wait_for_workers(2)
        self.program().wait_until(lambda: request(self.port, "/after").status == 200)
        self.program().wait_until(lambda: entries(self.path)[-1]["target"] == "/after")

    def test_end(self) -> None:
        """At an orderly end nothing is lost."""
        self.write("access.log")
        for number in range(40):
            request(self.port, f"/{number}")
        self.balancer.stop()
        self.assertEqual(len(entries(self.path)), 40)


class TroubleTests(LogCase):
    """What does not take the lines."""

    def test_named_pipe(self) -> None:
        """Nobody reads it yet: traffic goes on, lines wait; a slow reader gets all, each whole."""
        path = Path(self.mktemp()).absolute()
        os.mkfifo(path)
        self.write(str(path))
        for _ in range(4):
            self.assertEqual(request(self.port, _LONG).status, 200)
        self.program().wait_for_line("Access log .*: nobody reads it")
        found: list[bytes] = []
        reader = threading.Thread(target=lambda: self.read(path, found), daemon=True)
        reader.start()
        load = Load(self.port, 2)
        for _ in range(50):
            self.assertEqual(request(self.port, _LONG).status, 200)
        count = load.result().requests + 54
        self.program().wait_until(lambda: b"".join(found).count(b"\n") >= count, within=60)
        lines = [json.loads(line) for line in b"".join(found).splitlines()]
        self.assertEqual(len([line for line in lines if line["target"] == _LONG]), 54)
        self.assertEqual(self.lost(), 0)

    def read(self, path: Path, found: list[bytes]) -> None:
        """Read a named pipe in small pieces."""
        with path.open("rb", buffering=0) as pipe:
            while data := pipe.read(1000):
                found.append(data)

    def test_full(self) -> None:
        """Lines that are not taken are counted over all workers, and told once."""
        self.write("/dev/full")
        before = len(self.program().lines)
        for _ in range(60):
            self.assertEqual(request(self.port, "/").status, 200)
        self.program().wait_until(lambda: self.lost() == 60)
        self.program().wait_for_line("Access log /dev/full: No space left on device", after=before)
        told = [line for line in self.program().lines if "No space left" in line]
        self.assertEqual(len(told), 1)

    def test_directory_gone(self) -> None:
        """Lines go to what is open until the file can be opened again."""
        self.write("logs/access.log")
        self.program().wait_until(lambda: self.holders(self.path) == 2)
        self.path.parent.rename(self.path.parent.with_suffix(".old"))
        old = self.path.parent.with_suffix(".old") / "access.log"
        self.program().signal(signal.SIGUSR1)
        self.program().wait_for_line("cannot be opened again: No such file or directory")
        request(self.port, "/old")
        self.program().wait_until(lambda: bool(entries(old)))
        self.path.parent.mkdir()
        self.program().wait_until(lambda: self.path.exists() and self.holders(self.path) == 2)
        request(self.port, "/new")
        self.program().wait_until(lambda: bool(entries(self.path)))
        self.assertEqual(entries(self.path)[0]["target"], "/new")

    def equip(self, directory: str) -> None:
        """A directory for logs."""
        Path(directory, "logs").mkdir()

    def test_own_form(self) -> None:
        """On the standard output, in a form of one's own, with lines longer than a pipe takes."""
        self.write("stdout", """'LINE %{{status}} "%{{target}}" END'""")
        load = Load(self.port, 1)
        for _ in range(30):
            request(self.port, _LONG)
        load.result()
        self.program().wait_until(
            lambda: self.program().output.count(f'LINE 200 "{_LONG}" END\n') >= 29, within=60
        )
        lines = [line for line in self.program().lines if " END" in line or _LONG[:9] in line]
        lines = [line for line in lines if "announcement" not in line]
        form = re.compile(r'LINE 200 "/\S*" END')
        self.assertEqual([line[:80] for line in lines if not form.fullmatch(line)], [])

    def test_refused(self) -> None:
        """A file that cannot be opened is refused at the start."""
        text = _TEXT.replace("PATH", "/nonexistent/x/access.log").replace("FORMAT", "json")
        balancer = Balancer(text.format(member=self.member.address, port=self.port), workers=2)
        program = balancer.spawn("-c", str(balancer.path))
        program.wait_for_line("start is refused: /nonexistent.*No such file")
        balancer.stop()


class ProcessLogTests(LogCase):
    """The log of the process, with what workers say."""

    def test_worker(self) -> None:
        """What a worker answers by itself is told with its name, also after a rotation."""
        self.crew(
            _TEXT.replace("PATH", "stdout")
            .replace("FORMAT", "off")
            .replace("access_log", "log: {{path: own.log}}\naccess_log")
            .replace('["{member}"]', "[]")
        )
        path = Path(self.balancer.directory, "own.log")
        said = re.compile(r"\[worker [01]\] 503 no_members")
        request(self.port, "/")
        self.program().wait_until(lambda: bool(said.search(path.read_text())))
        self.path = path
        moved = self.rotate(1)
        self.program().wait_until(path.exists)
        request(self.port, "/")
        self.program().wait_until(lambda: bool(said.search(path.read_text())))
        self.assertIn("Listening on", moved.read_text())
