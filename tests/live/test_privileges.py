"""Low ports, and another user than root for what serves them."""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

from tests.live.crew_case import PLAIN, CrewCase
from tests.live.processes import template, wait_for
from tests.support.balancer import Balancer
from tests.support.certificates import leaf
from tests.support.clients import Answer, request
from tests.support.load import Load
from tests.support.ports import free_port
from tests.support.programs import Program, accepts, need, venv_program
from tests.support.rights import as_others, low_port, need_root, status

_EVERYTHING = (
    PLAIN
    + """
  - {{name: here, address: "unix:DIRECTORY/web.sock", protocol: http, default_pool_id: web}}
access_log: {{format: json, path: logs/access.log}}
log: {{path: fiberlb.log}}
"""
)
_SETTINGS = """
version: 1
state_directory: deep/state
admin: {listen: ["127.0.0.1:ADMIN", "unix:DIRECTORY/admin.sock"]}
workers: 2
"""
_HEAD = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
_BIND_SERVICE = 1 << 10


def end(pid: int, pid_file: Path) -> None:
    """Kill a process that its file says is there."""
    if pid_file.exists():
        os.kill(pid, signal.SIGKILL)


class RightsCase(CrewCase):
    """A FiberLB that is started by root, at a port that only root may bind."""

    def setUp(self) -> None:
        """The user that it becomes, and the port."""
        need_root()
        self.before = as_others()
        super().setUp()
        self.port = low_port()
        self.owner = 0
        self.nobody = pwd.getpwnam("nobody")

    def equip(self, directory: str) -> None:
        """Its directory is root's, and open to all; its files are about it."""
        os.chmod(directory, 0o755)
        os.chown(directory, self.owner, -1)
        os.mkdir(f"{directory}/logs", 0o755)
        path = self.balancer.path
        text = path.read_text().replace("DIRECTORY", directory)
        path.write_text(text.replace("ADMIN", str(self.balancer.admin)))

    def dropped(self, text: str = PLAIN, **options: Any) -> Balancer:
        """One that becomes nobody."""
        user = ("--uid=nobody", f"--gid={self.nobody.pw_gid}")
        return self.crew(text, before=self.before, twistd=user, **options)

    def processes(self) -> dict[int, dict[str, list[str]]]:
        """The status of control, template and workers."""
        pids = [self.program().pid, template(self.program().pid), *self.pids(self.balancer)]
        return {pid: status(pid) for pid in pids}

    def unharmed(self, load: Load) -> None:
        """Nothing went wrong for anybody."""
        told = load.result()
        self.assertEqual(told.errors, 0, told.text)
        self.assertGreater(told.requests, 500, told.text)

    def resize(self, *counts: int) -> None:
        """Other numbers of workers, by the file."""
        for count in counts:
            self.balancer.workers = count
            self.balancer.write(self.text)
            self.balancer.reload()
            self.wait_for_workers(count)

    def add(self, port: int) -> Answer:
        """Ask the admin API for a listener at a port."""
        body = {"name": f"at{port}", "address": "127.0.0.1", "port": port, "protocol": "http"}
        return request(
            self.balancer.admin,
            "/v1/listeners",
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json.dumps({**body, "default_pool_id": "web"}).encode(),
        )


class DroppedTests(RightsCase):
    """C{twistd --uid nobody}."""

    def test_nobody(self) -> None:
        """Every process is that user's, with its groups and without any capability."""
        self.dropped()
        self.good()
        nobody = self.nobody
        groups = sorted(os.getgrouplist(nobody.pw_name, nobody.pw_gid))
        for pid, found in self.processes().items():
            self.assertEqual(found["Uid"], [str(nobody.pw_uid)] * 4, pid)
            self.assertEqual(found["Gid"], [str(nobody.pw_gid)] * 4, pid)
            self.assertEqual(sorted(map(int, found["Groups"])), groups, pid)
            for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(found[kind][0], 16), 0, (pid, kind))

    def test_files(self) -> None:
        """What is missing is made for the user, also where only root may write."""
        balancer = self.dropped(_EVERYTHING, settings=_SETTINGS)
        directory = Path(balancer.directory)
        for name, mode in (
            ("deep/state", 0o700),
            ("web.sock", 0o666),
            ("admin.sock", 0o600),
            ("logs/access.log", 0o640),
            ("fiberlb.log", 0o640),
        ):
            found = (directory / name).stat()
            self.assertEqual((found.st_uid, found.st_mode & 0o777), (65534, mode), name)
        self.assertEqual((directory / "deep").stat().st_uid, 0)
        self.good()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(directory / "web.sock"))
            client.sendall(_HEAD)
            self.assertIn(b"200 OK", client.recv(1000))
        admin = ["--unix-socket", str(directory / "admin.sock"), "http://x/readyz"]
        asked = subprocess.run([need("curl"), "-s", *admin], capture_output=True)
        self.assertEqual(asked.returncode, 0)
        self.program().wait_until(lambda: b'"/x"' in (directory / "logs/access.log").read_bytes())

    def test_number(self) -> None:
        """From two workers to three to one and back, under load: no error."""
        self.dropped()
        for kept in (False, True):
            load = Load(self.port, 5, kept=kept)
            self.resize(3, 1, 2)
            self.unharmed(load)

    def test_many(self) -> None:
        """More workers than there are sockets, two for one processor, share them."""
        self.before = [*self.before, need("taskset"), "-c", str(min(os.sched_getaffinity(0)))]
        self.dropped(workers=1)
        load = Load(self.port, 6)
        self.resize(5, 2, 4)
        self.unharmed(load)
        self.good()

    def test_upgrade(self) -> None:
        """SIGUSR2, twice: the sockets are taken over, no error; more workers after it too."""
        self.dropped()
        for _ in range(2):
            before = self.pids(self.balancer)
            seen = len(self.program().lines)
            load = Load(self.port, 6)
            self.program().signal(signal.SIGUSR2)
            self.program().wait_for_line("2 workers of an earlier process are taken", after=seen)
            self.balancer.wait_for_ports(self.balancer.admin)
            self.wait_for_workers(2)
            self.unharmed(load)
            self.program().wait_until(lambda b=before: not {*b} & {*self.pids(self.balancer)})  # type: ignore[misc]
        self.resize(3, 1)
        self.good()
        for found in self.processes().values():
            self.assertEqual(found["Uid"], [str(self.nobody.pw_uid)] * 4)
            self.assertEqual(int(found["CapEff"][0], 16), 0)

    def test_control_killed(self) -> None:
        """Control dies; one that root starts becomes nobody, and takes the workers over."""
        self.dropped()
        before = self.pids(self.balancer)
        load = Load(self.port, 6)
        self.program().crash()
        self.balancer.start(self.port)
        self.wait_for_workers(2)
        self.unharmed(load)
        self.program().wait_until(lambda: not {*before} & {*self.pids(self.balancer)})
        self.resize(3)
        self.good()

    def test_single(self) -> None:
        """Without workers too, also over an upgrade."""
        self.crew(workers=0, before=self.before, twistd=("--uid=nobody",))
        self.good()
        seen = len(self.program().lines)
        self.program().signal(signal.SIGUSR2)
        self.program().wait_for_line("Admin API on", after=seen)
        self.good()
        found = status(self.program().pid)
        self.assertEqual(found["Uid"], [str(self.nobody.pw_uid)] * 4)

    def test_run(self) -> None:
        """C{fiberlb run --uid}, and TLS: contexts are made by control as they were by root."""
        tls = PLAIN.replace(
            "protocol: http,", "protocol: https, tls_config: {{certificate_id: c}},"
        )
        shown = leaf("t.test")
        pair = f"certificate: {json.dumps(shown.chain)}, private_key: {json.dumps(shown.key_pem())}"
        self.text = tls.format(member=self.member.address, port=self.port)
        self.text += f"certificates: [{{name: c, {pair}}}]\n"
        self.balancer = balancer = Balancer(self.text, workers=1)
        self.equip(balancer.directory)
        words = [venv_program("fiberlb"), "run", "--uid", "nobody", "-c", str(balancer.path)]
        balancer.program = Program([*self.before, *words], cwd=balancer.directory)
        self.addCleanup(balancer.stop)
        balancer.wait_for_ports(balancer.admin, self.port)
        url = f"https://127.0.0.1:{self.port}/"
        for _ in range(2):
            self.wait_for_workers(1)
            done = subprocess.run([need("curl"), "-sk", url], capture_output=True, text=True)
            self.assertEqual(done.stdout, "member a\n")
            seen = len(self.program().lines)
            self.program().signal(signal.SIGUSR2)
            self.program().wait_for_line("Admin API on", after=seen)
        for found in self.processes().values():
            self.assertEqual(found["Uid"], [str(self.nobody.pw_uid)] * 4)

    def test_taken(self) -> None:
        """A port of another program: told as that, and the start is refused."""
        taken = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(taken.close)
        text = PLAIN.format(member=self.member.address, port=self.port)
        balancer = Balancer(text, workers=2, before=self.before, twistd=("--uid=nobody",))
        os.chmod(balancer.directory, 0o755)
        program = balancer.spawn("-c", str(balancer.path))
        self.assertEqual(program.wait(), 1)
        self.assertIn(f"127.0.0.1:{self.port} is in use by another program", program.output)


class LaterTests(RightsCase):
    """Ports that come when the rights are gone, or are there."""

    def test_refused(self) -> None:
        """By the API and by the file: refused, nothing is stored, what runs goes on."""
        self.dropped()
        other = low_port()
        revision = self.ask("/v1/status")["revision"]
        answer = self.add(other)
        self.assertEqual(answer.status, 409, answer.text)
        told = json.loads(answer.body)
        self.assertEqual(told["code"], "needs_privilege", told)
        self.assertIn("CAP_NET_BIND_SERVICE", answer.text)
        self.balancer.write(
            self.text
            + self.text[self.text.index("  - {name") :]
            .replace(f"port: {self.port}", f"port: {other}")
            .replace("name: web,", "name: late,", 1)
        )
        self.balancer.reload()
        self.program().wait_for_line("refused, what runs goes on.*CAP_NET_BIND_SERVICE")
        self.assertEqual(self.ask("/v1/status")["revision"], revision)
        self.assertEqual(len(self.ask("/v1/listeners")["items"]), 1)
        self.assertFalse(accepts(other))
        self.good()

    def test_given_back(self) -> None:
        """A port whose listener goes is free for others; it cannot be had again."""
        self.dropped()
        self.balancer.write("")
        self.balancer.reload()
        self.program().wait_for_line("read again and is in force")
        self.program().wait_until(lambda: not accepts(self.port))
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", self.port))
        self.balancer.write(self.text)
        self.balancer.reload()
        self.program().wait_for_line("refused, what runs goes on.*CAP_NET_BIND_SERVICE")

    def test_capability(self) -> None:
        """With the capability they can be had, also after an upgrade; workers have it not."""
        words = [
            *self.before,
            *(need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"),
            *("--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"),
        ]
        self.owner = self.nobody.pw_uid
        self.crew(before=words)
        self.assertEqual(self.add(later := low_port()).status, 201)
        self.assertEqual(request(later, "/").status, 200)
        load = Load(later, 6)
        self.program().signal(signal.SIGUSR2)
        self.program().wait_for_line("2 workers of an earlier process are taken over")
        self.balancer.wait_for_ports(self.balancer.admin)
        self.wait_for_workers(2)
        self.resize(3)
        self.unharmed(load)
        self.assertEqual(self.add(last := low_port()).status, 201)
        self.assertEqual(request(last, "/").status, 200)
        control, *others = self.processes().values()
        self.assertEqual(int(control["CapEff"][0], 16), _BIND_SERVICE)
        for found in others:
            self.assertEqual(int(found["CapEff"][0], 16), 0)
            self.assertEqual(int(found["CapPrm"][0], 16), 0)


class RefusedTests(RightsCase):
    """What is said of rights."""

    def refusal(self, *options: str) -> str:
        """What a start with these options of twistd says before it ends with 1."""
        balancer = Balancer(twistd=options, before=self.before)
        os.chmod(balancer.directory, 0o755)
        program = balancer.spawn("-c", str(balancer.path))
        self.assertEqual(program.wait(), 1)
        return program.output

    def test_options(self) -> None:
        """A way back to root, and a user that there is not."""
        self.assertIn("way back to root", self.refusal("--uid=nobody", "--euid"))
        self.assertIn("no user of this number", self.refusal("--uid=54321"))

    def test_root(self) -> None:
        """Without --uid it says that it is root."""
        self.port = free_port()
        self.crew()
        self.program().wait_for_line("FiberLB runs as root, and so does what serves clients")
        self.good()


class BackgroundTests(RightsCase):
    """In the background, as another user."""

    def test_background(self) -> None:
        """Twistd's log and its pid file are the user's, over an upgrade and until the end."""
        text = PLAIN.format(member=self.member.address, port=self.port)
        self.balancer = balancer = Balancer(text, workers=1)
        directory = Path(balancer.directory)
        self.equip(balancer.directory)
        os.mkdir(directory / "run")
        os.chown(directory / "run", self.nobody.pw_uid, -1)
        words = ["--pidfile=run/pid", "--uid=nobody", "fiberlb", "-c", "fiberlb.yaml"]
        command = [*self.before, venv_program("twistd"), *words]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.good()
        log, pid_file = directory / "twistd.log", directory / "run" / "pid"
        pid = int(pid_file.read_text())
        self.addCleanup(end, pid, pid_file)
        for path in (log, pid_file):
            self.assertEqual(path.stat().st_uid, self.nobody.pw_uid)
        os.kill(pid, signal.SIGUSR2)
        wait_for(lambda: log.read_text().count("members up") == 2)
        self.good()
        self.assertEqual(int(pid_file.read_text()), pid)
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not pid_file.exists() and not Path(f"/proc/{pid}").exists())
        self.assertNotIn("Traceback", log.read_text())
