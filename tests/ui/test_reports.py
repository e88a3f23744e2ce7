"""Reports of `paperchat eval`, read by their shape and shown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rag.errors import SourceError
from tests.ui.hostile import SCRIPTS
from tests.ui.test_hostile import Strict
from ui import reports, reports_markup, texts
from ui.reports import Figure


def measure(value: float) -> dict[str, float]:
    return {"value": value, "n": 12, "low": value - 0.1, "high": value + 0.1}


ANSWERS = {
    "format": "paperchat-answers-1",
    "made": "2026-11-21 13:43",
    "questions": 12,
    "questions_file": "/somewhere/eval/questions/own.jsonl",
    "models": ["SmolLM2"],
    "overall": {"facts": measure(0.5), "citation_recall": measure(0.75), "total_s": measure(2.0)},
    "by_kind": {"fact": {"facts": measure(0.5)}, "list": {"facts": measure(0.25)}},
    "modes": {"fact": {"generated": 0.75, "quoted": 0.25}, "list": {"generated": 0.5, "quoted": 0.5}},
    "rows": [{"id": "q1", "question": "One?", "measures": {"facts": 1.0}}],
}
RETRIEVAL = {
    "format": "paperchat-retrieval-1",
    "dataset": {"name": "/data/scifact", "split": "test", "queries": 300, "relevant": 339, "note": ""},
    "measures": ["nDCG@10"],
    "systems": [
        {"name": "lexical", "meaning": "BM25", "measures": {"nDCG@10": measure(0.66)}, "ms": {"median": 1.5, "p95": 3}},
        {"name": "hybrid", "meaning": "both", "measures": {"nDCG@10": measure(0.72)}, "ms": {"median": 9.5, "p95": 20}},
    ],
    "comparisons": [
        {"system": "hybrid", "baseline": "lexical", "measure": "nDCG@10", "difference": 0.06, "low": 0.01, "high": 0.1,
         "p": 0.004, "p_holm": 0.004, "better": 40, "worse": 12}
    ],
    "per_query": {"lexical": {"nDCG@10": [0.1, 0.2]}},
    "recall_curve": {"lexical": [{"k": 1, "value": 0.5, "low": 0.4, "high": 0.6}]},
}  # fmt: skip
ORDER = {
    "experiment": "order",
    "data": "nq",
    "reader": "SmolLM2",
    "measure_meaning": "share of questions whose answer contains an accepted answer",
    "verdicts": ["At 5 passages, the paper's order against score order: that could be chance."],
    "conditions": [
        {"series": "score order", "x": 5, "quality": measure(0.4), "unfit": 0},
        {"series": "reversed", "x": 5, "quality": measure(0.3), "unfit": 0},
    ],
    "baselines": {"closed book": measure(0.1), "gold passage alone": measure(0.6)},
    "comparisons": [{"first": ["reversed", 5], "second": ["score order", 5], "difference": measure(-0.1), "p": 0.5}],
}
SUPPORT = {
    "auc": 0.9, "auc_interval": [0.88, 0.92], "false_accepts": 0.05,
    "by_kind": {"number": {"claims": 40, "auc": 0.8, "interval": [0.7, 0.9], "accepted": 0.1},
                "swap": {"claims": 50, "auc": 0.95, "interval": [0.9, 0.99], "accepted": 0.02}},
}  # fmt: skip


def view(data: dict[str, Any]) -> reports.ReportView:
    return reports.read(json.dumps(data))


def table(data: dict[str, Any], caption: str) -> reports.FigureTable:
    return next(found for found in view(data).tables if found.caption == caption)


def test_measures_with_their_intervals() -> None:
    found = table(ANSWERS, "Overall")
    assert [row[0] for row in found.rows] == ["facts", "citation_recall", "total_s"]
    assert found.rows[1][1] == Figure(0.75, 0.65, 0.85)
    shown = view(ANSWERS)
    assert shown.title == "Answers: own.jsonl"
    assert ("Language model", "SmolLM2") in shown.facts
    assert ("Questions", "12") in shown.facts


def test_tables_of_kinds_and_of_plain_numbers() -> None:
    assert table(ANSWERS, "By kind").columns == ("", "Facts")
    assert table(ANSWERS, "By kind").rows[1] == ("list", Figure(0.25, 0.15, 0.35))
    assert table(ANSWERS, "Modes").rows[0] == ("fact", Figure(0.75), Figure(0.25))
    assert table(SUPPORT, "By kind").rows[0] == ("number", Figure(40), Figure(0.8), "0.700 – 0.900", Figure(0.1))


def test_configurations_and_what_differs() -> None:
    systems = table(RETRIEVAL, "Systems")
    assert systems.columns == ("Name", "Meaning", "nDCG@10", "Ms median", "Ms p95")
    assert systems.rows[1][:3] == ("hybrid", "both", Figure(0.72, 0.62, 0.82))
    (compared,) = table(RETRIEVAL, "Comparisons").rows
    assert compared[3] == Figure(0.06, 0.01, 0.1)
    assert not any("query" in found.caption.lower() or "curve" in found.caption for found in view(RETRIEVAL).tables)


def test_experiments_say_their_verdict() -> None:
    shown = view(ORDER)
    assert shown.title == "Order of the papers: nq"
    assert shown.words == tuple(ORDER["verdicts"])
    assert table(ORDER, "Conditions").rows[0][:3] == ("score order", Figure(5), Figure(0.4, 0.30000000000000004, 0.5))
    assert table(ORDER, "Comparisons").rows[0][:2] == ("reversed, 5", "score order, 5")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"format": 3}', '{"format": "other-1"}', "[" * 100_000])
def test_what_is_no_report_is_said_to_be_none(text: str) -> None:
    with pytest.raises(SourceError, match="report"):
        reports.read(text)


@pytest.mark.parametrize(
    "odd", [None, [], {}, "x", [None], {"a": {"value": "x"}}, [[1]], {"a": {"a": {"a": {}}}}, float("inf")]
)
def test_odd_values_are_passed_over(odd: Any) -> None:
    data = {"format": "paperchat-answers-1", "overall": odd, "dataset": odd, "verdicts": odd or [], "models": odd}
    if isinstance(data["verdicts"], str | float):
        data["verdicts"] = []
    reports_markup.report(view(data))


@pytest.mark.parametrize("text", SCRIPTS[:12])
def test_names_in_a_report_are_text(text: str) -> None:
    data = json.loads(json.dumps(ORDER).replace("score order", "TEXT"))
    data |= {"reader": text, "data": text, "verdicts": [text], "baselines": {text: measure(0.1), "b": measure(0.2)}}
    data["conditions"][0]["series"] = text
    html = reports_markup.report(view(data))
    Strict(html, frozenset())
    Strict(reports_markup.listing([reports.Listed(text, text)], text), frozenset())


def test_a_share_is_drawn_beside_its_number() -> None:
    html = reports_markup.report(view(ANSWERS))
    assert '<path class="pc-span" d="M65.0 7H85.0">' in html
    assert "0.650 to 0.850" in html
    assert html.count("pc-point") == 4  # two over all, one of each kind; seconds are no share


def test_the_folder_is_listed_latest_first_and_nothing_outside_it_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    (folder / "answers").mkdir(parents=True)
    for place, (name, data) in enumerate((("answers/answers.json", ANSWERS), ("order.json", ORDER))):
        (folder / name).write_text(json.dumps(data))
        os.utime(folder / name, (1e9 + place, 1e9 + place))
    (tmp_path / "secret.json").write_text(json.dumps(ORDER))
    (folder / "notes.txt").write_text("x")
    assert [found.name for found in reports.listed(folder)] == ["order.json", "answers/answers.json"]
    assert reports.open_report(folder, "answers/answers.json").title == "Answers: own.jsonl"
    for name in ("../secret.json", str(tmp_path / "secret.json"), "missing.json", ""):
        with pytest.raises(SourceError):
            reports.open_report(folder, name)
    assert reports.listed(None) == reports.listed(tmp_path / "nowhere") == []
    assert texts.REPORTS_NO_FOLDER in reports_markup.listing([], "")
