"""Why a paper is found or not: its place at every stage, the words that matched, and one plain sentence."""

from __future__ import annotations

import pytest

from rag.explain import Explanation, Rank, explain, explanation_to_dict, find_papers, nearest_titles
from rag.pipeline import Pipeline
from rag.types import Paper
from tests.fakes import build_fake_pipeline

PAPERS = [
    Paper(
        "sparse",
        "Sparse attention for long prompts",
        "Sparse attention speeds up long prompts. It skips most of the matrix.",
        doi="10.1000/Sparse.1",
        arxiv_id="2401.00001",
    ),
    Paper("tuning", "Sparse fine-tuning", "Fine-tuning adapts a model. Sparse updates save memory."),
    Paper("coral", "Coral reefs", "Reefs bleach in warm water. Fish leave the reefs."),
    *(Paper(f"x{n}", f"Sepsis cohort {n}", f"Hospital {n} treats sepsis with antibiotics.") for n in range(150)),
]
QUESTION = "How does sparse attention speed up prompts?"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return build_fake_pipeline(PAPERS, None, candidates=4)


def told(pipeline: Pipeline, paper_id: str, question: str = QUESTION, k: int = 2) -> Explanation:
    found = explain(pipeline, question, paper_id, k)
    assert found is not None
    return found


def test_ranks_are_those_that_search_gives(pipeline: Pipeline) -> None:
    for passage in pipeline.search(QUESTION, 4).ranked:
        paper = told(pipeline, passage.paper.id)
        assert paper.final == Rank(passage.rank)
        assert paper.fused == Rank(passage.fused_rank)
        assert paper.final_score == pytest.approx(passage.score)
        assert paper.similarity == pytest.approx(passage.similarity)
        if passage.lexical_rank is not None:
            assert paper.lexical == Rank(passage.lexical_rank)


def test_ranks_beyond_the_candidates_are_exact_too(pipeline: Pipeline) -> None:
    vector = pipeline.embedder.embed_query(QUESTION)
    cosines = {paper_id: float(row @ vector) for paper_id, row in rows(pipeline)}
    for paper_id in ("x29", "x3", "tuning"):
        nearer = sum(cosine > cosines[paper_id] for cosine in cosines.values())
        place = told(pipeline, paper_id).dense
        assert place.exact
        # Equal cosines share places.
        assert nearer < (place.rank or 0) <= sum(cosine >= cosines[paper_id] for cosine in cosines.values())


def rows(pipeline: Pipeline) -> list[tuple[str, object]]:
    return list(pipeline.index.vectors.rows.values())  # type: ignore[attr-defined]


def test_a_paper_that_no_retriever_put_forward_has_no_fused_rank(pipeline: Pipeline) -> None:
    paper = told(pipeline, "x99")
    assert not paper.fused.exact
    assert str(paper.fused).startswith(">")
    assert paper.fused_score is None
    assert paper.lexical == Rank(None)
    assert "neither retriever put it forward" in paper.reason
    assert "none of 4 words occurs" in paper.reason


def test_the_words_that_matched_are_told_by_place_and_rarity(pipeline: Pipeline) -> None:
    found = {word.word: word for word in told(pipeline, "tuning").words}
    assert found["sparse"].title
    assert found["sparse"].abstract
    assert not found["attention"].found
    assert found["attention"].idf > found["sparse"].idf
    assert "only “sparse” of 4 words occurs" in told(pipeline, "tuning").reason


def test_the_sentence_nearest_to_the_question_is_shown(pipeline: Pipeline) -> None:
    paper = told(pipeline, "sparse")
    assert paper.best_sentence == "Sparse attention speeds up long prompts."
    assert 0 < paper.sentence_match <= 1
    assert paper.chunk == (0, len(paper.paper.abstract))


def test_a_paper_that_is_shown_says_so(pipeline: Pipeline) -> None:
    assert told(pipeline, "sparse").reason.startswith("It is number 1 of the first 2")


def test_a_paper_outside_the_index_has_no_explanation(pipeline: Pipeline) -> None:
    assert explain(pipeline, QUESTION, "nowhere", 3) is None


@pytest.mark.parametrize(
    "name", ["sparse", "sparse attention long", "Sparse  ATTENTION", "Sparse attention for long prompts"]
)
def test_a_paper_is_found_by_id_and_by_words_of_its_title(pipeline: Pipeline, name: str) -> None:
    assert find_papers(pipeline.index, name)[0].id == "sparse"


@pytest.mark.parametrize(
    "name",
    ["10.1000/sparse.1", "https://doi.org/10.1000/Sparse.1", "doi:10.1000/sparse.1", "2401.00001", "arXiv:2401.00001v2",
     "https://arxiv.org/abs/2401.00001", "https://arxiv.org/pdf/2401.00001v3.pdf"],
)  # fmt: skip
def test_a_paper_is_found_by_what_the_world_calls_it(pipeline: Pipeline, name: str) -> None:
    pipeline.index.catalog.keys |= {"doi:10.1000/sparse.1": {"sparse"}, "arxiv:2401.00001": {"sparse"}}  # type: ignore[attr-defined]
    assert [paper.id for paper in find_papers(pipeline.index, name)] == ["sparse"]


def test_an_unknown_title_finds_nothing_but_has_neighbours(pipeline: Pipeline) -> None:
    assert find_papers(pipeline.index, "Sparse mixtures of experts") == []
    assert {paper.id for paper in nearest_titles(pipeline.index, "Sparse attention everywhere", 2)} == {
        "sparse",
        "tuning",
    }


def test_as_json_everything_is_plain(pipeline: Pipeline) -> None:
    value = explanation_to_dict(told(pipeline, "tuning"))
    assert (value["paper_id"], value["title"]) == ("tuning", "Sparse fine-tuning")
    assert value["final"] == {"rank": 2, "exact": True}
    assert {"word", "stem", "idf", "title", "abstract"} <= set(value["words"][0])
