"""Where each passage goes in the prompt: the paper's published orders, and what they mean for any number."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.order import REORDER_FROM, Ordering, prompt_order, reorder

RANKED = st.integers(1, 200).map(lambda k: list(range(1, k + 1)))


@pytest.mark.parametrize(
    ("k", "published"),
    [
        (6, "1 3 5 6 4 2"),
        (7, "1 3 5 7 6 4 2"),
        (10, "1 3 5 7 9 10 8 6 4 2"),
        (1, "1"),
        (2, "1 2"),
        (3, "1 3 2"),
        (0, ""),
    ],
)
def test_the_order_is_the_published_one(k: int, published: str) -> None:
    assert " ".join(map(str, reorder(range(1, k + 1)))) == published


def haystack_order(k: int) -> list[int]:
    """What Haystack's LostInTheMiddleRanker does: each next best goes into the middle of those before it.

    Starting from the best alone, every further one is inserted behind the first half, the larger half where they
    are odd in number.
    """
    ordered = [1]
    for rank in range(2, k + 1):
        ordered.insert(len(ordered) // 2 + len(ordered) % 2, rank)
    return ordered


def paper_order(k: int) -> list[int]:
    """Eq. 1 of the paper: the place of rank i is (i + 1) / 2 for odd i and k + 1 - i / 2 for even i."""
    places = {i: (i + 1) // 2 if i % 2 else k + 1 - i // 2 for i in range(1, k + 1)}
    return sorted(places, key=places.__getitem__)


@pytest.mark.parametrize("k", range(1, 51))
def test_the_order_is_haystacks_and_the_papers_for_every_number(k: int) -> None:
    assert reorder(range(1, k + 1)) == haystack_order(k) == paper_order(k)


@given(RANKED)
def test_nothing_is_lost_or_doubled(ranked: list[int]) -> None:
    assert sorted(reorder(ranked)) == ranked


@given(RANKED)
def test_the_best_is_first_and_the_second_best_is_last(ranked: list[int]) -> None:
    ordered = reorder(ranked)
    assert ordered[0] == 1
    assert ordered[-1] == min(2, len(ranked))


@given(RANKED)
def test_passages_get_weaker_towards_the_middle(ranked: list[int]) -> None:
    ordered = reorder(ranked)
    middle = ordered.index(max(ordered))
    assert ordered[: middle + 1] == sorted(ordered[: middle + 1])
    assert ordered[middle:] == sorted(ordered[middle:], reverse=True)


def test_equal_passages_are_kept_apart() -> None:
    assert reorder(["a", "a", "b"]) == ["a", "b", "a"]


def test_by_score_means_best_first_however_many() -> None:
    assert prompt_order(range(1, 101), "score") == list(range(1, 101))


def test_reorder_means_reordered_however_few() -> None:
    assert prompt_order([1, 2, 3], "reorder") == [1, 3, 2]


def test_reverse_means_best_last_next_to_the_question() -> None:
    assert prompt_order([1, 2, 3], "reverse") == [3, 2, 1]


def test_auto_reorders_from_thirty_passages_up_and_puts_the_best_last_below() -> None:
    assert REORDER_FROM == 30
    few, many = list(range(29)), list(range(30))
    assert prompt_order(few, "auto") == few[::-1]
    assert prompt_order(many, "auto") == reorder(many)


@given(RANKED, st.sampled_from(get_args(Ordering)))
def test_no_order_loses_or_doubles_a_passage(ranked: list[int], ordering: Ordering) -> None:
    assert sorted(prompt_order(ranked, ordering)) == ranked
