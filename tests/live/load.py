"""Clients that ask without a pause, while the test does something to the members."""

from __future__ import annotations

import http.client
import threading
from time import monotonic
from types import TracebackType

from tests.support.clients import PATIENCE, Session


class Load:
    """
    Clients on connections of their own, each in a thread, asking for the same page.

    @param pause: seconds between two requests of a client; without one they take a processor.
    @ivar served: answers of 200 so far, by the member's name for itself.
    @ivar failures: the status, or the exception, of every request that was not answered with 200.
    """

    def __init__(self, port: int, target: str = "/", clients: int = 8, pause: float = 0) -> None:
        self._pause = pause
        self._port = port
        self._target = target
        self._news = threading.Condition()
        self._ending = False
        self._resting = threading.Event()
        self.served: dict[str, int] = {}
        self.failures: list[str] = []
        self._failed: list[float] = []
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]

    @property
    def count(self) -> int:
        """How many were answered well so far."""
        with self._news:
            return sum(self.served.values())

    def failed_since(self, moment: float) -> list[str]:
        """The failures of requests that were begun after a moment of the monotonic clock."""
        with self._news:
            pairs = zip(self._failed, self.failures, strict=True)
            return [told for begun, told in pairs if begun > moment]

    def wait_for(self, more: int, of: str | None = None) -> None:
        """
        Wait until so many more were answered well, by one member if it is named.

        @raise TimeoutError: they are not within C{PATIENCE}.
        """

        def count() -> int:
            return sum(self.served.values()) if of is None else self.served.get(of, 0)

        with self._news:
            until = count() + more
            if not self._news.wait_for(lambda: count() >= until, PATIENCE):
                raise TimeoutError(f"{count()} of {until}: {self.failures[-5:]}")

    def wait_for_failures(self, more: int) -> None:
        """Wait until so many more failed."""
        with self._news:
            until = len(self.failures) + more
            if not self._news.wait_for(lambda: len(self.failures) >= until, PATIENCE):
                raise TimeoutError(f"{len(self.failures)} of {until} failures")

    def _ask(self) -> None:
        session: Session | None = None
        while not self._ending:
            begun = monotonic()
            member = ""
            try:
                if session is None:
                    session = Session(self._port)
                answer = session.request(self._target)
                told = str(answer.status)
                member = answer.headers.get("x-member", "")
                # The answer said that it is the connection's last one.
                if session.connection.sock is None:
                    session = None
            except (OSError, http.client.HTTPException) as why:
                told = repr(why)
                session = None
            with self._news:
                if told == "200":
                    self.served[member] = self.served.get(member, 0) + 1
                else:
                    self.failures.append(told)
                    self._failed.append(begun)
                self._news.notify_all()
            if self._pause:
                self._resting.wait(self._pause)
        if session is not None:
            session.close()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending = True
        self._resting.set()
        for thread in self._threads:
            thread.join(PATIENCE)
