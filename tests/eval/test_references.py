"""Answers beside reference answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.answers import score
from eval.references import rests_on, rouge_l

WORDS = st.lists(st.sampled_from("low rank adapters save memory at no cost".split()), min_size=1, max_size=12).map(
    " ".join
)


def said(*texts: str, evidence: str = "") -> dict[str, Any]:
    sentences = [
        {"text": t, "citations": [1], "support": {"verdict": "supported", "evidence": evidence}} for t in texts
    ]
    return {
        "id": "q",
        "mode": "quoted",
        "answer": "",
        "sentences": sentences,
        "citations": [],
        "retrieved": [],
        "timings": {"first_token_ms": None, "total_ms": 1},
    }


@pytest.mark.parametrize(
    ("text", "reference", "score"),
    [("a b c", "b c", 1.0), ("x", "y", 0.0), ("", "y", 0.0), ("one two three four", "one three", 2 * 2 / 6)],
)
def test_rouge_l(text: str, reference: str, score: float) -> None:
    assert rouge_l(text, reference) == pytest.approx(score)


@given(WORDS, WORDS)
def test_rouge_l_has_no_direction_and_is_whole_only_for_the_same_words(a: str, b: str) -> None:
    assert 0 <= rouge_l(a, b) == rouge_l(b, a) <= 1
    assert (rouge_l(a, b) == 1) == (a == b)


def test_evidence_counts_where_it_is_said_or_shown() -> None:
    marked = ["The adapters saved 12 % of the memory ."]
    assert rests_on(said("The adapters saved 12% of the memory."), marked)
    assert rests_on(said("Memory is saved.", evidence="The adapters saved 12 % of the memory."), marked)
    assert not rests_on(said("The adapters were trained on memory."), marked)
    assert not rests_on(said(), marked)


def test_only_questions_with_a_reference_are_measured_against_one() -> None:
    asked = {"id": "q", "gold": ["p"], "facts": []}
    assert score(asked, said("Low rank."))["refused_wrong"] == 0
    assert not {"rouge_l", "evidence_used"} & score(asked, said("Low rank.")).keys()
    with_both = {**asked, "references": ["low rank"], "marked": ["It has a low rank."]}
    assert score(with_both, said("Low rank."))["rouge_l"] == 1
    assert score(with_both, said("Low rank."))["evidence_used"] == 1
    refused = {**said(), "mode": "refused"}
    assert (score(with_both, refused)["rouge_l"], score(with_both, refused)["evidence_used"]) == (0, 0)
