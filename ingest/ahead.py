"""An iterator that works in a thread of its own, a little ahead of its reader."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def ahead(source: Iterator[T], depth: int) -> Iterator[Iterator[T]]:
    """Runs `source` in a thread, at most `depth` items ahead; what it raises is raised to the reader.

    Leaving the block stops the thread at its next item and waits for it.
    """
    items: queue.Queue[tuple[T | None, BaseException | None, bool]] = queue.Queue(depth)
    stop = threading.Event()

    def put(entry: tuple[T | None, BaseException | None, bool]) -> bool:
        while not stop.is_set():
            try:
                items.put(entry, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in source:
                if not put((item, None, False)):
                    return
            put((None, None, True))
        except BaseException as error:  # handed on whole, to be raised where it is waited for
            put((None, error, True))

    def read() -> Iterator[T]:
        while True:
            item, error, last = items.get()
            if error is not None:
                raise error
            if last:
                return
            yield item  # type: ignore[misc]  # only the last entry holds none

    thread = threading.Thread(target=work, name="ingest-read", daemon=True)
    thread.start()
    try:
        yield read()
    finally:
        stop.set()
        # A reader that waits for a slow terminal or server is left to end by itself.
        thread.join(timeout=10)
