"""An answer's events, produced in a thread and read by an asynchronous event handler."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from rag.filters import Filters
from rag.types import Event, Finished
from ui.pipelines import Pipelines
from ui.preferences import Preferences

POLL_SECONDS = 0.5


class AnswerStream:
    """What the pipeline yields for one question, produced in a thread of its own.

    The thread runs until the pipeline has finished, also when nobody reads any more: `cancel` is what ends
    the computation, and the pipeline then still has to hand the model back.
    """

    def __init__(
        self,
        pipelines: Pipelines,
        question: str,
        history: Sequence[tuple[str, str]],
        cancel: threading.Event,
        preferences: Preferences = Preferences(),  # noqa: B008  # frozen
        filters: Filters | None = None,
    ) -> None:
        """Begins at once; `filters` take the place of the conditions that the question names."""
        self.started = False
        self._cancel = cancel
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Event | BaseException] = asyncio.Queue()
        self._preferences, self._filters = preferences, filters
        work = (pipelines, question, history)
        threading.Thread(target=self._work, args=work, name="answer", daemon=True).start()

    @property
    def abandoned(self) -> bool:
        """Stopped while the models were still loading: nothing will be written."""
        return self._cancel.is_set() and not self.started

    async def next_events(self) -> list[Event]:
        """All events that came since the last call; none when nothing came for a while.

        Raises:
            PaperchatError: The pipeline failed.
        """
        try:
            # Not `wait_for`: in Python 3.11 it forgets a cancellation that comes together with an item.
            async with asyncio.timeout(POLL_SECONDS):
                items = [await self._queue.get()]
        except TimeoutError:
            return []
        while not self._queue.empty():
            items.append(self._queue.get_nowait())
        events: list[Event] = []
        for item in items:
            if isinstance(item, BaseException):
                raise item
            events.append(item)
            if isinstance(item, Finished):
                break
        return events

    def _work(self, pipelines: Pipelines, question: str, history: Sequence[tuple[str, str]]) -> None:
        try:
            pipeline = pipelines.get(self._preferences)
            if self._cancel.is_set():
                return
            self.started = True
            for event in pipeline.stream(question, history, self._cancel, self._filters):
                self._put(event)
            self._put(RuntimeError("the pipeline ended without an answer"))
        except Exception as error:  # Shown to the reader by `Chat.answer`.
            self._put(error)

    def _put(self, item: Event | BaseException) -> None:
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)
        except RuntimeError:  # The server has been shut down.
            self._cancel.set()
