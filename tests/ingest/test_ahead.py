"""Reading ahead in a thread: the same items in the same order, every error, and nothing left running."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.ahead import ahead

pytestmark = pytest.mark.timeout(60)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ingest-read"]


def soon(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    return condition()


@settings(max_examples=30)
@given(st.lists(st.one_of(st.none(), st.integers())), st.integers(1, 4))
def test_items_come_in_order_whatever_they_are(items: list[int | None], depth: int) -> None:
    with ahead(iter(items), depth) as read:
        assert list(read) == items
    assert not readers()


def test_after_the_last_item_there_is_nothing_more() -> None:
    with ahead(iter([1]), 2) as read:
        assert list(read) == [1]
        assert list(read) == []
        assert next(read, "none") == "none"


@pytest.mark.parametrize("error", [ValueError("damaged"), KeyboardInterrupt(), SystemExit(3), MemoryError()])
def test_an_error_is_raised_to_the_reader_after_the_items_before_it(error: BaseException) -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise error

    seen = []

    def use() -> None:
        with ahead(source(), 2) as read:
            seen.extend([next(read), next(read)])
            next(read)

    with pytest.raises(type(error)) as raised:
        use()
    assert raised.value is error
    assert seen == [1, 2]
    assert not readers()


def test_an_error_that_the_reader_never_asks_for_is_no_obstacle() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError

    with ahead(source(), 2) as read:
        assert next(read) == 1
    assert not readers()


def test_it_runs_ahead_but_not_far() -> None:
    made: list[int] = []

    def source() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    with ahead(source(), 2) as read:
        assert soon(lambda: len(made) >= 2)
        time.sleep(0.05)
        # Two wait, one is held until there is room.
        assert len(made) <= 3
        assert next(read) == 0
        assert soon(lambda: len(made) >= 3)
        time.sleep(0.05)
        assert len(made) <= 4


def test_it_works_while_its_reader_works() -> None:
    first, second = threading.Event(), threading.Event()

    def source() -> Iterator[int]:
        yield 1
        first.set()
        second.wait(timeout=10)
        yield 2

    with ahead(source(), 1) as read:
        assert next(read) == 1
        assert first.wait(timeout=10)
        second.set()
        assert next(read) == 2


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_leaving_early_stops_the_thread(taken: int) -> None:
    def endless() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    start = time.monotonic()
    with ahead(endless(), 2) as read:
        assert [next(read) for _ in range(taken)] == list(range(taken))
    assert not readers()
    assert time.monotonic() - start < 5


def test_a_failing_reader_stops_the_thread_and_keeps_its_error() -> None:
    with pytest.raises(ZeroDivisionError), ahead(iter(range(1000)), 2) as read:
        next(read)
        raise ZeroDivisionError
    assert not readers()


def test_a_reader_that_fails_while_the_source_is_slow_is_not_held_for_ever() -> None:
    release = threading.Event()

    def slow() -> Iterator[int]:
        yield 1
        release.wait(timeout=30)
        yield 2

    def use() -> None:
        with ahead(slow(), 2) as read:
            next(read)
            threading.Timer(0.2, release.set).start()
            raise ZeroDivisionError

    start = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        use()
    assert time.monotonic() - start < 5
    assert soon(lambda: not readers())


def test_a_source_left_early_is_closed() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    with ahead(source(), 2) as read:
        next(read)
    assert closed.wait(timeout=5)


def test_many_at_once_do_not_disturb_each_other() -> None:
    sums: list[int] = []

    def use(start: int) -> None:
        with ahead(iter(range(start, start + 200)), 1) as read:
            sums.append(sum(read))

    threads = [threading.Thread(target=use, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(sums) == [sum(range(n, n + 200)) for n in range(8)]
