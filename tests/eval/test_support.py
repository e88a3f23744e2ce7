"""What the measurements of the support check say about scores whose quality is known."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval import support, support_changes, support_data
from eval.support_data import Pair
from eval.support_measures import auc, auc_interval, auc_of_like_length, calibration, calibration_error, roc
from eval.support_report import summary, support_report
from rag.support import SupportChecker
from tests.fakes import FakeEmbedder
from tests.rag.claims import FALSE, TUNING, VERBATIM


def test_auc_is_the_chance_that_a_true_claim_is_above_a_false_one() -> None:
    assert auc([1, 1, 0, 0], [0.9, 0.4, 0.5, 0.1]) == pytest.approx(3 / 4)
    assert auc([1, 0], [0.5, 0.5]) == pytest.approx(1 / 2)
    assert auc([1, 0, 0], [0.2, 0.2, 0.1]) == pytest.approx(3 / 4)
    assert np.isnan(auc([1, 1], [0.2, 0.3]))


def test_a_score_that_only_tells_lengths_is_found_out() -> None:
    truth = np.array([1.0, 1.0, 0.0, 0.0] * 10)
    lengths = np.array([20.0, 10.0, 10.0, 4.0] * 10)
    assert auc(truth, lengths) > 0.8
    assert auc_of_like_length(truth, lengths, lengths) == pytest.approx(0.5)


def test_the_interval_holds_the_value_and_is_wider_with_fewer_abstracts() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random(400) < 0.5).astype(float)
    scores = truth * 0.5 + rng.random(400)
    many = auc_interval(truth, scores, [str(i) for i in range(400)])
    few = auc_interval(truth, scores, [str(i % 5) for i in range(400)])
    assert many[0] < auc(truth, scores) < many[1]
    assert few[0] < auc(truth, scores) < few[1]


def test_calibration_compares_the_score_with_what_is_true() -> None:
    truth, scores = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.52, 0.58, 0.95, 0.95])
    bins = calibration(truth, scores)
    assert [b["claims"] for b in bins] == [2, 2]
    assert bins[0]["true"] == pytest.approx(0.5)
    assert calibration_error(truth, scores) == pytest.approx(0.05)


def test_the_roc_curve_runs_from_nothing_to_everything() -> None:
    curve = roc(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.8, 0.1]))
    assert curve == [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]


def pairs() -> list[Pair]:
    claims = [(claim, "close", True) for claim in VERBATIM[2:7]]
    claims += [(claim, kind.split()[0], False) for kind in ("wrong number", "swapped names") for claim in FALSE[kind]]
    return [
        Pair(str(n), f"p{n % 3}", TUNING.title, TUNING.abstract, claim, kind, supported)
        for n, (claim, kind, supported) in enumerate(claims)
    ]


def test_the_report_has_every_kind_the_figures_and_the_plots(tmp_path: Path) -> None:
    checked = support.check_pairs(SupportChecker(FakeEmbedder()), pairs())
    result = {**support.measure(checked), "thresholds": {"supported": 0.9, "weak": 0.5}, "faithbench": None}
    assert result["auc"] == 1.0
    assert result["true_kept"] == 1.0
    assert result["false_accepts"] == 0.0
    text = support.write(result, tmp_path / "report")
    assert "| wrong |" in text
    assert "| swapped |" in summary(result)
    stored = json.loads((tmp_path / "report" / "support.json").read_text())
    assert stored["by_kind"]["swapped"]["claims"] == len(FALSE["swapped names"])
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("<svg") == 2
    assert "Calibration" in support_report(result).sections[2].parts[0].title  # type: ignore[union-attr]


def test_the_report_holds_no_sentence_of_an_abstract(tmp_path: Path) -> None:
    result = support.measure(support.check_pairs(SupportChecker(FakeEmbedder()), pairs()[-2:]))
    assert TUNING.abstract[:60] not in json.dumps(result)


def written(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (support_data.WRITTEN / f"{name}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", ["train", "train_twins", "contrast", "test"])
def test_written_pairs_name_abstracts_and_copy_nothing(name: str) -> None:
    rows = written(name)
    keys = {"claim", "id", "kind", "paper", "sentences", "supported"}
    assert {frozenset(row) - {"pair"} for row in rows} == {frozenset(keys)}
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({(row["paper"], row["claim"]) for row in rows}) == len(rows)


@pytest.mark.parametrize("name", ["train_twins", "contrast"])
def test_every_true_claim_has_a_false_one_beside_it(name: str) -> None:
    twins: dict[str, list[dict[str, Any]]] = {}
    for row in written(name):
        twins.setdefault(row["pair"], []).append(row)
    for true, false in twins.values():
        assert true["paper"] == false["paper"]
        assert true["supported"] and not false["supported"]


def test_nothing_is_trained_on_that_is_tested() -> None:
    papers = {name: {row["paper"] for row in written(name)} for name in ("train", "train_twins", "contrast", "test")}
    for name in ("train", "train_twins"):
        assert not papers[name] & (papers["contrast"] | papers["test"])


SENTENCE = (
    "The method is trained in 5 hours before GRPO, improves accuracy of AMFT from 61.2% to 68.9% and may harm it."
)


@pytest.mark.parametrize("kind", ["number", "unit", "counted", "direction", "negation", "strength", "time", "roles"])
def test_a_change_changes_the_sentence(kind: str) -> None:
    for seed in range(20):
        changed = support_changes.FALSE[kind](SENTENCE, random.Random(seed))
        assert changed
        assert changed != SENTENCE


def test_a_change_that_finds_nothing_says_so() -> None:
    rng = random.Random(0)
    assert support_changes.number("It rains.", rng) is None
    assert support_changes.counted("It took 4 hours.", rng) is None
    assert support_changes.comparison("Reefs bleach.", rng) is None


def test_sides_of_a_comparison_are_exchanged() -> None:
    changed = support_changes.comparison("AMFT outperforms GRPO.", random.Random(0))
    assert changed == "GRPO outperforms AMFT."
