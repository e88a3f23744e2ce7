"""Both retrievers side by side: how scores are joined, what the ranks say, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.index import Index
from rag.protocols import Vectors
from rag.retrieve import HybridRetriever, RetrieverName, fuse, min_max
from rag.types import Candidate, Chunk, Paper
from tests.fakes import FakeEmbedder, build_fake_index, by_sentence, embedded

PAPERS = (
    Paper("attention", "Sparse attention", "Sparse attention speeds up long prompts. It skips most of the matrix."),
    Paper("coral", "Coral reefs", "Reefs bleach in warm water. Fish leave the reefs."),
    Paper("sepsis", "Sepsis in hospitals", "Early antibiotics help patients with sepsis. Delay costs lives."),
    Paper("tuning", "Fine-tuning", "Fine-tuning adapts a model. Sparse updates save memory."),
)
SCORES = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.floats(-1, 1), max_size=8)
BM25 = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.floats(0, 40), max_size=8)


@pytest.fixture
def index() -> Index:
    return build_fake_index(PAPERS)


def retriever(index: Index, use: RetrieverName = "hybrid", candidates: int = 100) -> HybridRetriever:
    return HybridRetriever(index, FakeEmbedder(), use=use, candidates=candidates)


def test_scores_are_scaled_to_between_nothing_and_one() -> None:
    assert min_max({"a": 3.0, "b": 1.0, "c": 2.0}) == {"a": 1.0, "b": 0.0, "c": 0.5}
    assert min_max({"a": 0.2, "b": 0.2}) == {"a": 1.0, "b": 1.0}
    assert min_max({}) == {}


def test_fusion_weighs_meaning_against_words() -> None:
    dense, lexical = {"a": 0.8, "b": 0.4, "c": 0.6}, {"b": 7.0, "c": 3.5}
    assert fuse(dense, lexical, 1.0, 7.0) == pytest.approx({"a": 1.0, "b": 0.0, "c": 0.5})
    assert fuse(dense, lexical, 0.0, 7.0) == pytest.approx({"a": 0.0, "b": 1.0, "c": 0.5})
    assert fuse(dense, lexical, 0.6, 7.0) == pytest.approx({"a": 0.6, "b": 0.4, "c": 0.5})


def test_words_count_for_little_where_no_paper_has_most_of_them() -> None:
    dense, lexical = {"a": 0.8, "b": 0.4}, {"b": 7.0}
    near, far = fuse(dense, lexical, 0.4, 7.0), fuse(dense, lexical, 0.4, 70.0)
    assert near["b"] > near["a"]
    assert far["a"] > far["b"]


def test_a_question_without_a_known_word_is_ranked_by_meaning() -> None:
    assert fuse({"a": 0.8, "b": 0.4}, {}, 0.5, 0.0) == pytest.approx({"a": 0.5, "b": 0.0})


@given(dense=SCORES, lexical=BM25, weight=st.floats(0, 1), highest=st.floats(0, 1e3))
def test_fusion_scores_every_candidate_between_nothing_and_one(
    dense: dict[str, float], lexical: dict[str, float], weight: float, highest: float
) -> None:
    fused = fuse(dense, lexical, weight, highest)
    assert fused.keys() == dense.keys()
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in fused.values())


@pytest.mark.parametrize("use", ["hybrid", "dense", "lexical"])
def test_the_paper_that_is_asked_about_comes_first(index: Index, use: RetrieverName) -> None:
    for question, paper in (
        ("What does sparse attention speed up?", "attention"),
        ("Do antibiotics help with sepsis?", "sepsis"),
        ("Why do coral reefs bleach?", "coral"),
    ):
        assert retriever(index, use).retrieve(question, 4)[0].paper.id == paper


def test_ranks_count_from_one_best_first(index: Index) -> None:
    found = retriever(index).retrieve("sparse attention or sparse updates", 4)
    assert [p.rank for p in found] == [p.fused_rank for p in found] == [1, 2, 3, 4]
    assert all(one.score >= other.score for one, other in pairwise(found))
    assert {p.paper.id: p.lexical_rank for p in found} == {
        "attention": 1,
        "tuning": 2,
        "coral": None,
        "sepsis": None,
    }
    assert sorted(p.dense_rank or 0 for p in found) == [1, 2, 3, 4]
    assert found[0].similarity is not None
    assert 0 < found[0].similarity < 1


def test_a_retriever_that_was_left_out_gives_no_rank(index: Index) -> None:
    assert {p.lexical_rank for p in retriever(index, "dense").retrieve("sparse attention", 4)} == {None}
    assert {p.dense_rank for p in retriever(index, "lexical").retrieve("sparse attention", 4)} == {None}


def test_only_papers_with_the_words_are_found_by_words(index: Index) -> None:
    assert {p.paper.id for p in retriever(index, "lexical").retrieve("sparse", 4)} == {"attention", "tuning"}
    assert retriever(index, "lexical").retrieve("zebra", 4) == []


def test_no_more_than_were_asked_for(index: Index) -> None:
    every = retriever(index).retrieve("sparse attention", 4)
    assert retriever(index).retrieve("sparse attention", 2) == every[:2]


def test_equals_come_in_the_order_of_their_ids() -> None:
    twins = [Paper(paper_id, "Same", "The same words.") for paper_id in ("b", "c", "a")]
    index = build_fake_index(twins)
    query = index.vectors.query
    index.vectors.query = lambda vector, k: query(vector, k)[::-1]  # type: ignore[method-assign]
    found = retriever(index).retrieve("same words", 3)
    assert [p.paper.id for p in found] == ["a", "b", "c"]


def test_a_paper_in_several_chunks_is_found_once_by_its_best_chunk() -> None:
    index = build_fake_index()
    rows = [(paper, by_sentence(paper)) for paper in PAPERS]
    index.upsert(rows, embedded(chunk for _, chunks in rows for chunk in chunks))
    found = retriever(index).retrieve("Sparse updates save memory", 4)
    assert len({p.paper.id for p in found}) == len(found) == 4
    assert found[0].chunk.text == "Sparse updates save memory."


GHOST = Paper("ghost", "Sparse attention", "Sparse attention, sparse attention, sparse attention.")


def ranks(index: Index) -> list[tuple[str, int, int | None, int | None]]:
    found = retriever(index).retrieve("sparse attention", 4)
    return [(p.paper.id, p.rank, p.dense_rank, p.lexical_rank) for p in found]


def test_a_chunk_the_catalog_does_not_know_is_not_there(index: Index) -> None:
    before = ranks(index)
    chunk = Chunk(GHOST, 0, len(GHOST.abstract))
    index.vectors.upsert([chunk], embedded([chunk]))
    assert ranks(index) == before


def test_words_of_a_paper_the_catalog_does_not_know_are_not_there(index: Index) -> None:
    before = ranks(index)
    index.terms.upsert([GHOST])
    assert ranks(index) == before


def test_a_chunk_of_an_older_version_is_not_shown(index: Index) -> None:
    old = Paper("coral", "Coral reefs", "Sparse attention was mentioned here once.")
    chunk = Chunk(old, 0, len(old.abstract))
    index.vectors.upsert([chunk], embedded([chunk]))
    for passage in retriever(index).retrieve("Sparse attention was mentioned here once.", 4):
        assert passage.paper in PAPERS


def test_a_record_replaced_while_its_paper_was_ranked_is_looked_for_again(index: Index) -> None:
    new = Paper("attention", "Sparse attention", "Sparse attention is faster still.")
    query, asked = index.vectors.query, []

    def replacing(vector: Vectors, k: int) -> list[tuple[str, str, float]]:
        hits = query(vector, k)
        if not asked:
            index.upsert([(new, (chunk := Chunk(new, 0, len(new.abstract)),))], embedded([chunk]))
        asked.append(k)
        return hits

    index.vectors.query = replacing  # type: ignore[method-assign]
    found = retriever(index).retrieve("sparse attention", 4)
    assert found[0].paper == new
    assert len(found) == len(PAPERS)
    assert len(asked) == 2


class Backwards:
    depth = 3

    def __init__(self) -> None:
        self.given: list[Candidate] = []

    def __call__(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        self.given = list(candidates)
        return [replace(candidate, score=float(candidate.rank)) for candidate in candidates[::-1]]


def test_a_reranker_sees_more_than_is_returned_and_its_order_holds(index: Index) -> None:
    fused = retriever(index, candidates=1).retrieve("sparse attention", 3)
    backwards = Backwards()
    found = retriever(index, candidates=1).retrieve("sparse attention", 2, reranker=backwards)
    assert [candidate.paper_id for candidate in backwards.given] == [passage.paper.id for passage in fused]
    assert [passage.paper for passage in found] == [fused[2].paper, fused[1].paper]
    assert [(p.rank, p.fused_rank, p.score) for p in found] == [(1, 3, 3.0), (2, 2, 2.0)]


def test_an_empty_index_gives_nothing() -> None:
    assert retriever(build_fake_index()).retrieve("anything", 5) == []


@pytest.mark.parametrize("question", ["", "?!", "the of and", "zzz qqq", "日本語", "a" * 4000])
def test_any_text_is_a_question(index: Index, question: str) -> None:
    assert len(retriever(index).retrieve(question, 4)) == 4


def test_few_candidates_still_fill_what_was_asked_for(index: Index) -> None:
    assert len(retriever(index, candidates=1).retrieve("sparse attention", 4)) == 4
