"""Suggestions come out of the evidence, and never repeat what was asked."""

from __future__ import annotations

from rag.text import names
from tests.answers import answer, refused
from ui.followups import follow_ups


def test_they_speak_of_the_cited_papers_and_of_names_in_the_evidence() -> None:
    assert follow_ups(answer()) == (
        "How do MInference and BlockKern compare?",
        "What do the papers say about FlashAttention?",
    )
    assert follow_ups(answer(sentences=answer().sentences[:1])) == (
        "What problem does MInference address?",
        "What do the papers say about FlashAttention?",
        "What is BlockKern?",
    )


def test_what_was_asked_is_not_suggested_again() -> None:
    found = follow_ups(answer(question="How do MInference and BlockKern compare?"), limit=9)
    assert not [question for question in found if "compare" in question or "problem" in question]


def test_a_refusal_and_an_answer_without_citations_suggest_nothing() -> None:
    assert follow_ups(refused()) == ()
    assert follow_ups(answer(sentences=())) == ()


def test_every_subject_stands_in_a_source() -> None:
    value = answer()
    sources = " ".join(f"{p.paper.title} {p.paper.abstract}" for p in value.context.passages)
    for question in follow_ups(value, limit=20):
        subjects = list(names(question))
        assert all(subject in sources for subject in subjects), question
        assert names(question)
