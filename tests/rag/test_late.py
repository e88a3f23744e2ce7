"""Late interaction: a paper's match grows with the question's words it meets, and survives being stored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rag import late
from rag.late import IN_TITLE, Interaction, Tokens, of_papers, pack, unit, unpack
from rag.types import Chunk, Paper
from tests.fakes import FakeEmbedder

PAPER = Paper("p", "Sparse attention", "Caches are pruned. Latency falls by half on phones.")


def tokens_of(paper: Paper, *spans: tuple[int, int]) -> Tokens:
    chunks = [Chunk(paper, *span) for span in spans or [(0, len(paper.abstract))]]
    return of_papers(chunks, FakeEmbedder().embed_tokens([chunk.embedded_text for chunk in chunks])[1])[paper.id]


def interaction(question: str, paper: Paper = PAPER, idf: dict[str, float] | None = None) -> Interaction:
    asked = FakeEmbedder().query_tokens(question)
    return Interaction(asked, late.weights(question, asked, idf or {}), tokens_of(paper))


def test_a_paper_that_has_every_word_matches_fully() -> None:
    assert interaction("attention caches latency").score() == pytest.approx(1, abs=1e-5)
    assert interaction("attention caches walruses").score() < 0.9


def test_a_rare_word_that_is_missing_costs_more_than_a_common_one() -> None:
    rare = {"walrus": 9.0, "cach": 1.0}
    common = {"walrus": 1.0, "cach": 9.0}
    assert interaction("walrus caches", idf=rare).score() < interaction("walrus caches", idf=common).score()


def test_a_sentence_is_matched_with_its_title_and_without_the_other_sentences() -> None:
    first, second = (0, 18), (19, len(PAPER.abstract))
    asked = interaction("sparse attention caches")
    assert asked.sentence(*first)[0] == pytest.approx(1, abs=1e-5)
    assert asked.sentence(*second)[0] < asked.sentence(*first)[0]
    assert asked.sentence(*first)[1] > asked.sentence(*second)[1]


def test_nothing_asked_or_nothing_written_is_no_match() -> None:
    assert interaction("?").score() == 0
    assert interaction("caches", Paper("e", "", "")).score() == 0
    assert interaction("caches", Paper("e", "", "")).sentence(0, 0) == (0, 0)


def test_chunks_of_one_paper_give_each_token_once_and_where_it_stands() -> None:
    tokens = tokens_of(PAPER, (0, 18), (19, len(PAPER.abstract)))
    words = [PAPER.abstract[place:].split()[0].strip(".") for place in tokens.places if place != IN_TITLE]
    assert words == ["Caches", "pruned", "Latency", "falls", "half", "phones"]
    assert (tokens.places == IN_TITLE).sum() == 2


@given(arrays.arrays(np.float32, st.tuples(st.integers(0, 6), st.just(8)), elements=st.floats(-1, 1, width=16)))
def test_stored_vectors_come_back_nearly_as_they_were(rows: np.ndarray) -> None:
    tokens = Tokens(unit(rows), np.arange(len(rows), dtype=np.int32) - 1)
    again = unpack(pack(tokens))
    assert np.array_equal(again.places, tokens.places)
    lost = 1 - (again.vectors * tokens.vectors).sum(axis=1)
    assert (lost[np.abs(rows).max(axis=1, initial=0) > 1e-3] < 0.05).all()


@given(st.binary(max_size=80))
def test_bytes_that_are_not_whole_are_an_error(data: bytes) -> None:
    try:
        tokens = unpack(data)
    except ValueError:
        return
    assert len(tokens.places) == len(tokens.vectors)
