"""Held-out answers are measured through the same citation grammar and the same check as any answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.support import SupportChecker
from rag.tuning import questions
from rag.tuning.evaluate import measure
from rag.tuning.examples import Example
from rag.tuning.prepare import Plan, prepare
from tests.fakes import FakeEmbedder, FakeGenerator
from tests.rag.tuning.material import FACT, pipelines, written


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    # The four best sentences: two papers, of which "wind" is the gold one.
    return prepare(questions.read(written(tmp_path, FACT)), pipelines(), Plan(passages=(4,)))[0]


def answered(examples: list[Example], text: str) -> dict[str, float]:
    measured, written_ = measure(examples, FakeGenerator([text]), SupportChecker(FakeEmbedder()), 100)
    assert written_ == {"q1": text}
    return {
        name: getattr(measured, name) for name in ("answered", "verbatim", "supported", "cited", "cites_gold", "right")
    }


def test_a_quotation_of_the_gold_sentence_is_all_right(examples: list[Example]) -> None:
    [number] = examples[0].gold
    found = answered(examples, f"Heated blades recover 12% of the yearly energy. [{number}]")
    assert set(found.values()) == {1.0}


def test_another_paper_is_supported_but_not_right(examples: list[Example]) -> None:
    other = next(p for p in examples[0].context.passages if p.number not in examples[0].gold)
    found = answered(examples, f"{other.evidence[0].text} [{other.number}]")
    assert (found["verbatim"], found["supported"], found["cites_gold"], found["right"]) == (1.0, 1.0, 0.0, 0.0)


def test_an_invention_is_neither_verbatim_nor_supported(examples: list[Example]) -> None:
    [number] = examples[0].gold
    found = answered(examples, f"Penguins paint the harbour walls yellow every Tuesday. [{number}]")
    assert (found["verbatim"], found["supported"], found["cited"], found["right"]) == (0.0, 0.0, 1.0, 0.0)


def test_silence_is_no_answer(examples: list[Example]) -> None:
    assert set(answered(examples, "").values()) == {0.0}
