"""A fair lock: callers are served in the order in which they came, and can see how many are ahead."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class FairQueue:
    """Hands one resource to one caller at a time, first come, first served."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._line: deque[object] = deque()

    def waiting(self) -> int:
        """Callers being served or waiting now."""
        with self._condition:
            return len(self._line)

    @contextmanager
    def turn(self, cancel: threading.Event) -> Iterator[bool]:
        """Waits for this caller's turn; gives `False` where `cancel` was set before it came."""
        ticket = object()
        with self._condition:
            self._line.append(ticket)
        try:
            yield self._wait(ticket, cancel)
        finally:
            with self._condition:
                self._line.remove(ticket)
                self._condition.notify_all()

    def _wait(self, ticket: object, cancel: threading.Event) -> bool:
        with self._condition:
            while self._line[0] is not ticket:
                if cancel.is_set():
                    return False
                # The time-out only serves to look at `cancel`, which has no link to the condition.
                self._condition.wait(timeout=0.1)
        return not cancel.is_set()
