"""Servers that say who is let in: asked for each request, each process by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import CancelledError

from fiberlb.guards.web import Answer, Ask, Fields
from fiberlb.treatment.draft import Reply

#: Seconds for one answer, and its octets at most.
PATIENCE: Final = 5.0
MOST_BODY: Final = 65536
#: Requests that may wait for answers.
MOST_WAITING: Final = 1024

#: What becomes of a request by the status, the fields and the body of the answer.
Judge = Callable[[int, Fields, bytes], Reply | None]


class Servers:
    """
    Of one process.

    @param warn: told of a server that does not answer: its address, and a sentence.
    """

    def __init__(self, ask: Ask, warn: Callable[[str, str], None]) -> None:
        self._ask = ask
        self._warn = warn
        self._waiting = 0

    def judged(self, url: str, fields: Fields, judge: Judge) -> Any:
        """What becomes of a request, later; who cannot be asked lets nobody in."""
        if self._waiting >= MOST_WAITING:
            return Reply(reason="overloaded")
        self._waiting += 1
        done = self._ask(url, fields, MOST_BODY, PATIENCE)

        def left(result: Any) -> Any:
            self._waiting -= 1
            return result

        def answered(answer: Answer) -> Reply | None:
            return judge(answer.status, answer.fields, answer.body)

        def failed(why: Any) -> Any:
            if why.check(CancelledError) is not None:
                return why
            self._warn(url, why.getErrorMessage())
            return Reply(status=503, reason="auth_failed")

        done.addBoth(left)
        return done.addCallbacks(answered, failed)
