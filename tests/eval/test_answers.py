"""Measures on answers written by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from eval.answers import evaluate, interval, read_jsonl, score, summarise, table
from eval.cli import app
from rag.errors import UsageError

TITLE = "S²FT: Sparse Tuning"


def question(**changed: Any) -> dict[str, Any]:
    asked = {"id": "q1", "kind": "fact", "question": "?", "gold": [TITLE], "facts": [["25%", "25 %"], ["sparse"]]}
    return {**asked, **changed}


def answer(text: str = "It is sparse and saves 25% [1].", **changed: Any) -> dict[str, Any]:
    """An answer whose one sentence cites paper 1, the gold one; paper 2 is another."""
    given: dict[str, Any] = {
        "id": "q1",
        "mode": "generated",
        "answer": text,
        "sentences": [sentence(1)],
        "citations": [{"number": 1, "paper_id": "s2ft", "title": TITLE}, {"number": 2, "paper_id": "x", "title": "X"}],
        "retrieved": [{"paper_id": "s2ft", "title": TITLE}, {"paper_id": "x", "title": "X"}],
        "timings": {"first_token_ms": 400, "total_ms": 2000},
    }
    return {**given, **changed}


def sentence(*numbers: int, verdict: str = "supported") -> dict[str, Any]:
    return {"text": "", "citations": list(numbers), "support": {"verdict": verdict}}


REFUSED = {"mode": "refused", "sentences": [], "citations": []}


def test_a_perfect_answer() -> None:
    assert score(question(), answer()) == {
        "right_first": 1.0,
        "recall@5": 1.0,
        "facts": 1.0,
        "cites_gold": 1.0,
        "generated": 1.0,
        "refused_wrong": 0.0,
        "unsupported_shown": 0.0,
        "first_token_s": 0.4,
        "total_s": 2.0,
        "error": 0.0,
    }


@pytest.mark.parametrize("gold", [TITLE, "s^{2}ft: sparse   tuning", "S2FT: Sparse Tuning", "s2ft"])
def test_gold_is_an_id_or_any_spelling_of_a_title(gold: str) -> None:
    assert score(question(gold=[gold]), answer())["right_first"] == 1.0


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("It is sparse and saves 25 % [1].", 1.0),
        (r"It is SPARSE and saves 25\% [1].", 1.0),
        ("It is sparse [1].", 0.5),
        ("It saves a quarter [1].", 0.0),
    ],
)
def test_a_fact_counts_in_any_of_its_wordings(text: str, facts: float) -> None:
    assert score(question(), answer(text))["facts"] == facts


def test_a_question_without_facts_has_no_share_of_them() -> None:
    assert score(question(facts=[]), answer())["facts"] is None


def test_citations_are_counted_marker_by_marker() -> None:
    assert score(question(), answer(sentences=[sentence(1, 2), sentence(1)]))["cites_gold"] == pytest.approx(2 / 3)
    assert score(question(), answer(sentences=[sentence()]))["cites_gold"] is None


def test_recall_is_over_the_gold_papers_among_the_first_five() -> None:
    ranked = [{"paper_id": name, "title": name} for name in ("a", "x1", "x2", "x3", "x4", "b")]
    scored = score(question(gold=["a", "b"]), answer(retrieved=ranked))
    assert (scored["right_first"], scored["recall@5"]) == (1.0, 0.5)
    scored = score(question(gold=["b"]), answer(retrieved=ranked))
    assert (scored["right_first"], scored["recall@5"]) == (0.0, 0.0)


def test_nothing_retrieved_is_no_success() -> None:
    scored = score(question(), answer(retrieved=[]))
    assert (scored["right_first"], scored["recall@5"]) == (0.0, 0.0)


def test_unsupported_sentences_that_were_shown_are_counted() -> None:
    shown = [sentence(1), sentence(1, verdict="unsupported"), sentence(1, verdict="weak")]
    assert score(question(), answer(sentences=shown))["unsupported_shown"] == 1.0


def test_refusing_an_answerable_question_is_wrong_and_states_no_fact() -> None:
    scored = score(question(), answer("No paper says how sparse it is or whether it saves 25%.", **REFUSED))
    assert (scored["refused_wrong"], scored["facts"], scored["cites_gold"]) == (1.0, 0.0, None)
    assert "refused_right" not in scored or scored["refused_right"] is None


@pytest.mark.parametrize(("mode", "right"), [("refused", 1.0), ("generated", 0.0), ("quoted", 0.0)])
def test_an_unanswerable_question_is_right_only_when_refused(mode: str, right: float) -> None:
    scored = score(question(gold=[], facts=[]), answer(mode=mode))
    assert scored["refused_right"] == right
    assert scored["refused_wrong"] is None


def test_a_missing_answer_counts_as_an_error() -> None:
    report = evaluate([question(), question(id="q2")], [answer()])
    assert report["questions"] == 2
    assert report["overall"]["error"]["value"] == 0.5
    assert report["overall"]["error"]["n"] == 2
    assert [row["mode"] for row in report["rows"]] == ["generated", "error"]


@pytest.mark.parametrize("given", [[], [{"id": "q2", "question": "?", "error": "The model failed."}]])
def test_an_answer_that_failed_does_not_raise_the_score_of_the_others(given: list[dict[str, Any]]) -> None:
    """A program that fails on every hard question must not look better than one that tries."""
    overall = evaluate([question(), question(id="q2")], [answer(), *given])["overall"]
    for measure in ("right_first", "recall@5", "facts", "generated"):
        assert (overall[measure]["value"], overall[measure]["n"]) == (0.5, 2), measure


def test_a_missing_answer_to_an_unanswerable_question_is_no_refusal() -> None:
    overall = evaluate([question(gold=[], facts=[])], [])["overall"]
    assert (overall["refused_right"]["value"], overall["error"]["value"]) == (0.0, 1.0)


def test_answers_to_nobody_s_question_are_ignored() -> None:
    report = evaluate([question()], [answer(), answer(id="stray", mode="refused")])
    assert report["questions"] == 1
    assert report["overall"]["refused_wrong"]["value"] == 0.0


def test_ids_may_be_numbers_on_one_side() -> None:
    assert evaluate([question(id=7)], [answer(id="7")])["overall"]["error"]["value"] == 0.0


def test_kinds_are_summarised_apart() -> None:
    asked = [question(), question(id="q2", kind="follow-up"), question(id="q3", kind="absent", gold=[], facts=[])]
    given = [answer(), answer("No idea.", id="q2"), answer(id="q3", **REFUSED)]
    report = evaluate(asked, given)
    assert list(report["by_kind"]) == ["fact", "follow-up", "absent"]
    assert report["by_kind"]["fact"]["facts"]["value"] == 1.0
    assert report["by_kind"]["follow-up"]["facts"]["value"] == 0.0
    assert report["by_kind"]["absent"]["refused_right"]["value"] == 1.0
    assert report["overall"]["facts"] == pytest.approx({"value": 0.5, "n": 2, "low": 0.0, "high": 1.0})


def test_seconds_are_summarised_by_their_median() -> None:
    rows = [{"total_s": value, "facts": value} for value in (1.0, 2.0, 90.0)]
    summary = summarise(rows)
    assert summary["total_s"]["value"] == 2.0
    assert summary["facts"]["value"] == 31.0


def test_a_measure_that_applies_nowhere_is_left_out() -> None:
    assert "cites_gold" not in summarise([{"cites_gold": None, "facts": 1.0}])


def test_an_interval_holds_the_mean_and_narrows_with_more_questions() -> None:
    few, many = np.array([0.0, 1.0] * 5), np.array([0.0, 1.0] * 500)
    low, high = interval(few, np.mean)
    assert 0.0 <= low < 0.5 < high <= 1.0
    narrow_low, narrow_high = interval(many, np.mean)
    assert low < narrow_low < 0.5 < narrow_high < high
    # Normal approximation: 1.96 * 0.5 / sqrt(1000).
    assert narrow_high - narrow_low == pytest.approx(2 * 1.96 * 0.5 / math.sqrt(1000), rel=0.15)


def test_equal_values_have_no_width_and_an_interval_can_be_reproduced() -> None:
    assert interval(np.ones(30), np.mean) == (1.0, 1.0)
    values = np.random.default_rng(3).random(40)
    assert interval(values, np.mean) == interval(values, np.mean)


def test_the_table_has_a_row_a_kind_and_one_for_all() -> None:
    report = evaluate([question(), question(id="q2", kind="absent", gold=[], facts=[])], [answer()])
    rows = [line for line in table(report).splitlines() if line.startswith("|")]
    assert [row.split("|")[1].strip() for row in rows] == ["kind", "---", "fact", "absent", "**all**"]
    assert len({row.count("|") for row in rows}) == 1
    assert "95 % interval" in table(report)


@pytest.mark.parametrize("text", ["not json\n", "[1]\n", '{"id": "a"\n'])
def test_a_file_that_is_no_json_lines_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read_jsonl(path)
    assert "answers.jsonl" in str(error.value)


def test_a_line_separator_inside_an_answer_is_no_end_of_its_line(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps({"id": "a", "question": "Why\u2028not?"}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read_jsonl(path) == [{"id": "a", "question": "Why\u2028not?"}]


def test_the_command_writes_a_report_and_prints_json(tmp_path: Path) -> None:
    files = {"questions": [question()], "answers": [answer()]}
    for name, rows in files.items():
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    arguments = ["answers", "--questions", str(tmp_path / "questions"), "--answers", str(tmp_path / "answers")]
    result = CliRunner().invoke(app, [*arguments, "--report", str(tmp_path / "report"), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["overall"]["facts"]["value"] == 1.0
    assert json.loads((tmp_path / "report" / "answers.json").read_text())["rows"][0]["id"] == "q1"
    assert "| fact | 1 |" in (tmp_path / "report" / "answers.md").read_text()
