"""What a node is given of the machine it runs on; everything else follows from its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from fiberlb.control.aside import Aside, at_once
from fiberlb.process.reporting import Reporting
from fiberlb.relay.held import Held
from fiberlb.relay.inherited import Inherited


@attrs.frozen(kw_only=True)
class World:
    """
    What a node is given of the machine.

    @ivar reactor: the running one.
    @ivar wall: seconds since the epoch.
    @ivar monotonic: seconds of a clock that never jumps.
    @ivar random: numbers from 0 to 1.
    @ivar random_bytes: for ids and keys; from the system.
    @ivar host_name: of the machine.
    @ivar root: the process may do everything.
    @ivar aside: does long work in a thread.
    @ivar inherited: sockets that the process was started with.
    @ivar held: sockets that were made while there were rights to.
    @ivar reporting: tells the service manager.
    """

    reactor: Any
    wall: Callable[[], float]
    monotonic: Callable[[], float]
    random: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    make_id: Callable[[], str]
    environment: Mapping[str, str]
    host_name: str
    pid: Callable[[], int]
    root: bool
    aside: Aside = at_once
    inherited: Inherited = Inherited()
    held: Held = attrs.field(factory=Held)
    reporting: Reporting = attrs.field(factory=Reporting)
