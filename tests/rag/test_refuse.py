"""A refusal is decided before anything is written, and tells the reader what was searched and what is nearest."""

from __future__ import annotations

import pytest

from rag.config import Config
from rag.evidence import PaperEvidence
from rag.question import read
from rag.refuse import UNKNOWN_COSTS, UNMET_COSTS, coverage, decide, unknown_names
from rag.types import Chunk, Evidence, IndexIdentity, Paper, Refusal, ScoredPassage
from tests.fakes import FakeTermIndex


def refusal(question: str, sentence: str, cosine: float = 0.9, score: float = 0.5, papers: int = 90) -> Refusal | None:
    found = [Paper(f"p{n}", f"Title {n}", sentence) for n in range(1, 6)] if sentence else []
    ranked = [
        ScoredPassage(Chunk(p, 0, len(sentence)), 1.0, n, similarity=cosine) for n, p in enumerate(found, start=1)
    ]
    evidence = {p.id: PaperEvidence((Evidence(0, len(sentence), sentence, score),)) for p in found}
    covered = coverage(read(question), cosine if ranked else 0.0, evidence, 1.0)
    identity = IndexIdentity("1", "m", 8, papers, papers)
    return decide(read(question), ranked, evidence, covered, identity, Config().refuse_below)


def test_a_covered_question_is_answered() -> None:
    assert refusal("What is MInference?", "MInference is a sparse method.") is None


@pytest.mark.parametrize(("cosine", "reason"), [(0.05, "off_topic"), (0.3, "not_covered")])
def test_an_uncovered_question_is_refused(cosine: float, reason: str) -> None:
    refused = refusal("What is MInference?", "Corals bleach.", cosine, score=0.1)
    assert refused is not None
    assert refused.reason == reason
    assert "90 abstracts" in refused.message
    assert [paper.id for paper in refused.nearest] == ["p1", "p2", "p3"]


@pytest.mark.parametrize(
    ("question", "refused"),
    [("What is Title 1?", False), ("What does the Title 2 paper propose?", False), ("Who paid for Title 1?", True)],
)
def test_a_question_that_only_names_a_paper_is_covered_however_short(question: str, refused: bool) -> None:
    assert (refusal(question, "Corals bleach.", 0.3, score=0.1) is not None) is refused


@pytest.mark.parametrize(
    ("question", "refused"),
    [
        ("What is LoRA good for according to these papers?", False),
        ("What are the limits of LoRA?", False),
        ("What are the limits of QLoRA?", True),  # none names it
        ("Which cooks of the LoRA canteen bake bread?", True),  # much else
    ],
)
def test_a_question_about_a_name_that_a_near_paper_has_is_covered(question: str, refused: bool) -> None:
    assert (refusal(question, "We compare LoRA with full tuning.", 0.3, score=0.1) is not None) is refused


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("What score does the system reach on Swahili?", ("Swahili",)),
        ("How can Rowhammer flips be stopped in DDR4, or in MInference?", ("Rowhammer", "DDR4")),
        ("Swahili is written how?", ()),  # it may just begin the sentence
        ("What does MInference save?", ()),
        ("What did Okonkwo find about sparse attention?", ()),  # wrote a paper that was found
    ],
)
def test_what_no_paper_names_is_told(question: str, unknown: tuple[str, ...]) -> None:
    paper = Paper("p1", "MInference", "A sparse method.", authors=("Ada Okonkwo",))
    index = FakeTermIndex()
    index.upsert([paper])
    assert unknown_names(question, index, [paper]) == unknown


def test_a_question_that_names_what_no_paper_has_is_covered_less_and_told_so() -> None:
    question = read("What score does it reach on Swahili?")
    assert coverage(question, 0.5, {}, 1.0, unknown=True) == pytest.approx(0.5 - UNKNOWN_COSTS)
    found = [ScoredPassage(Chunk(Paper("p1", "T", "A method."), 0, 9), 1.0, 1)]
    refused = decide(question, found, {}, 0.35, IndexIdentity("1", "m", 8, 90, 90), 0.38, ("Swahili",))
    assert refused is not None
    assert "none names “Swahili”" in refused.message


def test_a_better_sentence_never_turns_an_answer_into_a_refusal() -> None:
    answered = [refusal("What is it for?", "It is.", cosine / 20, score=0.2) is None for cosine in range(21)]
    assert answered == sorted(answered)
    assert set(answered) == {False, True}


@pytest.mark.parametrize(
    ("question", "met", "less"),
    [
        ("How do neural radiance fields work?", 0.3, True),
        ("How do neural radiance fields work?", 0.7, False),
        # One paper need not have both sides, nor the words that call for a list.
        ("Compare neural radiance fields and meshes.", 0.3, False),
        ("Which papers deal with neural radiance fields?", 0.3, False),
        # Who says much says much in other words.
        (
            "How do neural radiance fields in which nothing stands still cope when shadows, mirrors and water move?",
            0.3,
            False,
        ),
    ],
)
def test_a_short_question_whose_words_no_near_paper_has_is_covered_less(question: str, met: float, less: bool) -> None:
    assert coverage(read(question), 0.0, {}, met) == pytest.approx(-UNMET_COSTS * less)


def test_an_empty_index_says_how_to_fill_it() -> None:
    refused = refusal("What is MInference?", "", papers=0)
    assert refused is not None
    assert refused.reason == "empty_index"
    assert "paperchat ingest" in refused.message
    assert refused.nearest == ()


def test_nothing_found_is_a_refusal_too() -> None:
    refused = refusal("What is MInference?", "")
    assert refused is not None
    assert refused.reason == "off_topic"


@pytest.mark.parametrize("papers", [0, 90])
def test_a_greeting_is_returned(papers: int) -> None:
    refused = refusal("Hello!", "", papers=papers)
    assert refused is not None
    assert refused.reason == "small_talk"
    assert refused.message.startswith("Hello.")


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How much faster is MInference?", "MInference is much faster than before."),
        ("How many tweets were collected?", "We collected many tweets."),
        ("How many tweets were collected?", "Tweets of 5 users were collected."),
        ("What percentage of patients recovered?", "We treated 124 patients, most of whom recovered."),
    ],
)
def test_a_number_that_no_abstract_states_is_not_made_up(question: str, sentence: str) -> None:
    refused = refusal(question, sentence)
    assert refused is not None
    assert refused.reason == "not_stated"
    assert "Title 1" in refused.message
    assert refused.nearest


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How much faster is MInference?", "MInference is up to 10x faster."),
        ("How many tweets were collected?", "We collected 5,000 labelled tweets."),
        ("How many tweets were collected?", "Two million tweets were collected."),
        ("What percentage of patients recovered?", "Of the patients, 25% recovered."),
        ("What percentage of patients recovered?", "About half of the patients recovered."),
        ("What is the accuracy of the detector?", "The detector reaches an accuracy of 0.93."),
        ("How long does training take?", "Training takes 3 hours."),
        ("How long does training take to reach 90% accuracy?", "Training takes 3 hours on one GPU."),
        ("How much faster is training at the same accuracy?", "Training is 10x faster without loss."),
        ("What frame rate does the detector reach?", "It runs at 30 frames per second."),
        ("What percentage of patients recovered?", "Three of ten patients recovered."),
        ("What share of the papers was retracted?", "A quarter of the papers was retracted."),
        ("How many parameters does it have?", "We train a 7B-parameter model."),
        ("How many patients were enrolled?", "Patients (n = 124) were enrolled."),
        ("How many patients were enrolled?", "We enrolled 124 participants."),
        ("What are score-based generative models?", "Score-based models learn the gradient of the data density."),
        ("What is number theory used for?", "Number theory secures messages."),
    ],
)
def test_a_number_that_is_stated_is_answered(question: str, sentence: str) -> None:
    assert refusal(question, sentence) is None


def test_the_message_names_what_was_asked_for() -> None:
    share = refusal("What percentage of patients recovered?", "Most patients recovered.")
    count = refusal("How many patients recovered?", "Most patients recovered.")
    assert share is not None
    assert "do not state the percentage" in share.message
    assert count is not None
    assert "do not state the number" in count.message
