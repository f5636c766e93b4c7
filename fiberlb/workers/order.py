"""What a worker is told when it is forked; everything else comes with its first revision."""

from __future__ import annotations

import json

import attrs

from fiberlb.model.settings import Settings


@attrs.frozen(kw_only=True)
class Order:
    """
    @ivar number: tells this fork from others of the same template.
    @ivar slot: which of the workers it is, from 0.
    @ivar directory: the state directory; empty: nothing is on disk, nobody takes the worker over.
    @ivar board: where the board (L{fiberlb.workers.board}) is.
    @ivar deadline: seconds that it may serve without a control process, and drain.
    @ivar log_format: of the access log, as L{fiberlb.model.access_log.AccessLog.word}.
    @ivar log_path: of the access log.
    @ivar log_sample: of the access log.
    @ivar own_log: the file of the process's log, for when control is away; empty: the standard
        error.
    """

    number: int
    slot: int
    directory: str
    board: str
    deadline: float
    log_format: str
    log_path: str
    log_sample: float = 1.0
    own_log: str = ""

    @classmethod
    def of(cls, settings: Settings, directory: str, board: str) -> Order:
        """For any worker: its number and slot are set later."""
        log, own = settings.access_log, settings.log.path
        return cls(
            number=0,
            slot=0,
            directory=directory,
            board=board,
            deadline=settings.shutdown.worker_deadline,
            log_format=log.word,
            log_path=log.path,
            log_sample=log.sample,
            own_log="" if own == "stderr" else own,
        )

    def encode(self) -> bytes:
        """As the template reads it."""
        return json.dumps(attrs.asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Order:
        """What L{encode} wrote."""
        return cls(**json.loads(data))
