"""Measures equal trec_eval's, whatever the run looks like."""

from __future__ import annotations

import math
from typing import Any

import ir_measures
import numpy as np
import pytest
import pytrec_eval

from eval.metrics import DEFAULT_MEASURES, cutoff, evaluate, first_relevant, parse, ranked, split_names
from rag.errors import UsageError
from rag.trec import descending

# Our names to trec_eval's, as its own binding gives them.
TREC = {
    "nDCG@10": "ndcg_cut_10",
    "R@5": "recall_5",
    "R@100": "recall_100",
    "RR": "recip_rank",
    "AP": "map",
    "P@5": "P_5",
}


def random_case(seed: int) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    """A run with many ties, queries that only one side has, and queries without a relevant document."""
    rng = np.random.default_rng(seed)
    documents = [f"{letter}{number}" for letter in ("d", "D", "é", "") for number in range(1, 9)]
    qrels: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    for query in (f"q{number}" for number in range(rng.integers(1, 5))):
        if rng.random() < 0.85:
            judged = rng.choice(len(documents), rng.integers(1, 9), replace=False)
            grades = [0, 0] if rng.random() < 0.2 else [0, 1, 2]
            qrels[query] = {documents[place]: int(rng.choice(grades)) for place in judged}
        if rng.random() < 0.85:
            found = rng.choice(len(documents), rng.integers(0, len(documents)), replace=False)
            scores = rng.integers(0, 4, len(found)) + rng.choice([0.0, 1e-9, 0.5], len(found))
            run[query] = {documents[place]: float(score) for place, score in zip(found, scores, strict=True)}
    return run, qrels or {"q0": {"d1": 1}}


@pytest.mark.slow
def test_every_measure_equals_trec_eval_on_a_thousand_random_runs() -> None:
    measures = parse(DEFAULT_MEASURES)
    ties = without_results = without_relevant = 0
    for seed in range(1000):
        run, qrels = random_case(seed)
        theirs = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut", "recall", "recip_rank", "map", "P"}).evaluate(run)
        ours = evaluate(run, qrels, measures)
        assert ours.queries == tuple(qrels)
        for row, query in enumerate(ours.queries):
            for measure, name in TREC.items():
                expected = theirs.get(query, {}).get(name, 0.0)
                assert ours.by_measure[measure][row] == pytest.approx(expected, abs=1e-12), (seed, query, measure)
            scores = run.get(query, {})
            ties += len(set(scores.values())) < len(scores)
            without_results += not scores
            without_relevant += not any(qrels[query].values())
    assert min(ties, without_results, without_relevant) > 100


def test_every_measure_equals_ir_measures_where_its_back_ends_agree() -> None:
    for seed in range(50):
        run, qrels = random_case(seed)
        aggregated = ir_measures.calc_aggregate(parse(DEFAULT_MEASURES), qrels, run)
        ours = evaluate(run, qrels, parse(DEFAULT_MEASURES))
        for measure, value in aggregated.items():
            assert ours.mean(str(measure)) == pytest.approx(value, abs=1e-12)


def test_ndcg_by_hand() -> None:
    run, qrels = {"q": {"a": 3.0, "b": 2.0, "c": 1.0}}, {"q": {"a": 0, "b": 2, "c": 1, "d": 1}}
    dcg = 2 / math.log2(3) + 1 / math.log2(4)
    ideal = 2 + 1 / math.log2(3) + 1 / math.log2(4)
    assert evaluate(run, qrels, parse(["nDCG@10"])).mean("nDCG@10") == pytest.approx(dcg / ideal)


def test_measures_of_different_back_ends_break_ties_alike() -> None:
    # ir_measures itself gives 0.5 and 1.0 here.
    values = evaluate({"q": {"a": 1.0, "b": 1.0}}, {"q": {"a": 1}}, parse(["RR", "RR@10", "Success@1"]))
    assert [values.mean(name) for name in ("RR", "RR@10", "Success@1")] == [0.5, 0.5, 0.0]


def test_a_query_missing_from_the_run_counts_as_zero_and_one_missing_from_the_qrels_not_at_all() -> None:
    qrels = {"q1": {"a": 1}, "q2": {"a": 1}}
    values = evaluate({"q1": {"a": 1.0}, "other": {"a": 1.0}}, qrels, parse(["RR"]))
    assert values.mean("RR") == 0.5


def test_an_empty_run_is_all_zero() -> None:
    values = evaluate({}, {"q1": {"a": 1}}, parse(DEFAULT_MEASURES))
    assert all(values.mean(name) == 0 for name in DEFAULT_MEASURES)


def test_scores_are_compared_in_single_precision_and_ties_by_the_bytes_of_the_id() -> None:
    assert ranked({"a": 1.0 + 1e-9, "b": 1.0}) == ["b", "a"]
    assert ranked({"z": 1.0, "é": 1.0}) == ["é", "z"]


@pytest.mark.parametrize(
    "hits",
    [
        [("a", 1.0), ("b", 1.0), ("c", 1.0)],
        [("a", 0.3), ("b", 0.9), ("c", 0.1)],
        [("a", 0.0), ("b", 0.0), ("c", -0.0)],
        [("a", -5.0), ("b", 1e-30), ("c", 2.0)],
    ],
)
def test_a_systems_own_order_survives_its_ties(hits: list[tuple[str, float]]) -> None:
    scores = descending(hits)
    assert ranked(scores) == ["a", "b", "c"]
    assert ranked({document: float(f"{score:.9g}") for document, score in scores.items()}) == ["a", "b", "c"]


def test_scores_that_descend_stay_as_they_are() -> None:
    assert descending([("a", 2.5), ("b", 1.25)]) == {"a": 2.5, "b": 1.25}


@pytest.mark.parametrize("name", ["nDGC@10", "P@", "", "import os", "NumRel", "P(cutoff='x'"])
def test_what_is_no_measure_is_told_in_one_sentence(name: str) -> None:
    with pytest.raises(UsageError, match=r"measure|counts"):
        parse([name])


def test_a_measure_whose_back_end_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise ValueError("Unsupported measures {ERR@20}")

    monkeypatch.setattr(ir_measures.DefaultPipeline, "evaluator", fails)
    with pytest.raises(UsageError, match="ERR@20"):
        evaluate({"q": {"a": 1.0}}, {"q": {"a": 1}}, parse(["ERR@20"]))


def test_any_name_that_ir_measures_parses_is_taken_once() -> None:
    assert [str(m) for m in parse(["P(rel=2)@5", "RR@10", "RR@10"])] == ["P(rel=2)@5", "RR@10"]
    assert [cutoff(m) for m in parse(["R@100", "AP"])] == [100, 0]
    assert split_names("nDCG@10, R@5 P(rel=2, judged_only=True)@5") == [
        "nDCG@10",
        "R@5",
        "P(rel=2, judged_only=True)@5",
    ]


def test_the_rank_of_the_first_relevant_document() -> None:
    run = {"a": 3.0, "b": 2.0, "c": 1.0}
    assert first_relevant(run, {"a": 0, "c": 1}) == 3
    assert first_relevant(run, {"x": 1}) is None
