"""A follow-up is spelled out from the conversation; a question that stands alone is left alone."""

from __future__ import annotations

import pytest

from rag.rewrite import standalone
from rag.text import words

MINFERENCE = [("What does MInference speed up?", "MInference accelerates pre-filling [1].")]


@pytest.mark.parametrize(
    "follow_up",
    [
        "And how much faster is it?",
        "How much faster is it?",
        "Does it keep accuracy?",
        "What are its limitations?",
        "What about its accuracy?",
        "How does this method work?",
        "And on which GPU?",
        "Why?",
        "By how much?",
        "What hardware did they use?",
        "but is it exact",
    ],
)
def test_a_follow_up_names_what_it_is_about(follow_up: str) -> None:
    alone = standalone(follow_up, MINFERENCE)
    assert "MInference" in alone
    assert not alone.lower().startswith(("and ", "but "))


@pytest.mark.parametrize(
    ("follow_up", "alone"),
    [
        ("And how much faster is it?", "How much faster is MInference?"),
        ("Does it keep accuracy?", "Does MInference keep accuracy?"),
        ("What are its limitations?", "What are MInference's limitations?"),
        ("  And   does it\nscale? ", "Does MInference scale?"),
        ("How does this method work?", "How does MInference work?"),
        ("Does this help?", "Does MInference help?"),
        ("What does the second stage of it do?", "What does the second stage of MInference do?"),
    ],
)
def test_a_spelled_out_question_reads_like_one(follow_up: str, alone: str) -> None:
    # The topic of the question before may be added behind it.
    assert standalone(follow_up, MINFERENCE).startswith(alone.rstrip("?"))


@pytest.mark.parametrize(
    "question",
    [
        "What is retrieval augmented generation good for in medicine?",
        "What does LoRA save?",
        "How does S²FT compare with LoRA?",
        "Which methods prune attention heads of vision transformers?",
        "Which papers deal with pruning?",
        "What evidence is there that accuracy is kept?",
        "Why is vitamin D given to infants in Nordic countries?",
    ],
)
def test_a_question_that_stands_alone_is_unchanged(question: str) -> None:
    assert standalone(question, MINFERENCE) == question


@pytest.mark.parametrize("polite", ["Thanks", "Thank you!", "Hello", "ok, great"])
def test_a_courtesy_is_no_question_about_the_last_topic(polite: str) -> None:
    assert standalone(polite, MINFERENCE) == polite


@pytest.mark.parametrize("question", ["And how much faster is it?", "Why?", "What about its accuracy?"])
def test_without_a_conversation_nothing_is_made_up(question: str) -> None:
    assert standalone(question, []) == question


def test_the_newest_subject_counts() -> None:
    history = [*MINFERENCE, ("What does LoRA save?", "LoRA saves memory [2].")]
    alone = standalone("And how much does it save?", history)
    assert "LoRA" in alone
    assert "MInference" not in alone


def test_the_subject_lasts_over_two_follow_ups() -> None:
    history = [*MINFERENCE, ("And how much faster is it?", "Up to ten times [1].")]
    assert standalone("Does it keep accuracy?", history).startswith("Does MInference keep accuracy?")


def test_the_subject_may_come_from_the_answer() -> None:
    history = [("Which paper speeds up long prompts?", "MInference does so [1]. It was tested on GPUs.")]
    assert "MInference" in standalone("How much faster is it?", history)


def test_two_subjects_are_both_kept() -> None:
    history = [("How does SFT differ from DPO?", "SFT imitates, DPO prefers [1].")]
    alone = standalone("Which of them needs more data?", history)
    assert "SFT" in alone
    assert "DPO" in alone


def test_nothing_is_said_that_the_conversation_did_not_say() -> None:
    said = " ".join([*MINFERENCE[0], "And how much faster is it about"]).lower()
    for word in words(standalone("And how much faster is it?", MINFERENCE)):
        assert word.lower() in said


@pytest.mark.parametrize(
    "question",
    [
        "How does LoRA keep its accuracy?",
        "Does LoRA keep its accuracy when prompts of one million tokens are given to a model of eight billion?",
        "How do large language models memorize their training data?",
    ],
)
def test_a_pronoun_that_refers_to_the_question_itself_is_kept(question: str) -> None:
    assert standalone(question, MINFERENCE) == question
