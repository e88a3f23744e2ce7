"""One question at work: its place in the line, its thread, its time limit and its trace.

The place is held exactly as long as the thread computes, whatever becomes of the client: a question whose
reader went away ends at the next token, and only then does the next one begin.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.types import Checked, Draft, Event, Finished, Queued, Retrieved
from ui.api.admission import Place
from ui.api.errors import ApiError

log = logging.getLogger(__name__)

# A stopped computation ends within a token; a model server that hangs does not, and is not waited for longer.
SECONDS_TO_END = 10
END = object()


@dataclass(slots=True)
class Trace:
    """When what happened to a question, in milliseconds since it came."""

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    queue_ms: float = 0.0
    steps: list[dict[str, Any]] = field(default_factory=list)

    def note(self, event: Event) -> None:
        """Adds an event; drafts are noted once."""
        match event:
            case Retrieved(retrieved=found, context=context):
                self._add("retrieved", papers=len(found), handed_out=len(context.passages))
            case Queued(ahead=ahead):
                self._add("queued", ahead=ahead)
            case Draft() if all(step["event"] != "first_token" for step in self.steps):
                self._add("first_token")
            case Checked(sentence=sentence, shown=shown):
                self._add("checked", verdict=sentence.support.verdict.value, shown=shown, quoted=sentence.quoted)
            case Finished():
                self._add("finished")

    def as_dict(self) -> dict[str, Any]:
        """The trace as JSON."""
        return {"request_id": self.request_id, "queue_ms": round(self.queue_ms, 1), "events": self.steps}

    def _add(self, event: str, **more: Any) -> None:
        self.steps.append({"ms": round((time.perf_counter() - self.started) * 1000, 1), "event": event, **more})


class Work:
    """A question in a thread of its own. `stop` ends the computation; the place is given back when it has ended."""

    def __init__(self, run: Callable[[threading.Event], Iterator[Event]], place: Place) -> None:
        self._cancel = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[object] = asyncio.Queue()
        self._place = place
        # The thread's log lines carry the id of the request.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._work, run), name="answer", daemon=True).start()

    def stop(self) -> None:
        """Ends the computation; what is checked so far still comes."""
        self._cancel.set()

    async def events(self, seconds: float, pause: float) -> AsyncIterator[Event | None]:
        """The events as they come, and `None` where nothing came for `pause` seconds.

        After `seconds` the computation is stopped and ends with what is checked by then.

        Raises:
            ApiError: It did not end (503).
        """
        end = self._loop.time() + seconds
        while True:
            left = end - self._loop.time()
            if left <= 0:
                self.stop()
            if left <= -SECONDS_TO_END:
                raise too_slow()
            item = await self._next(min(pause, left if left > 0 else left + SECONDS_TO_END))
            if item is END:
                return
            if isinstance(item, Exception):
                raise item
            yield item  # type: ignore[misc]  # an event, or None

    async def _next(self, seconds: float) -> object:
        try:
            # Not `wait_for`: in Python 3.11 it forgets a cancellation that comes together with an item.
            async with asyncio.timeout(seconds):
                return await self._queue.get()
        except TimeoutError:
            return None

    def _work(self, run: Callable[[threading.Event], Iterator[Event]]) -> None:
        try:
            for event in run(self._cancel):
                self._put(event)
        except BaseException as error:  # told to the client by whoever reads the events
            # A native core that panics raises what is no `Exception`.
            self._put(error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}"))
        finally:
            self._put(END)
            self._call(self._place.release)

    def _put(self, item: object) -> None:
        self._call(lambda: self._queue.put_nowait(item))

    def _call(self, function: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:  # the server has been shut down
            self._cancel.set()


def too_slow() -> ApiError:
    """The time limit of a request is over."""
    return ApiError(503, "The time limit of a request is over. Try again later.", "timed_out", retry_after=30)
