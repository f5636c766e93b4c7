"""What all datagram listeners of a process share: one buffer, and so many descriptors."""

from __future__ import annotations

import resource

from fiberlb.relay.datagram_sockets import LARGEST


class FlowRoom:
    """
    Room for flows.

    @ivar most: sockets to members that may be open for flows.
    @ivar used: those that are.
    @ivar buffer: every datagram is read into this, and sent on before the next one is read.
    @ivar view: of the buffer.
    @ivar parted: ports that were read once, and may still be answered from for a moment: nobody
        else has them.
    """

    __slots__ = ("buffer", "most", "parted", "used", "view")

    def __init__(self, most: int | None = None) -> None:
        """@param most: C{None}: half of the descriptors that the process may have."""
        self.most = affordable() if most is None else most
        self.used = 0
        self.parted: set[tuple[bool, int]] = set()
        self.buffer = bytearray(LARGEST)
        self.view = memoryview(self.buffer)

    @property
    def full(self) -> bool:
        """Whether there is no room for another one."""
        return self.used >= self.most


def affordable() -> int:
    """Half of the descriptors that this process may open; the others are for all the rest."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1 << 20 if soft == resource.RLIM_INFINITY else max(16, soft // 2)
