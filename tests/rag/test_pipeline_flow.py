"""While an answer is written: stopping, failing, leaving, waiting, and what the model is given to read."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from rag.errors import GenerationError
from rag.evidence import Look
from rag.pipeline import Pipeline
from rag.question import Question
from rag.types import Answer, Checked, Draft, Event, Finished, Paper, Queued, Retrieved, ScoredPassage
from tests.fakes import FakeGenerator, build_fake_pipeline
from tests.rag.claims import COLLECTION, CORAL, MINFERENCE, QUESTION, VERBATIM

TRUE, OTHER = VERBATIM[:2]


def written(answer: Answer) -> list[str]:
    return [sentence.text for sentence in answer.sentences if not sentence.quoted]


def stop_at(pipeline: Pipeline, kind: type[Event]) -> tuple[list[Event], Answer]:
    cancel, events = threading.Event(), []
    for event in pipeline.stream(QUESTION, cancel=cancel):
        events.append(event)
        if isinstance(event, kind):
            cancel.set()
    assert isinstance(events[-1], Finished)
    return events, events[-1].answer


def test_a_stop_keeps_what_is_checked_and_drops_the_half_sentence() -> None:
    generator = FakeGenerator(list(f"{TRUE} [1] {OTHER} [1]"))
    pipeline = build_fake_pipeline(COLLECTION, generator)
    _, answer = stop_at(pipeline, Checked)
    assert answer.stopped
    assert answer.text.startswith(TRUE)
    assert [sentence.text for sentence in answer.sentences] == [TRUE]
    assert answer.withheld == ()
    assert generator.cancelled == 1
    again = pipeline.ask(QUESTION)
    assert not again.stopped
    assert written(again) == [TRUE, OTHER]


@pytest.mark.parametrize("kind", [Retrieved, Draft])
def test_a_stop_before_the_first_sentence_shows_none(kind: type[Event]) -> None:
    generator = FakeGenerator(list(f"{TRUE} [1]"))
    events, answer = stop_at(build_fake_pipeline(COLLECTION, generator), kind)
    assert answer.stopped
    assert answer.sentences == ()
    assert len([event for event in events if isinstance(event, Draft)]) <= 1
    assert generator.waiting() == 0


def test_a_failing_model_is_reported_and_the_next_question_works() -> None:
    generator = FakeGenerator(list(f"{TRUE} [1]"), fail_after=5)
    pipeline = build_fake_pipeline(COLLECTION, generator)
    with pytest.raises(GenerationError, match="Ask again"):
        pipeline.ask(QUESTION)
    assert generator.waiting() == 0
    generator.fail_after = None
    assert written(pipeline.ask(QUESTION)) == [TRUE]


def test_a_reader_who_leaves_frees_the_model() -> None:
    generator = FakeGenerator(list(f"{TRUE} [1]"))
    pipeline = build_fake_pipeline(COLLECTION, generator)
    stream = pipeline.stream(QUESTION)
    assert any(isinstance(event, Draft) for event in stream)
    assert generator.waiting() == 1
    stream.close()  # type: ignore[attr-defined]
    assert generator.left == 1
    assert generator.waiting() == 0


def test_who_has_to_wait_is_told_how_many_come_first() -> None:
    generator = FakeGenerator(f"{TRUE} [1]")
    stream = build_fake_pipeline(COLLECTION, generator).stream(QUESTION)
    with generator.queue.turn(threading.Event()):
        assert isinstance(next(stream), Retrieved)
        assert next(stream) == Queued(1)
    assert isinstance(list(stream)[-1], Finished)


def test_the_prompt_and_the_answer_fit_the_model() -> None:
    def prompt_tokens(context_tokens: int) -> int:
        generator = FakeGenerator("", context_tokens=context_tokens)
        settings = {"max_new_tokens": 60, "evidence_tokens": 5000, "evidence_sentences": 100}
        build_fake_pipeline(COLLECTION, generator, **settings).ask(QUESTION)
        assert generator.limits[0].max_new_tokens == 60
        return generator.prompt_tokens(generator.prompts[0])

    roomy = prompt_tokens(100_000)
    for less in (1, 20, 40):
        assert prompt_tokens(roomy + 60 - less) <= roomy - less


@pytest.mark.parametrize(("profile", "looked_at"), [("best", 50), ("fast", 10)])
def test_the_profile_says_how_many_papers_are_looked_at_word_by_word(
    profile: str, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = [Paper(f"p{n}", f"Sparse attention {n}", f"Sparse attention is studied in way {n}.") for n in range(60)]
    pipeline = build_fake_pipeline(papers, profile=profile)
    seen: list[int] = []
    look = pipeline.evidence.look

    def noting(question: Question, passages: Sequence[ScoredPassage]) -> Look:
        seen.append(len(passages))
        return look(question, passages)

    monkeypatch.setattr(pipeline.evidence, "look", noting)
    found = pipeline.search("Which papers are about sparse attention?", 60)
    assert seen == [looked_at]
    assert len(found.ranked) == 60  # the rest follow as fusion left them


def test_the_order_in_the_prompt_is_the_chosen_one() -> None:
    papers = [Paper(f"p{n}", f"Sparse attention {n}", f"Sparse attention is studied in way {n}.") for n in range(4)]
    read, numbers = {}, {}
    for ordering in ("score", "reverse", "reorder"):
        generator = FakeGenerator("")
        settings = {"ordering": ordering, "evidence_sentences": 8, "model": "a/larger-model"}
        pipeline = build_fake_pipeline(papers, generator, **settings)
        answer = pipeline.ask("Which papers are about sparse attention?")
        lines = [line for line in generator.prompts[0][-1]["content"].splitlines() if "is studied in way" in line]
        read[ordering] = [int(line[-2]) for line in lines]
        numbers[ordering] = [(p.number, p.paper.id) for p in answer.context.passages]
    assert read == {"score": [1, 2, 3, 4], "reverse": [4, 3, 2, 1], "reorder": [1, 3, 4, 2]}
    assert numbers["score"] == numbers["reverse"] == numbers["reorder"]


@pytest.mark.parametrize(("model", "asked"), [("bundled", 0), ("a/larger-model", 1)])
@pytest.mark.parametrize("question", ["Which papers are about sparse attention?", "Tell me about sparse attention."])
def test_the_bundled_model_writes_of_no_several_papers(question: str, model: str, asked: int) -> None:
    papers = [Paper(f"p{n}", f"Sparse attention {n}", f"Sparse attention is studied in way {n}.") for n in range(4)]
    generator = FakeGenerator("")
    answer = build_fake_pipeline(papers, generator, model=model).ask(question)
    assert len(generator.prompts) == asked
    assert [sentence.lead for sentence in answer.sentences] == [paper.title for paper in papers]


def test_what_was_written_is_told_in_tokens_not_in_pieces() -> None:
    answer = build_fake_pipeline(COLLECTION, FakeGenerator([TRUE])).ask(QUESTION)
    assert answer.timings.new_tokens == FakeGenerator().count_tokens(TRUE) > 1


def test_a_search_ranks_papers_and_keeps_the_evidence() -> None:
    found = build_fake_pipeline(COLLECTION, None).search("inference latency", 3)
    assert [passage.rank for passage in found.ranked] == [1, 2, 3]
    assert found.ranked[0].paper == MINFERENCE
    assert found.evidence[MINFERENCE.id].best.text == TRUE


def test_questions_of_several_readers_do_not_mix() -> None:
    pipeline = build_fake_pipeline(COLLECTION, f"{TRUE} [1]")
    expected = {QUESTION: MINFERENCE, "Why do coral reefs bleach in warm water?": CORAL}
    found: list[tuple[Paper, Paper]] = []

    def read(question: str, paper: Paper) -> None:
        for _ in range(5):
            found.append((paper, pipeline.ask(question).retrieved[0].paper))

    threads = [threading.Thread(target=read, args=pair) for pair in expected.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 10
    assert all(wanted == got for wanted, got in found)
