"""The line in front of the model: first come, first served, and who leaves holds up nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from rag.turns import FairQueue

PATIENCE = 10


class Line:
    """Callers that stand in line in threads of their own."""

    def __init__(self) -> None:
        self.queue = FairQueue()
        self.served: list[str] = []
        self.refused: list[str] = []
        self.threads: list[threading.Thread] = []

    def join(self, name: str, cancel: threading.Event | None = None) -> None:
        """Lets `name` stand in line, and waits until it does."""
        before = self.queue.waiting()

        def stand() -> None:
            with self.queue.turn(cancel or threading.Event()) as mine:
                (self.served if mine else self.refused).append(name)

        thread = threading.Thread(target=stand, daemon=True)
        self.threads.append(thread)
        thread.start()
        until(lambda: self.queue.waiting() == before + 1)

    def dissolve(self) -> None:
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE * 1000):
        if condition():
            return
        pause.wait(0.001)
    pytest.fail("it did not happen")


def test_callers_are_served_in_the_order_in_which_they_came() -> None:
    line = Line()
    with line.queue.turn(threading.Event()) as mine:
        assert mine
        for name in "abcdef":
            line.join(name)
        assert line.queue.waiting() == 7
        assert line.served == []
    line.dissolve()
    assert line.served == list("abcdef")
    assert line.queue.waiting() == 0


def test_one_is_served_at_a_time() -> None:
    queue, inside, most = FairQueue(), [], []

    def stand() -> None:
        for _ in range(50):
            with queue.turn(threading.Event()):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=stand) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(most) == 200
    assert set(most) == {1}


def test_a_waiter_who_gives_up_leaves_the_line() -> None:
    line, cancel = Line(), threading.Event()
    with line.queue.turn(threading.Event()):
        line.join("patient")
        line.join("gives up", cancel)
        line.join("late")
        cancel.set()
        until(lambda: line.refused == ["gives up"])
        until(lambda: line.queue.waiting() == 3)
    line.dissolve()
    assert line.served == ["patient", "late"]


def test_the_first_waiter_may_give_up_too() -> None:
    line, cancel = Line(), threading.Event()
    with line.queue.turn(threading.Event()):
        line.join("gives up", cancel)
        line.join("late")
        cancel.set()
        until(lambda: line.refused == ["gives up"])
        assert line.served == []
    line.dissolve()
    assert line.served == ["late"]


def test_who_gave_up_before_coming_is_not_served() -> None:
    queue, cancel = FairQueue(), threading.Event()
    cancel.set()
    with queue.turn(cancel) as mine:
        assert not mine
    assert queue.waiting() == 0


def test_a_failure_frees_the_place_for_the_next() -> None:
    line = Line()
    with pytest.raises(ZeroDivisionError), line.queue.turn(threading.Event()):
        line.join("next")
        raise ZeroDivisionError
    line.dissolve()
    assert line.served == ["next"]
    assert line.queue.waiting() == 0
