"""An answer that was kept comes back as it was."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rag.record import answer_from_record, answer_to_record
from rag.types import Answer, Context
from tests.answers import UNREAD, answer, refused


def again(value: Answer) -> Answer:
    return answer_from_record(json.loads(json.dumps(answer_to_record(value))))


def test_everything_shown_comes_back() -> None:
    value = answer(stopped=True)
    back = again(value)
    assert back.sentences == value.sentences
    assert back.context == value.context
    assert back.withheld == value.withheld
    assert (back.timings, back.model, back.index, back.stopped) == (value.timings, value.model, value.index, True)
    assert back.text == value.text
    assert back.cited[0].paper.extra == {"arxiv_version": "2"}


def test_only_the_abstracts_of_unread_papers_are_left_out() -> None:
    value = answer()
    *read, unread = again(value).retrieved
    assert tuple(read) == value.retrieved[:2]
    assert unread.paper == replace(UNREAD, abstract="")
    assert unread.rank == 3
    assert "found and not read" not in json.dumps(answer_to_record(value))


def test_a_refusal_comes_back() -> None:
    refusal = again(refused()).refusal
    assert refusal is not None
    assert refusal.reason == "off_topic"
    assert [paper.title for paper in refusal.nearest] == [UNREAD.title]


def test_an_empty_answer_comes_back() -> None:
    value = answer(sentences=(), withheld=(), retrieved=(), context=Context("", ()))
    assert again(value) == value


def test_a_paper_is_kept_once() -> None:
    assert json.dumps(answer_to_record(answer())).count("It takes 30 minutes") == 1


def test_a_field_that_a_later_version_adds_does_no_harm() -> None:
    record = answer_to_record(answer())
    record["answer"]["mood"] = "good"
    record["answer"]["sentences"][0]["support"]["colour"] = "green"
    assert answer_from_record(record) == again(answer())


def test_a_field_that_an_earlier_version_lacked_has_its_default() -> None:
    record = answer_to_record(answer(stopped=True))
    del record["answer"]["stopped"]
    assert answer_from_record(record).stopped is False


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record.pop("papers"),
        lambda record: record.update(format=99),
        lambda record: record["answer"].pop("question"),
        lambda record: record["answer"]["sentences"][0]["support"].update(verdict="maybe"),
        lambda record: record["papers"].clear(),
        lambda record: record.update(answer=None),
    ],
)
def test_a_damaged_record_is_an_error_that_says_so(damage: object) -> None:
    record = json.loads(json.dumps(answer_to_record(answer())))
    damage(record)  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"\w"):
        answer_from_record(record)
