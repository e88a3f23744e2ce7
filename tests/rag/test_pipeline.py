"""A question from the first to the last step: what is shown, what is held back, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from rag.errors import UsageError
from rag.pipeline import MAX_QUESTION, MAX_SENTENCES, NO_MODEL
from rag.types import Answer, Checked, Draft, Finished, Paper, Retrieved, Verdict
from tests.fakes import FakeGenerator, build_fake_pipeline
from tests.rag.claims import COLLECTION, FALSE, MINFERENCE, QUESTION, VERBATIM

TRUE = VERBATIM[0]
OTHER = VERBATIM[1]
WRONG = FALSE["wrong number"][0]
MADE_UP = "MInference was written by 12 dogs in 1850."


def ask(pieces: str | Sequence[str] | FakeGenerator | None, question: str = QUESTION) -> Answer:
    return build_fake_pipeline(COLLECTION, pieces).ask(question)


def written(answer: Answer) -> list[str]:
    return [sentence.text for sentence in answer.sentences if not sentence.quoted]


def assert_quoted_word_for_word(answer: Answer) -> None:
    passages = answer.context.by_number()
    for sentence in answer.sentences:
        if sentence.quoted:
            (number,) = sentence.citations
            assert sentence.text in passages[number].paper.abstract
            assert f"“{sentence.text}” [{number}]" in answer.text


def test_a_supported_sentence_is_shown_with_its_citation() -> None:
    answer = ask(f"{TRUE} [1]")
    assert answer.mode == "generated"
    assert written(answer) == [TRUE]
    first = answer.sentences[0]
    assert first.support.verdict is Verdict.SUPPORTED
    assert first.support.paper_id == MINFERENCE.id
    assert answer.text.startswith(f"{TRUE} [{first.citations[0]}]")
    assert answer.cited[0].paper == MINFERENCE
    assert answer.model == "fake-model"
    assert not answer.stopped


def test_events_come_in_order() -> None:
    events = list(build_fake_pipeline(COLLECTION, list(f"{TRUE} [1] {WRONG} [1]")).stream(QUESTION))
    assert isinstance(events[0], Retrieved)
    assert isinstance(events[-1], Finished)
    assert [type(event) for event in events].count(Finished) == 1
    kinds = [type(event) for event in events if isinstance(event, Draft | Checked)]
    assert kinds.index(Draft) < kinds.index(Checked)
    answer = events[-1].answer
    checked = [event for event in events if isinstance(event, Checked)]
    assert [event.sentence for event in checked if event.shown] == list(answer.sentences)
    assert [event.sentence for event in checked if not event.shown] == list(answer.withheld) != []


def test_a_draft_never_shows_a_finished_sentence_again() -> None:
    events = list(build_fake_pipeline(COLLECTION, list(f"{TRUE} [1] {OTHER} [1]")).stream(QUESTION))
    first = next(i for i, event in enumerate(events) if isinstance(event, Checked))
    assert all(TRUE not in event.text for event in events[first:] if isinstance(event, Draft))


def test_an_unsupported_sentence_is_withheld() -> None:
    answer = ask(f"{TRUE} [1] {WRONG} [1]")
    assert written(answer) == [TRUE]
    assert [sentence.text for sentence in answer.withheld] == [WRONG]
    assert "20x" not in answer.text
    assert answer.withheld[0].support.reason


def test_a_weakly_supported_sentence_is_shown_only_where_the_reader_allows_it() -> None:
    weak = FALSE["hedge dropped"][0]
    strict, lenient = (
        build_fake_pipeline(COLLECTION, f"{weak} [1] {MADE_UP} [1]", support=level).ask(QUESTION)
        for level in ("strict", "lenient")
    )
    assert weak not in strict.text
    assert strict.mode == "quoted"
    assert written(lenient) == [weak]
    assert lenient.sentences[0].support.verdict is Verdict.WEAK
    assert [sentence.text for sentence in lenient.withheld] == [MADE_UP]


@pytest.mark.parametrize("pieces", [f"{WRONG} [1] {MADE_UP} [1]", "", "   ", "[1]", "10x", None])
def test_where_nothing_can_be_supported_the_abstracts_are_quoted(pieces: str | None) -> None:
    answer = ask(pieces)
    assert answer.mode == "quoted"
    assert answer.sentences
    assert_quoted_word_for_word(answer)
    assert f"“{TRUE}”" in answer.text
    assert WRONG not in answer.text
    assert MADE_UP not in answer.text
    assert answer.cited[0].paper == MINFERENCE


def test_without_a_model_the_answer_says_so() -> None:
    assert ask(None).model == NO_MODEL


def test_a_written_sentence_is_not_quoted_again() -> None:
    answer = ask(f"{TRUE} [1]")
    assert answer.text.count(TRUE) == 1
    assert_quoted_word_for_word(answer)


def test_a_wrong_citation_is_put_right() -> None:
    answer = build_fake_pipeline(COLLECTION, f"{VERBATIM[2]} [9] {TRUE} [2]").ask(QUESTION)
    for sentence in answer.sentences:
        (number,) = sentence.citations
        assert answer.context.by_number()[number].paper.id == sentence.support.paper_id
    assert "[9]" not in answer.text


def test_a_repeated_sentence_is_shown_once() -> None:
    assert written(ask(f"{TRUE} [1] {TRUE} [1] {TRUE} [1]")) == [TRUE]


@pytest.mark.parametrize("cut", [list, lambda text: [text]], ids=["letter by letter", "in one piece"])
def test_no_more_sentences_are_written_than_a_reader_wants(cut: Callable[[str], list[str]]) -> None:
    text = " ".join([*(f"{sentence} [1]" for sentence in VERBATIM[:2]), WRONG, MADE_UP, *FALSE["negation"]])
    answer = ask(cut(text))
    assert len(written(answer)) + len(answer.withheld) == MAX_SENTENCES


def test_an_answer_does_not_depend_on_how_the_model_hands_it_over() -> None:
    text = f"{TRUE} [1] {MADE_UP} [1]\n- {OTHER} [1]"
    whole, cut = ask(text), ask(list(text))
    assert (whole.text, whole.sentences, whole.withheld) == (cut.text, cut.sentences, cut.withheld)


@pytest.mark.parametrize(
    ("papers", "question", "reason"),
    [
        ((), QUESTION, "empty_index"),
        (COLLECTION, "Hello!", "small_talk"),
        (COLLECTION, "Who won the football match yesterday?", "off_topic"),
        (COLLECTION, "How many coral reefs bleach in warm water?", "not_stated"),
    ],
)
def test_what_the_collection_cannot_answer_is_refused_before_anything_is_written(
    papers: Sequence[Paper], question: str, reason: str
) -> None:
    generator = FakeGenerator(f"{TRUE} [1]")
    answer = build_fake_pipeline(papers, generator).ask(question)
    assert answer.mode == "refused"
    assert answer.refusal is not None
    assert answer.refusal.reason == reason
    assert answer.text == answer.refusal.message
    assert answer.sentences == answer.withheld == answer.cited == ()
    assert generator.prompts == []


def test_a_courtesy_after_an_answer_is_no_question() -> None:
    history = [("What does MInference reduce?", TRUE)]
    answer = build_fake_pipeline(COLLECTION, f"{TRUE} [1]").ask("Thanks!", history)
    assert answer.refusal is not None
    assert answer.refusal.reason == "small_talk"


def test_a_follow_up_is_answered_as_the_question_it_stands_for() -> None:
    generator = FakeGenerator(f"{TRUE} [1]")
    follow_up = "And by how much is its latency reduced?"
    answer = build_fake_pipeline(COLLECTION, generator).ask(
        follow_up, [("What does MInference accelerate?", "It does.")]
    )
    assert answer.question == follow_up
    assert "MInference" in answer.standalone_question
    assert answer.standalone_question in generator.prompts[0][-1]["content"]
    assert answer.cited[0].paper == MINFERENCE


@pytest.mark.parametrize("question", ["", "  \n", "x" * (MAX_QUESTION + 1)])
def test_an_empty_or_endless_question_is_turned_down(question: str) -> None:
    pipeline = build_fake_pipeline(COLLECTION, TRUE)
    with pytest.raises(UsageError, match=r"The question is empty|at most 4,000 are read"):
        pipeline.ask(question)
    with pytest.raises(UsageError):
        pipeline.search(question, 3)


def test_a_question_of_the_greatest_length_is_read() -> None:
    assert build_fake_pipeline(COLLECTION, TRUE).ask((QUESTION + " ") * 10 + "x" * 3000).retrieved
