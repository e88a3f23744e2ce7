"""What the model says well is trained on in its own words; what it says wrongly comes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.protocols import PromptStyle
from rag.support import SupportChecker
from rag.tuning import questions
from rag.tuning.examples import Example
from rag.tuning.own_words import self_written, wrong
from rag.tuning.prepare import Method, Plan, prepare
from tests.fakes import FakeEmbedder, FakeGenerator
from tests.rag.tuning.material import FACT, UNANSWERABLE, pipelines, written

CHECKER = SupportChecker(FakeEmbedder())
GOLD = "Heated blades recover 12% of the yearly energy."


def examples(folder: Path, method: Method = "implicit") -> list[Example]:
    plan = Plan(passages=(3,), method=method, style=PromptStyle(example=False, reasoning=method == "reasoning"))
    return prepare(questions.read(written(folder, FACT)), pipelines(), plan)[0]


def test_a_supported_answer_of_its_own_becomes_the_target(tmp_path: Path) -> None:
    [example] = examples(tmp_path)
    # Cites a number that does not carry it: the target cites the one that does.
    other = next(p.number for p in example.context.passages if p.number not in example.gold)
    [mine], count = self_written([example], FakeGenerator(f"{GOLD} [{other}]"), CHECKER, 100)
    assert mine.target == f"{GOLD} [{example.gold[0]}]"
    assert count == 1
    assert mine.messages == example.messages


def test_a_reasoner_keeps_its_reasoning(tmp_path: Path) -> None:
    [example] = examples(tmp_path, "reasoning")
    [mine], _ = self_written([example], FakeGenerator(f"{GOLD} [1]"), CHECKER, 100)
    assert mine.target.split("\n")[0] == example.target.split("\n")[0]
    assert mine.target.endswith(f"\nAnswer: {GOLD} [{example.gold[0]}]")


@pytest.mark.parametrize(
    "answer",
    ["", "Heated blades recover 40% of the yearly energy. [1]", f"{GOLD} [1] Bees dance in the dark at sea. [1]"],
)
def test_any_unsupported_sentence_leaves_the_written_answer(tmp_path: Path, answer: str) -> None:
    [example] = examples(tmp_path)
    assert self_written([example], FakeGenerator(answer), CHECKER, 100) == ([example], 0)


def test_errors_are_answers_without_a_supported_sentence_of_a_gold_paper(tmp_path: Path) -> None:
    found = examples(tmp_path)
    assert wrong(found, FakeGenerator(f"{GOLD} [1]"), CHECKER, 100) == []
    assert wrong(found, FakeGenerator("A brush robot recovers 7% of the yearly energy. [1]"), CHECKER, 100) == found
    assert wrong(found, FakeGenerator(""), CHECKER, 100) == found


def test_saying_nothing_is_right_where_nothing_answers(tmp_path: Path) -> None:
    items = questions.read(written(tmp_path, UNANSWERABLE))
    found, _ = prepare(items, pipelines(), Plan(abstain=True, passages=(3,)))
    assert wrong(found, FakeGenerator("The passages do not say."), CHECKER, 100) == []
    assert wrong(found, FakeGenerator(f"{GOLD} [1]"), CHECKER, 100) == found
