"""When an answer counts as right."""

from __future__ import annotations

import pytest

from eval.experiments.items import Item, Measure, Passage
from eval.experiments.scoring import contains, quality, verdict
from eval.references import normalised

GOLD = Passage("g", "", "text")


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("It was the Beatles!", 1.0),
        ("beatles", 1.0),
        ("The  Beat-les", 1.0),
        ("the Rolling Stones", 0.0),
        ("", 0.0),
        ("I do not know\nThe Beatles", 0.0),
        ("\n\n The Beatles\nor others", 1.0),
    ],
)
def test_an_accepted_answer_must_stand_in_the_first_line(answer: str, score: float) -> None:
    item = Item("q", "who?", (GOLD,), answers=("The Beatles", "Fab Four"))
    assert quality(item, "containment", answer) == score


def test_an_answer_of_punctuation_alone_is_found_nowhere() -> None:
    assert not contains("anything", ["?", "the", ""])


def test_normalisation_is_that_of_squad() -> None:
    assert normalised("  The cat, an “Owl” & a DOG.") == "cat owl dog"


def test_the_nearest_reference_counts() -> None:
    item = Item("q", "?", (GOLD,), answers=("far away", "one two"))
    assert quality(item, "rouge_l", "one two") == 1.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SUPPORTS", "supports"),
        ("The documents refute it, they do not support it", "refutes"),
        ("Contradicted.", "refutes"),
        ("SUPPORTS or REFUTES", "supports"),
        ("unsupported", ""),
        ("yes", ""),
    ],
)
def test_the_first_verdict_word_counts(text: str, told: str) -> None:
    assert verdict(text) == told


@pytest.mark.parametrize(
    ("measure", "answer", "source", "score"),
    [
        ("facts", "A VOXEL grid", "", 0.5),
        ("facts", "voxels of 3 cm", "", 1.0),
        ("attribution", "text", "g", 1.0),
        ("attribution", "text", "h", 0.0),
    ],
)
def test_facts_and_attribution(measure: Measure, answer: str, source: str, score: float) -> None:
    item = Item("q", "?", (GOLD,), facts=(("voxel", "volume pixel"), ("3 cm",)))
    assert quality(item, measure, answer, source) == score
