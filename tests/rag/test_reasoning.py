"""The line on which passages matter is written by tuned readers and read by nobody."""

from __future__ import annotations

from collections.abc import Iterator

from rag.protocols import PromptStyle
from rag.reasoning import answer_only
from tests.fakes import FakeGenerator, build_fake_pipeline
from tests.rag.tuning.material import PAPERS

QUESTION = "How much yearly energy do heated blades recover?"
LINE = "Heated blades recover 12% of the yearly energy. [1]"


def test_only_what_follows_the_marker_is_passed_on() -> None:
    pieces = ["Relevant: [1] is about an", " Answer: in passing.\nAns", "wer: Heated", " blades win. [1]"]
    assert "".join(answer_only(pieces)) == "Heated blades win. [1]"
    assert list(answer_only(["Relevant: [1]", " and so on"])) == []


def test_the_model_is_freed_when_its_reader_goes_away() -> None:
    closed = []

    def pieces() -> Iterator[str]:
        try:
            yield "Relevant: none.\nAnswer: Yes"
            yield " and more"
        finally:
            closed.append(True)

    read = answer_only(pieces())
    assert next(read) == "Yes"
    read.close()  # type: ignore[attr-defined]
    assert closed == [True]


def reasoner(pieces: list[str]) -> FakeGenerator:
    generator = FakeGenerator(pieces)
    generator.style = PromptStyle(example=False, reasoning=True)
    return generator


def test_an_answer_shows_and_checks_no_reasoning() -> None:
    generator = reasoner(["Relevant: [1] is about blades and gives a number.\n", f"Answer: {LINE}"])
    answer = build_fake_pipeline(PAPERS, generator, refuse_below=-1).ask(QUESTION)
    told = [sentence.text for sentence in (*answer.sentences, *answer.withheld)]
    assert "Heated blades recover 12% of the yearly energy." in told
    assert not any("Relevant" in text or "Answer:" in text for text in told)
    assert generator.limits[0].max_new_tokens > 120


def test_reasoning_without_an_end_leaves_the_abstracts_to_speak() -> None:
    answer = build_fake_pipeline(PAPERS, reasoner(["Relevant: [1] is about", " blades."]), refuse_below=-1).ask(
        QUESTION
    )
    assert answer.mode == "quoted"
    assert not answer.withheld
