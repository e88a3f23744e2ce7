"""Questions to train on: both forms of files, data folders, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rag.errors import UsageError
from rag.tuning import questions
from rag.tuning.questions import Stated
from tests.rag.tuning.material import FACT, UNANSWERABLE, written


def test_a_question_file_of_ours_can_be_trained_on(tmp_path: Path) -> None:
    row = {
        "id": "a1",
        "kind": "fact",
        "question": "Q?",
        "history": [],
        "gold": ["p"],
        "facts": [],
        "evidence": [["p", 2]],
    }
    [item] = questions.read(written(tmp_path, row))
    assert item.answer == (Stated("", (("p", 2),)),)


def test_unanswerable_questions_have_no_answer(tmp_path: Path) -> None:
    assert questions.read(written(tmp_path, UNANSWERABLE))[0].answer == ()
    row = {"id": "u", "question": "Q?", "gold": [], "facts": []}
    assert questions.read(written(tmp_path, row))[0].answer == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no question"),
        ("{", "not JSON lines"),
        ("[1]", "not JSON lines"),
        ('{"id": "1"}', "line 1: not a question"),
        ('{"id": "1", "question": "Q?", "gold": ["p"]}', "without an answer or evidence"),
        ('{"id": "1", "question": "Q?", "answer": [{"text": "A."}]}', "not a question to train on"),
        (json.dumps(FACT) + "\n" + json.dumps(FACT), "there twice"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        questions.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.jsonl cannot be read"):
        questions.read(tmp_path / "nothing.jsonl")


TEXT = "Ice slows wind turbines . Heated blades recover 12% of the yearly energy . The trial ran in Norway ."


def folder(path: Path, query: dict[str, Any], title: str = "Wind") -> Path:
    (path / "qrels").mkdir()
    (path / "corpus.jsonl").write_text(json.dumps({"_id": "p", "title": title, "text": TEXT}) + "\n", encoding="utf-8")
    (path / "queries.jsonl").write_text(json.dumps({"_id": "q", **query}) + "\n", encoding="utf-8")
    (path / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq\tp\t1\n", encoding="utf-8")
    return path


def test_selected_sentences_are_found_in_the_passage(tmp_path: Path) -> None:
    query = {
        "text": "what do heated blades recover",
        "label": "answerable",
        "passage_id": "p",
        "selected_sentences": [["Heated blades recover 12% of the yearly energy ."], ["The trial ran in Norway ."]],
    }
    [item] = questions.read(folder(tmp_path, query))
    assert item.answer == (Stated("", (("p", 1),)),)


def test_a_question_with_a_passage_that_does_not_answer_is_unanswerable(tmp_path: Path) -> None:
    query = {"text": "what do they cost", "label": "unanswerable", "passage_id": "p", "selected_sentences": []}
    [item] = questions.read(folder(tmp_path, query))
    assert item.answer == ()
    assert item.gold == ("p",)


def test_a_conclusion_is_traced_to_the_sentences_it_rests_on(tmp_path: Path) -> None:
    query = {
        "text": "Do heated blades recover energy?",
        "label": "yes",
        "split": "cv",
        "answer": "Heated blades recover a tenth of the yearly energy.",
    }
    [item] = questions.read(folder(tmp_path, query))
    assert item.answer == (Stated("", (("p", 1),)),)


def test_a_summary_is_asked_for_by_title(tmp_path: Path) -> None:
    query = {"text": "We show that heated blades recover yearly energy.", "source": "author", "split": "dev"}
    [item] = questions.read(folder(tmp_path, query, "Warm wings"))
    assert "Warm wings" in item.question
    assert item.answer == (Stated(query["text"], (("p", 1),)),)


@pytest.mark.parametrize(("split", "count"), [("train", 1), ("dev", 0), ("test", 0)])
def test_of_claims_only_the_train_part_is_used(tmp_path: Path, split: str, count: int) -> None:
    query = {
        "text": "Heating helps in ice.",
        "split": split,
        "label": "SUPPORT",
        "evidence": {"p": {"label": "SUPPORT", "rationale_sentences": [[1]]}},
    }
    path = folder(tmp_path, query)
    if not count:
        with pytest.raises(UsageError, match="no question to train on"):
            questions.read(path)
        return
    [item] = questions.read(path)
    assert item.question == "Is it true that heating helps in ice?"
    assert item.places == (("p", 1),)
