"""What may be said about figures: nothing that the questions do not carry."""

from __future__ import annotations

import pytest

from eval.experiments import position
from eval.experiments.contexts import CLOSED_BOOK, GOLD_ALONE
from eval.experiments.runner import Row
from eval.experiments.summary import Analysis, analyse, reader_told

PLACES = (1, 5, 10)


def rows(series: str, x: int, values: list[float]) -> list[Row]:
    ids = [f"q{number}" for number in range(len(values))]
    return [
        Row(f"{i}{series}{x}", i, series, x, ("g",), (1,), 9, True, quality=v) for i, v in zip(ids, values, strict=True)
    ]


def analysed(count: int, gold: float, places: tuple[float, float, float], available: int = 10_000) -> Analysis:
    """Shares of questions that are answered; the first ones are."""

    def right(share: float) -> list[float]:
        return [float(number < share * count) for number in range(count)]

    found = rows(CLOSED_BOOK, 0, right(0)) + rows(GOLD_ALONE, 1, right(gold))
    for place, share in zip(PLACES, places, strict=True):
        # Other questions at each place, so that differences have a spread.
        found += rows(position.SERIES, place, right(share) if place == 5 else right(share)[::-1])
    return analyse(found, position.pairs([(position.SERIES, place) for place in PLACES]), available)


def verdict(analysis: Analysis) -> str:
    return position.findings(analysis, "Quality").verdicts[0]


def test_a_clear_effect_is_stated_with_its_interval_and_p() -> None:
    told = verdict(analysed(100, 0.9, (0.8, 0.1, 0.8)))
    assert "lost in the middle" in told
    assert "p < .001" in told


def test_a_few_questions_carry_no_statement() -> None:
    analysis = analysed(5, 1.0, (1.0, 0.0, 1.0))
    assert "5 questions are too few" in verdict(analysis)
    assert "too few, or this reader is too weak" in reader_told(analysis, "It")


def test_a_reader_that_gains_nothing_from_the_right_passage_is_called_too_weak() -> None:
    analysis = analysed(200, 0.01, (0.01, 0.0, 0.01))
    assert "this reader is too weak" in reader_told(analysis, "It")
    assert "too weak" not in reader_told(analysed(200, 0.9, (0.5, 0.5, 0.5)), "It")


@pytest.mark.parametrize(("available", "told"), [(10_000, "questions (--limit)"), (60, "This reader is too small")])
def test_it_says_whether_more_questions_or_a_larger_reader_would_decide(available: int, told: str) -> None:
    assert told in verdict(analysed(60, 0.2, (0.5, 0.5, 0.5), available))


def test_enough_questions_that_show_nothing_are_said_to_be_enough() -> None:
    assert "would probably have shown" in verdict(analysed(300, 0.9, (0.5, 0.5, 0.5)))
