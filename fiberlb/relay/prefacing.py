"""What is said on a connection to a member before anything else."""

from __future__ import annotations

import errno
from typing import Any


def say_first(sock: Any, preface: bytes) -> int:
    """
    Send what a connection that stands begins with, before anything else has been sent.

    @return: 0, or the errno of why it could not be.
    """
    try:
        sent = sock.send(preface)
    except OSError as why:
        return why.errno or errno.EIO
    # The send buffer of a new connection is empty, and larger than any preface.
    return 0 if sent == len(preface) else errno.ENOBUFS
