"""Measures of refusal on decisions written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from eval.selective import (
    Decision,
    Decisions,
    aurc,
    auroc,
    best_aurc,
    best_threshold,
    counts,
    measure,
    risk_coverage,
    summary,
    sweep,
)


def row(name: str, score: float, *, answerable: bool = True, right: bool = True, at: float = 0.5, rule: bool = False):
    return Decision(name, name, "k", answerable, score, rule or score < at, rule, right and answerable)


# Two right refusals and one wrong one; two unanswerable questions are answered, one answer cites the wrong paper.
ROWS = [
    row("a", 0.9),
    row("b", 0.8),
    row("c", 0.7, right=False),
    row("d", 0.6, answerable=False),
    row("e", 0.55, answerable=False),
    row("f", 0.4),
    row("g", 0.3, answerable=False),
    row("h", 0.9, answerable=False, rule=True),
]


def test_refusals_by_hand() -> None:
    found = {name: value["value"] for name, value in measure(ROWS).items()}
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx(2 / 4)
    assert found["f1"] == pytest.approx(4 / 7)
    assert found["wrong_refusals"] == pytest.approx(1 / 4)
    assert found["coverage"] == pytest.approx(5 / 8)
    assert found["risk"] == pytest.approx(3 / 5)
    assert counts(ROWS) == {
        "questions": 8, "answerable": 4, "unanswerable": 4, "refused": 3, "refused_right": 2, "refused_wrong": 1,
        "refused_by_rule": 1,
    }  # fmt: skip


def test_risk_and_its_area_by_hand() -> None:
    points = risk_coverage(ROWS)
    risks = [0, 0, 1 / 3, 2 / 4, 3 / 5, 3 / 6, 4 / 7]
    assert [point["risk"] for point in points] == pytest.approx(risks)
    assert [point["coverage"] for point in points] == pytest.approx([n / 8 for n in range(1, 8)])
    assert [point["threshold"] for point in points] == [0.9, 0.8, 0.7, 0.6, 0.55, 0.4, 0.3]
    columns = Decisions.of(ROWS)
    assert aurc(columns) == pytest.approx(np.mean(risks))
    assert best_aurc(columns) == pytest.approx(np.mean([0, 0, 0, 1 / 4, 2 / 5, 3 / 6, 4 / 7]))


def test_the_area_over_equal_scores_is_the_mean_over_their_orders() -> None:
    rows = [row("a", 0.9), row("b", 0.7), row("c", 0.7, answerable=False), row("d", 0.7, right=False)]
    orders = []
    for order in ((1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)):
        wrong = [0, *(int(place != 1) for place in order)]
        orders.append(np.mean(np.cumsum(wrong) / np.arange(1, 5)))
    assert aurc(Decisions.of(rows)) == pytest.approx(np.mean(orders))
    assert len(risk_coverage(rows)) == 2


def test_auroc_counts_pairs() -> None:
    answerable, not_answerable = [0.9, 0.8, 0.7, 0.4], [0.6, 0.55, 0.3, 0.9]
    pairs = [(a > n) + (a == n) / 2 for a in answerable for n in not_answerable]
    assert auroc(Decisions.of(ROWS)) == pytest.approx(np.mean(pairs))


def test_the_threshold_in_use_is_part_of_the_sweep_and_agrees_with_the_measures() -> None:
    points = {point["threshold"]: point for point in sweep(ROWS, 0.5)}
    found = measure(ROWS)
    for name in ("precision", "recall", "wrong_refusals", "coverage", "risk"):
        assert points[0.5][name] == pytest.approx(found[name]["value"])
    recalls = [points[place]["recall"] for place in sorted(points)]
    assert recalls == sorted(recalls)


def test_the_best_threshold_parts_the_two_sorts() -> None:
    rows = [row("a", 0.9), row("b", 0.8), row("c", 0.3, answerable=False), row("d", 0.2, answerable=False)]
    best = best_threshold(sweep(rows, 0.5))
    assert best is not None
    assert 0.3 < best <= 0.8
    assert best_threshold(sweep(rows[:2], 0.5)) is None


def test_what_has_nothing_to_count_is_left_out() -> None:
    only = [row("a", 0.9), row("b", 0.8)]
    assert set(measure(only)) == {"wrong_refusals", "coverage", "risk", "aurc"}
    assert summary(only, 0.5)["best_threshold"] is None
    everything_by_rule = [row("a", 0.1, answerable=False, rule=True)]
    assert "aurc" not in summary(everything_by_rule, 0.5)["measures"]
    assert summary(everything_by_rule, 0.5)["risk_coverage"] == []


def test_a_question_asked_twice_is_drawn_as_one() -> None:
    """Refused or not, a pair has one of each sort: the shares cannot move apart from one another."""
    rows = []
    for number in range(30):
        for answerable in (True, False):
            name = f"q{number}{answerable}"
            rows.append(Decision(name, f"q{number}", "", answerable, 0.9, number % 3 == 0, False, answerable))
    found = measure(rows)
    assert (found["precision"]["low"], found["precision"]["high"]) == (0.5, 0.5)
    assert found["recall"]["low"] < 1 / 3 < found["recall"]["high"]
