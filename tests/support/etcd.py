"""etcd beside the tests: one member or several, killed and frozen at will."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from functools import cache
from typing import Any

from tests.support.ports import free_ports
from tests.support.programs import Program, need, temporary_directory

_QUIET = ["--log-level=error", "--logger=zap"]


class Etcd:
    """
    One member, with its data in a directory of its own.

    @ivar url: where it answers clients.
    """

    def __init__(
        self, name: str, client: int, peer: int, more: Sequence[str] = (), scheme: str = "http"
    ) -> None:
        self.url = f"{scheme}://127.0.0.1:{client}"
        self.peer = f"http://127.0.0.1:{peer}"
        self.name = name
        self.directory = temporary_directory()
        self.more = [*more]
        self.program: Program | None = None
        self._frozen = False

    def start(self, cluster: str = "") -> Etcd:
        """Start it, again too; does not wait."""
        env = {**os.environ}
        command = [need("etcd"), f"--name={self.name}", f"--data-dir={self.directory}/data"]
        command += [f"--listen-client-urls={self.url}", f"--advertise-client-urls={self.url}"]
        command += [f"--listen-peer-urls={self.peer}", f"--initial-advertise-peer-urls={self.peer}"]
        command += [f"--initial-cluster={cluster or f'{self.name}={self.peer}'}"]
        self.program = Program([*command, *_QUIET, *self.more], cwd=self.directory, env=env)
        return self

    def wait(self) -> Etcd:
        """Until it has a leader and answers."""
        assert self.program is not None
        self.program.wait_until(lambda: bool(self.revision()), within=60)
        return self

    def revision(self) -> int:
        """The revision, as this member knows it; 0: it does not answer."""
        try:
            found = self.ask("kv/range", {"key": "AA=="})
        except (OSError, ValueError):
            return 0
        return int(found.get("header", {}).get("revision", 0))

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """
        A question, beside FiberLB.

        @raise OSError: no answer, or a refusal.
        """
        url = f"{self.url}/v3/{path}"
        request = urllib.request.Request(url, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def control(self, *words: str) -> str:
        """What C{etcdctl} says."""
        env = {**os.environ, "ETCDCTL_API": "3"}
        done = subprocess.run(
            [need("etcdctl"), f"--endpoints={self.url}", *words],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    @property
    def leads(self) -> bool:
        """Whether it is the leader, by its own account."""
        try:
            found = self.ask("maintenance/status", {})
        except (OSError, ValueError):
            return False
        return found.get("leader") == found["header"]["member_id"]

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.program is not None:
            self.thaw()
            self.program.kill()

    def freeze(self) -> None:
        """Let it hang, its connections open."""
        assert self.program is not None
        self.program.signal(signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        """Let it go on."""
        if self._frozen and self.program is not None:
            self.program.signal(signal.SIGCONT)
            self._frozen = False

    def stop(self) -> None:
        """End it, and what it wrote."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Cluster:
    """
    Several members.

    @ivar members: all of them, running or not.
    """

    def __init__(self, count: int = 3) -> None:
        ports = free_ports(2 * count)
        # Quick to see that a leader is gone, and still patient with a slow machine.
        more = ["--heartbeat-interval=100", "--election-timeout=1000"]
        self.members = [
            Etcd(f"m{index}", ports[2 * index], ports[2 * index + 1], more)
            for index in range(count)
        ]
        self.text = ",".join(f"{member.name}={member.peer}" for member in self.members)

    @property
    def urls(self) -> tuple[str, ...]:
        """Where they answer."""
        return tuple(member.url for member in self.members)

    def start(self) -> Cluster:
        """All of them; until they have a leader."""
        for member in self.members:
            member.start(self.text)
        for member in self.members:
            member.wait()
        return self

    def leader(self) -> Etcd:
        """
        The one that leads.

        @raise LookupError: none does.
        """
        for member in self.members:
            if member.leads:
                return member
        raise LookupError("no leader")

    def stop(self) -> None:
        """End them all."""
        for member in self.members:
            member.stop()


def one(*more: str) -> Etcd:
    """A member of its own."""
    client, peer = free_ports(2)
    return Etcd("alone", client, peer, more).start().wait()


@cache
def shared() -> Etcd:
    """One for all tests of a process, each of which takes a prefix of its own."""
    made = one()
    atexit.register(made.stop)
    return made
