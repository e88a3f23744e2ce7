"""Who may compute now: a bounded line in front of a number of places, shared fairly between clients.

The next free place goes to the clients in turn, so that one who sends many requests does not make the others wait.
A full line takes a request only from a client that has fewer in it than the one who has most; that
one's newest is told to come back.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque

from ui.api.errors import ApiError

LONGEST_RETRY = 120
# Weight of the newest measurement in the running mean of what a request takes.
SMOOTHING = 0.2


class Place:
    """A place that is held until it is given back; giving it back twice does nothing."""

    def __init__(self, admission: Admission, waited: float) -> None:
        self.waited = waited
        self._admission: Admission | None = admission
        self._since = time.monotonic()

    def release(self) -> None:
        """Frees the place for the next in line. Call in the event loop's thread."""
        admission, self._admission = self._admission, None
        if admission is not None:
            admission._freed(time.monotonic() - self._since)


class Admission:
    """`parallel` places and a line of at most `waiting`; lives in one event loop."""

    def __init__(self, parallel: int, waiting: int) -> None:
        self.parallel = parallel
        self.running = 0
        self._limit = waiting
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._mean = 1.0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Requests in line."""
        return sum(len(line) for line in self._lines.values())

    def retry_after(self) -> int:
        """Seconds after which a place is likely, from the mean of what requests took."""
        seconds = (self.waiting + self.running) * self._mean / self.parallel
        return max(1, min(LONGEST_RETRY, math.ceil(seconds)))

    async def enter(self, client: str) -> Place:
        """A place, when it is this client's turn.

        Raises:
            ApiError: The line is full (429), or the server is going down (503).
        """
        if self._closed:
            raise _going_down()
        start = time.monotonic()
        if self.running < self.parallel and not self._lines:
            self.running += 1
            return Place(self, 0.0)
        if self.waiting >= self._limit:
            self._make_room(client)
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(client, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            # Cancelled in the moment in which the place was given: it goes on to the next.
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                self._freed(None)
            self._remove(client, mine)
            raise
        return Place(self, time.monotonic() - start)

    def close(self) -> None:
        """Sends away everyone who waits or comes."""
        self._closed = True
        for line in self._lines.values():
            for waiting in line:
                if not waiting.done():
                    waiting.set_exception(_going_down())
        self._lines.clear()

    def _make_room(self, client: str) -> None:
        full = ApiError(
            429, "Too many requests are waiting. Try again later.", "queue_full", retry_after=self.retry_after()
        )
        greediest = max(self._lines, key=lambda name: len(self._lines[name]), default=None)
        if greediest is None or len(self._lines[greediest]) <= len(self._lines.get(client, ())) + 1:
            raise full
        newest = self._lines[greediest].pop()
        if not newest.done():
            newest.set_exception(full)

    def _freed(self, seconds: float | None) -> None:
        self.running -= 1
        if seconds is not None:
            self._mean += SMOOTHING * (seconds - self._mean)
        while self.running < self.parallel and self._lines:
            client, line = self._lines.popitem(last=False)
            next_one = line.popleft()
            if line:
                self._lines[client] = line
            if not next_one.done():
                self.running += 1
                next_one.set_result(None)

    def _remove(self, client: str, mine: asyncio.Future[None]) -> None:
        line = self._lines.get(client)
        if line is not None and mine in line:
            line.remove(mine)
            if not line:
                del self._lines[client]


def _going_down() -> ApiError:
    return ApiError(503, "The server is shutting down. Try again in a while.", "shutting_down", retry_after=10)
