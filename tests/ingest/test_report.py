"""Rejected records: all of them in a file of this run, the first thousand in memory, and never another file harmed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest import report
from ingest.pipeline import Options, ingest
from ingest.records import LISTED, IngestReport, Rejected
from ingest.report import RejectedReport
from rag.errors import PaperchatError, SourceError
from tests.fakes import FakeEmbedder, build_fake_index

GOOD = {"_id": "p1", "title": "Title", "text": "An abstract."}


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([json.dumps(GOOD), *lines]), encoding="utf-8")
    return path


def run(*paths: Path, report: Path | None) -> IngestReport:
    return ingest(paths, build_fake_index(folder=Path.cwd()), FakeEmbedder, options=Options(rejected=report))


def listed(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_source_line_and_reason_are_in_the_file(tmp_path: Path) -> None:
    source, report = write(tmp_path / "a.jsonl", "{broken", '{"_id": "x", "title": "No text ü"}'), tmp_path / "r.jsonl"
    done = run(source, report=report)
    assert done.rejected_count == len(done.rejected) == 2
    found = listed(report)
    assert [(r["source"], r["where"]) for r in found] == [(str(source), "line 2"), (str(source), "line 3")]
    assert all(r["reason"] for r in found)


def test_of_very_many_a_thousand_are_in_memory_and_all_in_the_file(tmp_path: Path) -> None:
    source, report = write(tmp_path / "a.jsonl", *["{broken"] * (LISTED + 234)), tmp_path / "r.jsonl"
    done = run(source, report=report)
    assert (done.rejected_count, len(done.rejected), done.new) == (LISTED + 234, 1000, 1)
    assert [r["where"] for r in listed(report)] == [f"line {n}" for n in range(2, LISTED + 236)]


def test_a_report_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MOST_WRITTEN", 3)
    path = tmp_path / "rejected.jsonl"
    with RejectedReport(path) as kept:
        for number in range(10):
            kept.add(Rejected("a.jsonl", f"line {number}", "no abstract"))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["where"] for line in lines] == ["line 0", "line 1", ""]
    assert lines[-1]["reason"] == "no more than 3 are written down"
    assert kept.count == 10


def test_a_run_without_rejected_records_removes_the_report_of_the_run_before(tmp_path: Path) -> None:
    report = tmp_path / "r.jsonl"
    run(write(tmp_path / "a.jsonl", "{broken"), report=report)
    assert len(listed(report)) == 1
    run(write(tmp_path / "a.jsonl"), report=report)
    assert not report.exists()


def test_a_second_run_starts_its_own_report(tmp_path: Path) -> None:
    report = tmp_path / "r.jsonl"
    run(write(tmp_path / "a.jsonl", "{broken", "{broken"), report=report)
    run(write(tmp_path / "b.jsonl", "{broken"), report=report)
    assert [Path(r["source"]).name for r in listed(report)] == ["b.jsonl"]


def test_a_run_that_fails_keeps_what_it_had_rejected(tmp_path: Path) -> None:
    report = tmp_path / "r.jsonl"
    with pytest.raises(ZeroDivisionError), RejectedReport(report) as rejected:
        rejected.add(Rejected("a", "line 1", "reason"))
        raise ZeroDivisionError
    assert listed(report) == [{"source": "a", "where": "line 1", "reason": "reason"}]


def test_without_a_path_they_are_counted_only(tmp_path: Path) -> None:
    done = run(write(tmp_path / "a.jsonl", "{broken"), report=None)
    assert (done.rejected_count, done.rejected[0].where) == (1, "line 2")
    assert list(tmp_path.glob("*rejected*")) == []


def test_a_file_that_cannot_be_read_is_in_the_report(tmp_path: Path) -> None:
    good, bad, report = write(tmp_path / "a.jsonl"), tmp_path / "b.jsonl", tmp_path / "r.jsonl"
    bad.write_bytes(b"\x00\x01\x02" * 100)
    assert run(good, bad, report=report).new == 1
    ((entry,)) = listed(report)
    assert (entry["source"], entry["where"]) == (str(bad), "file")


def test_half_a_character_in_a_reason_or_name_does_no_harm(tmp_path: Path) -> None:
    with RejectedReport(tmp_path / "r.jsonl") as report:
        report.add(Rejected("na\udce4me.jsonl", "line 1", "holds \ud800"))
    assert len(listed(tmp_path / "r.jsonl")) == 1


def test_a_report_in_the_place_of_a_folder_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    index = build_fake_index(folder=tmp_path)
    source = write(tmp_path / "a.jsonl", "{broken")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match=r"folder cannot be written .* Give another file with --rejected"):
        ingest([source], index, FakeEmbedder, options=Options(rejected=tmp_path / "folder"))
    assert list(index.catalog.papers()) == []


def test_a_report_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"r.jsonl cannot be written .* Give another file with --rejected"):
        run(write(tmp_path / "a.jsonl", "{broken"), report=tmp_path / "nowhere" / "r.jsonl")


def test_a_report_in_a_missing_folder_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Give another file with --rejected"):
        run(write(tmp_path / "a.jsonl"), report=tmp_path / "nowhere" / "r.jsonl")


def test_a_report_over_an_input_is_refused_and_the_input_kept(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl")
    before = source.read_bytes()
    with pytest.raises(PaperchatError):
        run(source, report=source)
    assert source.exists()
    assert source.read_bytes() == before


def test_a_disk_that_fills_up_is_told_and_what_was_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = build_fake_index(folder=tmp_path)
    real = RejectedReport.add

    def full(self: RejectedReport, rejected: Rejected) -> None:
        if self.count == 1:
            raise SourceError("The report of rejected records cannot be written (No space left on device).")
        real(self, rejected)

    monkeypatch.setattr(RejectedReport, "add", full)
    source = write(tmp_path / "a.jsonl", "{broken", "{broken", json.dumps({**GOOD, "_id": "p2"}))
    with pytest.raises(SourceError, match="No space left"):
        ingest([source], index, FakeEmbedder, options=Options(rejected=tmp_path / "r.jsonl"))
    assert [paper.id for paper in index.catalog.papers()] == ["p1"]
