"""Late interaction: a paper's match grows with the question's words it meets, and survives being stored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rag import late
from rag.late import IN_TITLE, Interaction, Packed, Tokens, of_papers, pack, packed, unit, unpack
from rag.text import sentence_spans
from rag.types import Chunk, Paper
from tests.fakes import FakeEmbedder

PAPER = Paper("p", "Sparse attention", "Caches are pruned. Latency falls by half on phones.")


def tokens_of(paper: Paper, *spans: tuple[int, int]) -> Tokens:
    chunks = [Chunk(paper, *span) for span in spans or [(0, len(paper.abstract))]]
    return of_papers(chunks, FakeEmbedder().embed_tokens([chunk.embedded_text for chunk in chunks])[1])[paper.id]


def kept(paper: Paper) -> tuple[list[Packed], list[np.ndarray]]:
    spans = np.array(sentence_spans(paper.abstract), np.int32).reshape(-1, 2)
    return [packed(pack(tokens_of(paper)))], [spans]


def interaction(question: str, paper: Paper = PAPER, idf: dict[str, float] | None = None) -> Interaction:
    asked = FakeEmbedder().query_tokens(question)
    [met] = late.interactions(asked, late.weights(question, asked, idf or {}), *kept(paper))
    return met


def test_a_paper_that_has_every_word_matches_fully() -> None:
    # Four bits a dimension are not the whole vector.
    assert interaction("attention caches latency").score > 0.98
    assert interaction("attention caches walruses").score < 0.9


def test_a_rare_word_that_is_missing_costs_more_than_a_common_one() -> None:
    rare = {"walrus": 9.0, "cach": 1.0}
    common = {"walrus": 1.0, "cach": 9.0}
    assert interaction("walrus caches", idf=rare).score < interaction("walrus caches", idf=common).score


def test_a_sentence_is_matched_with_its_title_and_without_the_other_sentences() -> None:
    met = interaction("sparse attention caches")
    assert met.sentences[0] > 0.98
    assert met.sentences[1] < met.sentences[0]
    [means] = late.means(FakeEmbedder().query_tokens("sparse attention caches"), *kept(PAPER))
    assert means[0] > means[1]


def test_nothing_asked_or_nothing_written_is_no_match() -> None:
    assert interaction("?").score == interaction("?").match == 0
    assert interaction("caches", Paper("e", "", "")).match == 0
    title_alone = interaction("sparse caches", Paper("e", "Sparse attention", ""))
    assert title_alone.match == title_alone.score > 0


def by_definition(asked: Tokens, weight: np.ndarray, paper: Tokens, spans: list[tuple[int, int]]) -> list[np.ndarray]:
    """One paper after the other, one sentence after the other, as the module's docstrings say it."""

    def met(chosen: np.ndarray) -> float:
        cosines = asked.vectors @ paper.vectors[chosen].T
        return float(weight / weight.sum() @ cosines.max(axis=1)) if cosines.size else 0.0

    within = [(paper.places >= start) & (paper.places < end) for start, end in spans]
    whole = unit(asked.vectors.sum(axis=0))
    return [
        np.array([met(paper.places >= IN_TITLE)]),
        np.array([met(chosen | (paper.places == IN_TITLE)) for chosen in within]),
        np.array([float(unit(paper.vectors[chosen].sum(axis=0)) @ whole) for chosen in within]),
    ]


@st.composite
def looked_at(draw: st.DrawFn) -> tuple[Tokens, list[Tokens], list[list[tuple[int, int]]]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def tokens(count: int, low: int, high: int) -> Tokens:
        places = rng.integers(low, high, count).astype(np.int32)
        # Mostly in reading order; chunks that overlap are not.
        return Tokens(unit(rng.normal(size=(count, 8)).astype(np.float32)), np.sort(places) if count % 3 else places)

    papers = [tokens(count, IN_TITLE, 40) for count in draw(st.lists(st.integers(0, 30), max_size=5))]
    spans = []
    for _ in papers:
        # Neighbours may touch, or leave out what is no statement.
        edges = draw(st.lists(st.integers(0, 40), unique=True, max_size=8).map(sorted))
        spans.append(list(zip(edges[::2], edges[1::2], strict=False)))
    return tokens(draw(st.integers(0, 4)), 0, 40), papers, spans


@given(looked_at())
def test_all_papers_at_once_give_what_each_gives_alone(
    drawn: tuple[Tokens, list[Tokens], list[list[tuple[int, int]]]],
) -> None:
    asked, papers, spans = drawn
    weight = np.arange(1, len(asked.places) + 1, dtype=np.float32)
    stored, edges = [pack(paper) for paper in papers], [np.array(own, np.int32).reshape(-1, 2) for own in spans]
    kept = [packed(data) for data in stored]
    found, alike = late.interactions(asked, weight, kept, edges), late.means(asked, kept, edges)
    assert len(found) == len(papers)
    for met, mean, data, own in zip(found, alike, stored, spans, strict=True):
        score, sentences, means = by_definition(asked, weight, unpack(data), own)
        assert met.score == pytest.approx(score[0], abs=1e-6)
        assert np.allclose(met.sentences, sentences, atol=1e-6)
        assert np.allclose(mean, means, atol=1e-6)
        assert met.match == pytest.approx((met.score + max(met.sentences, default=met.score)) / 2)


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
