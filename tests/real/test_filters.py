"""Filters in the real stores: what Chroma and tantivy return under a filter is their own ranking of the matching papers."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from rag import build
from rag.config import Config
from rag.facets import meets
from rag.filters import Filters
from rag.index import Index
from rag.narrowed import Narrowed
from rag.types import Paper
from tests.fakes import FakeEmbedder, by_sentence, embedded

pytestmark = pytest.mark.real

WORDS = [
    f"{a}{b}" for a in ("spar", "tok", "gra", "ker", "ban", "pro", "tre", "vec") for b in ("sity", "ens", "phs", "nels")
]
QUESTION = "sparsity tokens graphs and vecnels"
FILTERS = [
    Filters("2018"),
    Filters("2016", "2016"),
    Filters(authors=("Lee",)),
    Filters(authors=("A. Lee",), venues=("ICLR",)),
    Filters("2019", categories=("cs",)),
]


@pytest.fixture(scope="module")
def papers() -> list[Paper]:
    rng = random.Random(7)
    return [
        Paper(
            f"p:{n}/{rng.randint(0, 9)}", " ".join(rng.choices(WORDS, k=4)),
            f"{' '.join(rng.choices(WORDS, k=15))}. {' '.join(rng.choices(WORDS, k=15)).capitalize()}.",
            authors=(rng.choice(["Ann Lee", "Bo Lee", "Cy Wu"]),), date=str(rng.randint(2015, 2020)),
            venue=rng.choice(["ICLR 2019", "Nature", None]), categories=(rng.choice(["cs.CL", "cs.CV", "math.GT"]),),
        )
        for n in range(500)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def index(papers: list[Paper], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("index")
    config = Config(index=folder)
    index = build.create_index(config, lambda: FakeEmbedder.dimension, lambda: "sentences")
    rows = [(paper, by_sentence(paper)) for paper in papers]
    with index.writing():
        index.upsert(rows, embedded(chunk for _, chunks in rows for chunk in chunks))
    yield index


@pytest.mark.parametrize("filters", FILTERS, ids=Filters.describe)
@pytest.mark.parametrize("few", [0, 1000], ids=["fetched", "one by one"])
@pytest.mark.parametrize("k", [5, 60])
def test_the_real_stores_rank_the_matching_papers_as_they_rank_them_all(
    index: Index, papers: list[Paper], filters: Filters, few: int, k: int
) -> None:
    kept = {paper.id for paper in papers if meets(paper, filters)}
    assert 0 < len(kept) < len(papers)
    narrowed = Narrowed.to(index, filters, few)
    vector = FakeEmbedder().embed_query(QUESTION)
    every = index.vectors.similarities(vector, [c.id for p in papers if p.id in kept for c in by_sentence(p)])
    dense = narrowed.dense(vector, k)
    assert {paper_id for _, paper_id, _ in dense} <= kept
    assert [cosine for _, _, cosine in dense] == pytest.approx(sorted(every.values(), reverse=True)[:k], abs=1e-5)
    lexical = narrowed.lexical(QUESTION, k)
    expected = [hit for hit in index.terms.query(QUESTION, len(papers)) if hit[0] in kept][:k]
    assert {paper_id for paper_id, _ in lexical} <= kept
    assert [score for _, score in lexical] == pytest.approx([score for _, score in expected], abs=1e-5)


def test_papers_are_found_by_all_words_of_their_titles(index: Index, papers: list[Paper]) -> None:
    wanted = papers[123]
    found = index.terms.holding(wanted.title, title=True)
    assert wanted.id in found
    title = set(wanted.title.split())
    assert set(found) == {paper.id for paper in papers if title <= set(paper.title.split())}
    held = {
        paper.id for paper in papers if title <= set(f"{paper.title} {paper.abstract}".lower().replace(".", "").split())
    }
    assert set(index.terms.holding(wanted.title)) == held
    assert index.terms.holding("the of and") == []


def test_a_paper_that_is_deleted_leaves_no_filter_behind(index: Index, papers: list[Paper]) -> None:
    gone = next(paper for paper in papers if meets(paper, FILTERS[3]))
    with index.writing():
        index.delete([gone.id])
    narrowed = Narrowed.to(index, FILTERS[3])
    assert gone.id not in (narrowed.ids or ())
    assert gone.id not in {paper_id for paper_id, _ in narrowed.lexical(QUESTION, 500)}
    with index.writing():
        rows = [(gone, by_sentence(gone))]
        index.upsert(rows, embedded(by_sentence(gone)))
    assert gone.id in (Narrowed.to(index, FILTERS[3]).ids or ())
