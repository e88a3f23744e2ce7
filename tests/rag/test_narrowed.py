"""Filtered retrieval is the ordinary ranking of the matching papers: none lost, none let in, none moved."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.facets import meets
from rag.filters import NONE, Filters
from rag.index import Index
from rag.narrowed import Narrowed
from rag.retrieve import HybridRetriever, RetrieverName
from rag.types import Paper
from tests.fakes import FakeEmbedder, build_fake_index

WORDS = "sparse attention update memory graph tree vector kernel bandit prompt".split()


def collection(seed: int, size: int = 40) -> list[Paper]:
    rng = random.Random(seed)
    return [
        Paper(
            f"p{n:02}", " ".join(rng.choices(WORDS, k=3)), " ".join(rng.choices(WORDS, k=12)) + ".",
            authors=(rng.choice(["Ann Lee", "Bo Kim", "Cy Wu"]),), date=str(rng.randint(2015, 2020)),
        )
        for n in range(size)
    ]  # fmt: skip


FILTERS = st.sampled_from(
    [NONE, Filters("2018"), Filters("2016", "2016"), Filters(authors=("Lee",)), Filters("2019", authors=("Wu", "Kim"))]
)


@given(st.integers(0, 20), FILTERS, st.integers(1, 30), st.sampled_from([0, 5, 1000]))
def test_each_retriever_ranks_the_matching_papers_as_it_ranks_them_all(
    seed: int, filters: Filters, k: int, few: int
) -> None:
    papers = collection(seed)
    index = build_fake_index(papers)
    kept = {paper.id for paper in papers if meets(paper, filters)}
    narrowed = Narrowed.to(index, filters, few)
    assert narrowed.size == len(kept)
    question = "sparse attention memory"
    vector = FakeEmbedder().embed_query(question)
    dense = [hit for hit in index.vectors.query(vector, 1000) if hit[1] in kept][:k]
    assert [hit[:2] for hit in narrowed.dense(vector, k)] == [hit[:2] for hit in dense]
    lexical = [hit for hit in index.terms.query(question, 1000) if hit[0] in kept][:k]
    assert narrowed.lexical(question, k) == lexical


@given(st.integers(0, 20), FILTERS, st.sampled_from(["dense", "lexical"]), st.integers(1, 50))
def test_the_final_order_is_the_unfiltered_one_without_the_others(
    seed: int, filters: Filters, use: RetrieverName, k: int
) -> None:
    papers = collection(seed)
    kept = {paper.id for paper in papers if meets(paper, filters)}
    retriever = HybridRetriever(build_fake_index(papers), FakeEmbedder(), candidates=100, use=use)
    every = [passage.paper.id for passage in retriever.retrieve("graph kernel prompt", 1000)]
    found = [passage.paper.id for passage in retriever.retrieve("graph kernel prompt", k, filters)]
    assert found == [paper_id for paper_id in every if paper_id in kept][:k]


def test_only_matching_papers_come_and_enough_of_them() -> None:
    papers = collection(1, 200)
    retriever = HybridRetriever(build_fake_index(papers), FakeEmbedder(), candidates=10)
    found = retriever.retrieve("sparse attention", 10, Filters("2016", "2016"))
    assert len(found) == 10
    assert {passage.paper.date for passage in found} == {"2016"}


@pytest.fixture
def index() -> Iterator[Index]:
    yield build_fake_index(collection(3))


def test_nothing_matches_nothing_is_found(index: Index) -> None:
    retriever = HybridRetriever(index, FakeEmbedder())
    assert retriever.retrieve("sparse attention", 5, Filters(authors=("Nobody",))) == []
