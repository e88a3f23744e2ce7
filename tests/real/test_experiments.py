"""An experiment with the bundled model and the real index, on three questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.eval.experiments.material import given_file
from tests.real.conftest import Paperchat

pytestmark = pytest.mark.real


def test_the_bundled_model_reads_three_questions(tmp_path: Path) -> None:
    paperchat = Paperchat(tmp_path)
    data = given_file(tmp_path, count=3, distractors=3)
    report = tmp_path / "report"
    arguments = ("eval", "context-size", data, "--k", "1,4", "--new-tokens", 12, "--report", report, "--json")
    result = paperchat(*arguments).value
    assert result["questions"] == 3
    assert result["read"] == 3 * 4
    assert result["baselines"]["closed book"]["value"] == 0.0  # nobody can know these codes
    assert [c["recall"]["value"] for c in result["conditions"]][-1] == 1.0
    rows = [json.loads(line) for line in (report / "results.jsonl").read_text(encoding="utf-8").splitlines()[1:]]
    assert any(row["answer"] for row in rows)
    assert {row["tokens"] for row in rows if row["series"] == "closed book"} < {*range(20, 120)}
    assert "<svg" in (report / "report.html").read_text(encoding="utf-8")
    again = paperchat(*arguments)
    assert "0 prompts" in again.err or "0 contexts" in again.err
    assert again.value["conditions"] == result["conditions"]


def test_the_reader_without_a_model_reads_them_too(tmp_path: Path) -> None:
    paperchat = Paperchat(tmp_path)
    data = given_file(tmp_path, count=3, distractors=4)
    result = paperchat(
        "eval", "hard-negatives", data, "--k", 3, "--reader", "quotes", "--report", tmp_path / "r", "--json"
    ).value
    assert {c["series"] for c in result["conditions"]} == {"random", "bm25", "dense", "hybrid"}
    assert all(c["precision"]["value"] == pytest.approx(1 / 3) for c in result["conditions"])
