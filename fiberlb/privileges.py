"""
What is done as root before the process becomes somebody else (C{twistd --uid}).

Twistd calls it after it went into the background and before it changes the
user. What cannot be had here is told when it is asked for, by whoever asks.
"""

from __future__ import annotations

import os
import pwd
import resource
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
from twisted.logger import Logger

from fiberlb.belongings import User, give, make_directory, make_log, may_write
from fiberlb.control.document import FileLayer
from fiberlb.control.validate import with_default
from fiberlb.model.addresses import UNIX, named
from fiberlb.model.configuration import addresses, resolve
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import split_address
from fiberlb.model.settings import AUTO, AccessLogFormat, Settings
from fiberlb.relay.accept import BACKLOG, opened
from fiberlb.relay.held import Held
from fiberlb.relay.unix_sockets import MODE, NoSocket, listen_unix
from fiberlb.starting import CannotStart

_log = Logger()
_SQLITE = "sqlite:"
#: Mode of a Unix socket of the admin API.
ADMIN_MODE = 0o600


def asked_for(options: Mapping[str, Any], user: int) -> User | None:
    """
    Whom twistd is to become; C{None}: the process stays who it is.

    @param options: of twistd.
    @param user: who the process is now.
    @raise CannotStart: it cannot become that.
    """
    uid, gid = options.get("uid"), options.get("gid")
    if uid is None and gid is None:
        return None
    if user != 0:
        if uid in (None, user):
            return None
        raise CannotStart("--uid and --gid take root, and this process is not root's")
    if uid in (None, 0):
        return None
    if options.get("euid"):
        raise CannotStart("--euid would leave workers a way back to root: use --uid without it")
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        raise CannotStart(f"--uid {uid}: there is no user of this number") from None
    return User(uid, found.pw_gid if gid is None else gid, found.pw_name)


def first_port(path: str = "/proc/sys/net/ipv4/ip_unprivileged_port_start") -> int:
    """The first port that everybody may bind."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 1024


@attrs.frozen
class Wanted:
    """
    How many sockets each address gets.

    @ivar least: workers that there are at the start.
    @ivar most: as many as there may be without sharing; fewer where descriptors are scarce.
    """

    least: int
    most: int

    @classmethod
    def of(cls, workers: int, processors: int) -> Wanted:
        """
        For twice the workers that there are.

        @param workers: the setting.
        """
        if workers == 0:
            return cls(1, 1)
        least = processors if workers == AUTO else workers
        return cls(least, max(2 * least, processors))

    def each(self, addresses: int, descriptors: int) -> int:
        """
        How many, so that spare ones take a quarter of the descriptors at most.

        @param addresses: how many there are.
        @param descriptors: how many the process may have.
        """
        return max(self.least, min(self.most, descriptors // 4 // max(1, addresses)))


def hold_listeners(layer: FileLayer, user: User, held: Held, wanted: Wanted, free: int) -> None:
    """
    Make the sockets of the file's listeners that only root can make.

    @param free: the first port that everybody may bind.
    """
    found = list(_low(layer, free))
    count = wanted.each(len(found), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    for listener_id, host, port, freebind in found:
        if host.startswith(UNIX):
            _hold_unix(held, host, host.removeprefix(UNIX), user, MODE)
        else:
            held.hold(listener_id, (host, port), freebind, count, user.owner)


def _low(layer: FileLayer, free: int) -> Iterator[tuple[str, str, int, bool]]:
    """Listener, host, port and freebind of what may take root; Unix sockets among them."""
    configuration, _ = resolve(with_default(layer.configuration))
    balancers = configuration.all(LoadBalancer)
    for listener in configuration.all(Listener).values():
        balancer = balancers.get(listener.loadbalancer_id)
        if balancer is None or not listener.enabled or not balancer.enabled:
            continue
        if listener.protocol is ListenerProtocol.UDP:
            # A spare socket of datagrams would be sent some.
            continue
        port = listener.port or 0
        for host in addresses(configuration, listener):
            if host.startswith(UNIX) or (not named(host) and 0 < port < free):
                yield listener.id, host, port, balancer.freebind


def hold_admin(settings: Settings, user: User, held: Held, free: int) -> None:
    """
    Make the sockets of the admin API that only root can make.

    @param free: the first port that everybody may bind.
    """
    for address in settings.admin.addresses:
        if address.startswith(UNIX):
            _hold_unix(held, address, address.removeprefix(UNIX), user, ADMIN_MODE)
            continue
        found = split_address(address)
        if found is not None and 0 < int(found[1]) < free:
            host, port = found[0], int(found[1])
            held.keep(address, lambda host=host, port=port: _listening(host, port))  # type: ignore[misc]


def _listening(host: str, port: int) -> socket.socket:
    sock = opened(host, port, False, shared=False)
    try:
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _hold_unix(held: Held, name: str, path: str, user: User, mode: int) -> None:
    """One whose directory the user may write to is made later, by the user."""
    if may_write(user, os.path.dirname(path)):
        return

    def make() -> socket.socket:
        sock = listen_unix(path, BACKLOG, mode)
        os.chown(path, *user.owner, follow_symlinks=False)
        return sock

    try:
        held.keep(name, make)
    except NoSocket:
        # The same is found, and told, when it is asked for.
        pass


def make_files(settings: Settings, directory: str | None, user: User) -> None:
    """
    Make the directories and logs that are missing.

    @param directory: the state directory; C{None}: there is none.
    """
    if directory is not None:
        _tried(make_directory, directory, user)
    if isinstance(settings.store, str) and settings.store.startswith(_SQLITE):
        _tried(make_directory, os.path.dirname(settings.store.removeprefix(_SQLITE)), user)
    log = settings.access_log
    if log.format is not AccessLogFormat.OFF and log.path != "stdout":
        _tried(make_log, log.path, user)
    if settings.log.path != "stderr":
        _tried(make_log, settings.log.path, user)


def give_made(path: str | None, user: User) -> None:
    """Give the user a file that twistd has made as root; empty: none."""
    if path:
        _tried(give, path, user)


def _tried(make: Callable[[str, User], None], path: str, user: User) -> None:
    try:
        make(path, user)
    except OSError as why:
        _log.warn("{path}: cannot be made for {user}: {why}", path=path, user=user.name, why=why)


def unreadable(layer: FileLayer) -> list[str]:
    """Files of the configuration that this process cannot read, and so not read again."""
    files = {*layer.files}
    for material in layer.materials.values():
        files |= {file.path for file in material.files.values()}
    return sorted(file for file in files if not os.access(file, os.R_OK))
