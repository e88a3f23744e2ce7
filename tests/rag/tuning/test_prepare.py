"""Examples are made of the very prompt that is answered from, with the gold sentences in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from rag import prompt
from rag.errors import UsageError
from rag.protocols import PromptStyle
from rag.tuning import examples, questions
from rag.tuning.examples import Example
from rag.tuning.prepare import ABSTAIN, Negatives, Plan, Skipped, prepare
from tests.rag.tuning.material import FACT, UNANSWERABLE, pipelines, written

GOLD = "Heated blades recover 12% of the yearly energy."


def made(folder: Path, *rows: dict[str, Any], **plan: Any) -> tuple[list[Example], Skipped]:
    return prepare(questions.read(written(folder, *rows)), pipelines(), Plan(**plan))


def lines(example: Example) -> list[str]:
    return example.messages[-1]["content"].partition("\n\nQuestion:")[0].splitlines()[1:]


def test_the_answer_cites_the_gold_paper_by_the_number_it_has_in_the_prompt(tmp_path: Path) -> None:
    [example], _ = made(tmp_path, FACT, passages=(3,))
    [number] = example.gold
    assert example.target == f"Heating the blades wins back 12% of the energy. [{number}]"
    assert f"{GOLD} [{number}]" in lines(example)


def test_without_a_written_answer_the_evidence_is_quoted(tmp_path: Path) -> None:
    row = {key: value for key, value in FACT.items() if key != "answer"} | {"evidence": [["wind", 1], ["solar", 1]]}
    [example], _ = made(tmp_path, row, passages=(2,))
    numbers = {p.paper.id: p.number for p in example.context.passages}
    assert example.target == (
        f"{GOLD} [{numbers['wind']}] A brush robot recovers 7% of the yearly energy. [{numbers['solar']}]"
    )
    assert set(example.gold) == set(numbers.values())


def test_quoting_can_be_asked_for_where_an_answer_is_written(tmp_path: Path) -> None:
    [example], _ = made(tmp_path, FACT, targets="quoted")
    assert example.target.startswith(GOLD)


def test_the_prompt_is_the_one_that_is_answered_from(tmp_path: Path) -> None:
    style = PromptStyle(example=False)
    [example], _ = made(tmp_path, FACT, passages=(3,), style=style)
    assert list(example.messages) == prompt.messages(example.context, 3, style)
    assert not any(message["role"] == "assistant" for message in example.messages)
    [with_example], _ = made(tmp_path, FACT, style=PromptStyle(example=True))
    assert any(message["role"] == "assistant" for message in with_example.messages)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_as_many_sentences_as_asked_for_stand_in_the_prompt(tmp_path: Path, count: int) -> None:
    [example], _ = made(tmp_path, FACT, passages=(count,))
    assert len(lines(example)) == count
    assert any(line.startswith(GOLD) for line in lines(example))


@pytest.mark.parametrize("negatives", get_args(Negatives))
def test_a_gold_sentence_that_was_not_found_is_put_in(tmp_path: Path, negatives: str) -> None:
    row = {**FACT, "question": "Where did the trial of the brush robot run?"}  # nothing leads to heated blades
    [example], _ = made(tmp_path, row, passages=(3,), negatives=negatives)
    assert sum(line.startswith(GOLD) for line in lines(example)) == 1
    assert len(lines(example)) == 3
    assert [p.paper.id for p in example.context.passages if p.number in example.gold] == ["wind"]


def test_the_same_question_gives_the_same_example_whatever_stands_beside_it(tmp_path: Path) -> None:
    alone, _ = made(tmp_path, FACT)
    beside, _ = made(tmp_path, {**FACT, "id": "q0"}, FACT)
    assert beside[1] == alone[0]


def test_unanswerable_questions_are_left_out_unless_abstaining_is_trained(tmp_path: Path) -> None:
    examples_, skipped = made(tmp_path, FACT, UNANSWERABLE)
    assert [e.id for e in examples_] == ["q1"]
    assert skipped == Skipped(unanswerable=1)
    examples_, skipped = made(tmp_path, FACT, UNANSWERABLE, abstain=True)
    assert [e.target for e in examples_][1] == ABSTAIN
    assert examples_[1].gold == ()
    assert skipped == Skipped()


def test_questions_whose_papers_the_index_lacks_are_counted(tmp_path: Path) -> None:
    lost = {**FACT, "id": "q3", "gold": ["snow"], "answer": [{"text": "It snows.", "evidence": [["snow", 0]]}]}
    beyond = {**FACT, "id": "q4", "answer": [{"text": "It blows.", "evidence": [["wind", 9]]}]}
    examples_, skipped = made(tmp_path, FACT, lost, beyond)
    assert len(examples_) == 1
    assert skipped == Skipped(not_in_index=2)
    with pytest.raises(UsageError, match="gold papers of none of the 1 questions"):
        made(tmp_path, lost)


def test_reasoning_names_the_passages_that_matter_and_then_answers(tmp_path: Path) -> None:
    [example], _ = made(tmp_path, FACT, method="reasoning", passages=(3,))
    first, answer = example.target.split("\n")
    [number] = example.gold
    assert first.startswith(f"Relevant: [{number}] is about")
    assert "heated" in first
    assert "Not relevant: " in first
    assert answer == f"Answer: Heating the blades wins back 12% of the energy. [{number}]"


def test_a_follow_up_is_asked_as_it_is_spelled_out(tmp_path: Path) -> None:
    row = {
        **FACT,
        "question": "And how much do they recover in a year?",
        "history": [["Do heated blades help wind turbines?", "Heated blades help in ice. [1]"]],
    }
    [example], _ = made(tmp_path, row)
    assert "blades" in example.context.question


def test_examples_are_read_as_they_were_written(tmp_path: Path) -> None:
    found, _ = made(tmp_path, FACT, UNANSWERABLE, abstain=True)
    examples.write(found, tmp_path / "prepared.jsonl")
    again = examples.read(tmp_path / "prepared.jsonl")
    assert [(e.messages, e.target, e.gold, e.style) for e in again] == [
        (e.messages, e.target, e.gold, e.style) for e in found
    ]
    assert [[(p.number, p.evidence[0].text) for p in e.context.passages] for e in again] == [
        [(p.number, p.evidence[0].text) for p in e.context.passages] for e in found
    ]


def test_a_file_that_holds_no_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a prepared example"):
        examples.read(written(tmp_path, FACT))


def test_questions_on_one_paper_are_held_out_together(tmp_path: Path) -> None:
    found, _ = made(tmp_path, FACT)
    many = [replace(found[0], id=f"q{n}") for n in range(20)]
    own, held = examples.split(many, 0.5)
    assert len(own) in (0, 20)
    assert len(own) + len(held) == 20
    assert examples.split(many, 0) == (many, [])
