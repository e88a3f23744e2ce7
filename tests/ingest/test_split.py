"""Chunks of an abstract: nothing is lost, and every chunk fits the embedding model."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.split import AbstractSplitter
from rag.types import Chunk, Paper

# LlamaIndex alone takes two seconds to import.
pytestmark = pytest.mark.real

LIMIT = 100


def count(text: str) -> int:
    return len(text.split())


def chunks(abstract: str, title: str = "A title of five words", limit: int = LIMIT) -> tuple[Chunk, ...]:
    return AbstractSplitter(count, limit).split(Paper("p", title, abstract))


def uncovered(found: tuple[Chunk, ...]) -> str:
    """Characters, other than white space, that no chunk holds."""
    text = found[0].paper.abstract
    held = {place for chunk in found for place in range(chunk.start, chunk.end)}
    return "".join(char for place, char in enumerate(text) if place not in held and not char.isspace())


def fits(found: tuple[Chunk, ...], limit: int = LIMIT) -> bool:
    return all(count(chunk.embedded_text) <= limit for chunk in found)


LONG = " ".join(
    f"Sentence number {i} says that method {i * 37} gains {i % 13} points on task {i % 5}." for i in range(80)
)


def test_an_abstract_that_fits_is_one_chunk() -> None:
    abstract = "We adapt large models with few weights. It works."
    (chunk,) = chunks(abstract)
    assert (chunk.start, chunk.end, chunk.text) == (0, len(abstract), abstract)


def test_a_long_abstract_is_covered_by_chunks_that_fit() -> None:
    found = chunks(LONG)
    assert len(found) > 5
    assert uncovered(found) == ""
    assert fits(found)


def test_chunks_come_in_reading_order_and_are_spans_of_the_abstract() -> None:
    found = chunks(LONG)
    assert [c.start for c in found] == sorted({c.start for c in found})
    assert len({c.id for c in found}) == len(found)
    for chunk in found:
        assert chunk.text == LONG[chunk.start : chunk.end]


def test_chunks_end_with_sentences() -> None:
    assert all(chunk.text.rstrip().endswith(".") for chunk in chunks(LONG))


def test_chunks_follow_each_other() -> None:
    found = chunks(LONG)
    assert len(found) > 1
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_the_title_takes_its_room() -> None:
    title = "A rather long title that takes twenty four words " * 3
    assert fits(chunks(LONG, title))


def test_one_sentence_longer_than_the_model_reads_is_cut() -> None:
    found = chunks(" ".join(f"word{i}" for i in range(500)))
    assert uncovered(found) == ""
    assert fits(found)


@pytest.mark.parametrize("times", [20, 60, 200])
def test_text_that_repeats_itself_is_covered_as_well(times: int) -> None:
    found = chunks(" ".join(["The same sentence comes again and again."] * times))
    assert uncovered(found) == ""
    assert fits(found)


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from(["alpha", "beta gamma", "It works.", "So e.g. this.", "Δ = 3.5%", "Why?"]),
        min_size=60,
        max_size=300,
    )
)
def test_nothing_is_ever_lost(parts: list[str]) -> None:
    found = chunks(" ".join(parts))
    assert uncovered(found) == ""
    assert fits(found)


def test_the_embedding_model_reads_the_title_in_front() -> None:
    (chunk,) = chunks("An abstract.", "A Title")
    assert chunk.embedded_text == "A Title. An abstract."
