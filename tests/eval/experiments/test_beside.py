"""Two readers side by side: the one that is led astray is told from the one that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag import build
from tests.eval.experiments.material import SeeingReader, given_file
from tests.eval.experiments.test_experiments import called, failed, reader

__all__ = ["reader"]


def test_a_flat_curve_is_told_from_a_falling_one(reader: SeeingReader, tmp_path: Path) -> None:
    data = given_file(tmp_path, count=24)
    options = ("context-size", data, "--k", "1,10", "--json")
    reader.name, reader.sees = "drowning", lambda found: found if len(found) < 5 else []
    assert called(*options, "--report", tmp_path / "before").exit_code == 0
    reader.name, reader.sees = "steady", lambda found: found
    result = called(*options, "--report", tmp_path / "after", "--beside", tmp_path / "before")
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)["beside"]
    assert (found["reader"], found["other"], found["questions"]) == ("steady", "drowning", 24)
    by_place = {(c["series"], c["x"]): (c["ours"]["value"], c["theirs"]["value"]) for c in found["conditions"]}
    assert by_place["gold passage alone", 1] == (1.0, 1.0)
    assert by_place["hybrid", 10] == (1.0, 0.0)
    (effect,) = found["effects"]
    assert (effect["first"], effect["second"]) == (["hybrid", 10], ["hybrid", 1])
    assert effect["ours"]["value"] > effect["theirs"]["value"]
    assert effect["difference"]["p_holm"] < 0.05
    told = " ".join(json.loads(result.stdout)["verdicts"])
    assert "steady against drowning: better in 1, worse in 0 of 4 conditions" in told
    assert "hybrid, from 1 to 10: steady" in told
    page = (tmp_path / "after" / "report.html").read_text(encoding="utf-8")
    assert "Beside drowning" in page


def test_readers_that_do_the_same_are_not_told_apart(reader: SeeingReader, tmp_path: Path) -> None:
    data = given_file(tmp_path)
    reader.name = "one"
    assert called("order", data, "--k", "4", "--report", tmp_path / "one").exit_code == 0
    reader.name = "two"
    result = called("order", data, "--k", "4", "--report", tmp_path / "two", "--beside", tmp_path / "one", "--json")
    told = " ".join(json.loads(result.stdout)["verdicts"])
    assert "no condition differs by more than chance" in told
    assert "No change of the context moves one of them more" in told


def test_only_what_both_read_is_compared(reader: SeeingReader, tmp_path: Path) -> None:
    data = given_file(tmp_path)
    reader.name = "one"
    assert called("order", data, "--k", "4", "--limit", 5, "--report", tmp_path / "one").exit_code == 0
    reader.name = "two"
    result = called("order", data, "--k", "4", "--report", tmp_path / "two", "--beside", tmp_path / "one", "--json")
    assert json.loads(result.stdout)["beside"]["questions"] == 5


def test_runs_that_cannot_be_compared_are_refused(reader: SeeingReader, tmp_path: Path) -> None:
    data = given_file(tmp_path)
    reader.name = "one"
    assert called("order", data, "--k", "4", "--report", tmp_path / "one").exit_code == 0
    beside = ("--beside", tmp_path / "one", "--report", tmp_path / "two")
    assert "by the same reader" in failed("order", data, "--k", "4", *beside)
    reader.name = "two"
    assert "no results in" in failed("order", data, "--k", "4", "--beside", tmp_path)
    assert "experiment" in failed("context-size", data, "--k", "4", *beside)
    assert "seed" in failed("order", data, "--k", "4", "--seed", 7, *beside)
    assert "no context of this one" in failed("order", data, "--k", "3", *beside)
    assert not (tmp_path / "two").exists()  # told before anything was read


def test_a_mistyped_folder_costs_nothing_and_two_adapters_are_two_readers(
    reader: SeeingReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ("order", given_file(tmp_path), "--k", "4", "--limit", 3)
    assert called(*order, "--report", tmp_path / "one").exit_code == 0
    kept = (tmp_path / "one" / "results.jsonl").read_text()
    assert "no results in" in failed(*order, "--report", tmp_path / "one", "--fresh", "--beside", tmp_path / "typo")
    assert "itself" in failed(*order, "--report", tmp_path / "one", "--fresh", "--beside", tmp_path / "one")
    assert (tmp_path / "one" / "results.jsonl").read_text() == kept
    monkeypatch.setattr(build, "adapter_digest", lambda config: "another")  # of the same name
    assert "adapter changed" in failed(*order, "--report", tmp_path / "one")
    assert called(*order, "--report", tmp_path / "two", "--beside", tmp_path / "one").exit_code == 0
    assert "Name one" in failed(*order, "--retriever", "hybrid,bm25", "--report", tmp_path / "three")
