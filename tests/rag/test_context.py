"""What the reader is given: the best sentences within the budget, numbered by rank, ordered for the model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.context import lead, quotable, select
from rag.evidence import PaperEvidence
from rag.order import Ordering, reorder
from rag.question import Kind, read
from rag.text import sentence_spans
from rag.types import Chunk, Context, Evidence, Paper, ScoredPassage

FACT = "What is sparse attention?"
LISTING = "Which papers are about attention?"
OVERVIEW = "Give me an overview of attention."
COMPARISON = "How does SFT differ from RL?"
SCORES = st.lists(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5), min_size=1, max_size=6)


def count(text: str) -> int:
    return len(text.split())


def found(scores: list[list[float]]) -> tuple[list[ScoredPassage], dict[str, PaperEvidence]]:
    """Papers by rank, each with a sentence for each score, the best of which is its own; later sentences are longer."""
    ranked, evidence = [], {}
    for n, own in enumerate(scores, start=1):
        text = " ".join(f"Sentence {i} of paper {n}{' is long' * i}." for i in range(len(own)))
        paper = Paper(f"p{n}", f"Title of {n}", text)
        ranked.append(ScoredPassage(Chunk(paper, 0, len(text)), 1.0 + max(own), n))
        sentences = tuple(
            Evidence(a, b, text[a:b], score) for (a, b), score in zip(sentence_spans(text), own, strict=True)
        )
        evidence[paper.id] = PaperEvidence(sentences)
    return ranked, evidence


def context(
    scores: list[list[float]],
    question: str = FACT,
    *,
    papers: int = 8,
    budget: int = 10_000,
    ordering: Ordering = "auto",
) -> Context:
    ranked, evidence = found(scores)
    return select(read(question), ranked, evidence, papers=papers, budget=budget, count_tokens=count, ordering=ordering)


def cost(chosen: Context) -> int:
    sentences = sum(count(e.text) + 4 for p in chosen.passages for e in p.evidence)
    return sentences + sum(count(p.paper.title) for p in chosen.passages)


@pytest.mark.parametrize("question", [FACT, LISTING])
def test_numbers_do_not_depend_on_the_order_in_the_prompt(question: str) -> None:
    scores = [[0.9], [0.88], [0.86], [0.84]]
    by_score, reordered = (context(scores, question, ordering=o) for o in ("score", "reorder"))
    for chosen in (by_score, reordered):
        assert [(p.number, p.paper.id) for p in chosen.passages] == [(n, f"p{n}") for n in (1, 2, 3, 4)]
    assert [p.number for p in by_score.in_prompt_order()] == [1, 2, 3, 4]
    assert [p.number for p in reordered.in_prompt_order()] == reorder([1, 2, 3, 4]) == [1, 3, 4, 2]


@given(scores=SCORES, budget=st.integers(0, 120), question=st.sampled_from([FACT, LISTING, OVERVIEW, COMPARISON]))
def test_the_order_in_the_prompt_never_decides_what_is_read(
    scores: list[list[float]], budget: int, question: str
) -> None:
    by_score, reordered = (context(scores, question, budget=budget, ordering=o) for o in ("score", "reorder"))
    assert [(p.number, p.evidence) for p in by_score.passages] == [(p.number, p.evidence) for p in reordered.passages]


@given(scores=SCORES, budget=st.integers(0, 120), question=st.sampled_from([FACT, LISTING, OVERVIEW, COMPARISON]))
def test_the_budget_is_kept(scores: list[list[float]], budget: int, question: str) -> None:
    chosen = context(scores, question, budget=budget)
    sentences = sum(len(p.evidence) for p in chosen.passages)
    assert cost(chosen) <= budget or sentences == 1


@given(scores=SCORES, budget=st.integers(0, 120))
def test_the_best_sentence_is_always_kept(scores: list[list[float]], budget: int) -> None:
    kept = [e.score for p in context(scores, budget=budget).passages for e in p.evidence]
    assert max(kept) == max(score for own in scores for score in own)


@given(scores=SCORES, question=st.sampled_from([FACT, LISTING, OVERVIEW, COMPARISON]), papers=st.integers(1, 8))
def test_numbers_count_from_one_by_rank_and_every_paper_has_evidence(
    scores: list[list[float]], question: str, papers: int
) -> None:
    passages = context(scores, question, papers=papers).passages
    assert 1 <= len(passages) <= papers
    assert [p.number for p in passages] == list(range(1, len(passages) + 1))
    assert [p.passage.rank for p in passages] == sorted(p.passage.rank for p in passages)
    assert sorted(p.prompt_position for p in passages) == [p.number for p in passages]
    for p in passages:
        assert p.evidence
        assert [e.start for e in p.evidence] == sorted(e.start for e in p.evidence)
        assert all(e.text == p.paper.abstract[e.start : e.end] for e in p.evidence)


def test_a_paper_without_sentences_is_passed_over() -> None:
    ranked, evidence = found([[0.9], [0.8]])
    del evidence["p1"]
    chosen = select(read(FACT), ranked, evidence, papers=8, budget=1000, count_tokens=count)
    assert [(p.number, p.paper.id) for p in chosen.passages] == [(1, "p2")]


def test_a_fact_rests_on_few_papers_however_many_were_found() -> None:
    scores = [[0.5 - n / 100] for n in range(7)]
    assert [p.paper.id for p in context(scores).passages] == ["p1", "p2", "p3", "p4"]


def test_no_papers_make_an_empty_context() -> None:
    assert select(read(FACT), [], {}, papers=8, budget=100, count_tokens=count).passages == ()


def test_both_sides_of_a_comparison_are_heard() -> None:
    chosen = context([[0.9, 0.8, 0.7, 0.6], [0.2, 0.1]], COMPARISON)
    assert [p.paper.id for p in chosen.passages] == ["p1", "p2"]
    assert {p.number for p, _ in quotable(Kind.COMPARISON, chosen)} == {1, 2}


def test_a_listing_names_each_near_paper_once_and_no_far_one() -> None:
    chosen = context([[0.9, 0.8], [0.85], [0.8], [0.1]], LISTING)
    quoted = quotable(Kind.LISTING, chosen)
    assert [p.paper.id for p, _ in quoted] == ["p1", "p2", "p3"]
    assert lead(Kind.LISTING, quoted[0][0]) == "Title of 1"


def test_an_overview_hears_every_near_paper_before_any_a_second_time() -> None:
    chosen = context([[0.9, 0.8], [0.85, 0.7], [0.8], [0.1]], OVERVIEW)
    assert [p.number for p, _ in quotable(Kind.OVERVIEW, chosen)] == [1, 1, 2, 2, 3]
    alone = context([[0.9, 0.8, 0.7, 0.6], [0.2], [0.1]], OVERVIEW)
    assert [e.score for _, e in quotable(Kind.OVERVIEW, alone)] == [0.9, 0.8, 0.7]


def test_a_fact_is_quoted_best_first_without_titles() -> None:
    chosen = context([[0.3, 0.9], [0.6]])
    quoted = quotable(Kind.FACT, chosen)
    assert [e.score for _, e in quoted] == [0.9, 0.6, 0.3]
    assert lead(Kind.FACT, quoted[0][0]) == ""


def test_a_sentence_far_below_the_best_is_not_quoted() -> None:
    assert [e.score for _, e in quotable(Kind.FACT, context([[0.9, 0.02], [0.1]]))] == [0.9]


def test_nothing_is_quoted_from_an_empty_context() -> None:
    assert quotable(Kind.FACT, Context(FACT, ())) == []
