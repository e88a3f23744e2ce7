"""TREC files there and back, and errors that name the line."""

from __future__ import annotations

import gzip
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import ranked
from eval.trec import read_qrels, read_run, write_qrels, write_run
from rag.errors import SourceError, UsageError

IDS = st.text(st.characters(categories=("L", "N"), include_characters="-_:/. "), min_size=1).filter(
    lambda text: text == text.strip() and len(text.splitlines()) == 1
)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_run_is_what_ir_measures_reads(tmp_path: Path) -> None:
    write_run({"q1": {"a": 0.5, "b": 1.5}, "q2": {"c": -1.0}}, tmp_path / "deep" / "run.trec", "my tag")
    text = (tmp_path / "deep" / "run.trec").read_text()
    assert text == "q1 Q0 b 1 1.5 my_tag\nq1 Q0 a 2 0.5 my_tag\nq2 Q0 c 1 -1 my_tag\n"
    theirs = list(ir_measures.read_trec_run(text))
    assert [(hit.query_id, hit.doc_id, hit.score) for hit in theirs] == [
        ("q1", "b", 1.5),
        ("q1", "a", 0.5),
        ("q2", "c", -1.0),
    ]


@given(st.dictionaries(IDS, st.dictionaries(IDS, st.floats(-1e6, 1e6, width=32), min_size=1), min_size=1))
@pytest.mark.slow
def test_a_run_comes_back_in_the_order_it_had(run: dict[str, dict[str, float]]) -> None:
    path = Path("run.trec")  # the test's own folder
    write_run(run, path, "tag")
    back = read_run(path)
    assert back.keys() == run.keys()
    assert all(ranked(back[query]) == ranked(run[query]) for query in run)


def test_qrels_come_back_in_trecs_columns_and_in_beirs(tmp_path: Path) -> None:
    qrels = {"q1": {"a": 2, "b": 0}, "q2": {"c": -1}}
    write_qrels(qrels, tmp_path / "qrels")
    assert read_qrels(tmp_path / "qrels") == qrels
    header = "query-id\tcorpus-id\tscore\n"
    for start in ("", header, "\ufeff" + header):
        assert read_qrels(written(tmp_path / "beir.tsv", f"{start}q1\ta\t2\nq1\tb\t0\n")) == {"q1": {"a": 2, "b": 0}}


def test_ids_may_hold_spaces_where_tabs_part_the_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "beir.tsv", "query-id\tcorpus-id\tscore\nq 1\tpaper one\t1\n")
    assert read_qrels(path) == {"q 1": {"paper one": 1}}


def test_packed_files_are_read_by_content(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(gzip.compress(b"q Q0 a 1 2.5 t\r\n\r\nq Q0 b 2 1e-3 t\r\n"))
    assert read_run(tmp_path / "run") == {"q": {"a": 2.5, "b": 0.001}}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("q Q0 b 2 0.5", "5 columns"),
        ("q Q0 b 2 high t", "'high' is no number"),
        ("q Q0 b 2 nan t", "'nan' is no number"),
        ("q Q0 a 2 0.5 t", "'a' is there twice"),
    ],
)
def test_a_bad_line_of_a_run_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = written(tmp_path / "run.trec", f"q Q0 a 1 1.0 t\n\n{line}\n")
    with pytest.raises(SourceError, match="line 3") as error:
        read_run(path)
    assert reason in str(error.value)
    assert "run.trec" in str(error.value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("q\tb", "2 columns"),
        ("q\tb\tyes", "'yes' is no whole number"),
        ("q\tb\t0.5", "'0.5' is no whole number"),
        ("q\ta\t0", "'a' is judged twice"),
    ],
)
def test_a_bad_line_of_qrels_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = written(tmp_path / "test.tsv", f"query-id\tcorpus-id\tscore\nq\ta\t1\n{line}\n")
    with pytest.raises(SourceError, match="line 3") as error:
        read_qrels(path)
    assert reason in str(error.value)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"q Q0 a 1 1.0 t\nq Q0 \xe9 1 1.0 t\n")
    (tmp_path / "cut").write_bytes(gzip.compress(b"q Q0 a 1 1.0 t\n" * 999)[:40])
    written(tmp_path / "empty", "\n")
    for name, reason in (("latin", "UTF-8"), ("cut", "cannot be read"), ("gone", "No such file"), ("empty", "empty")):
        with pytest.raises(SourceError, match=reason):
            read_run(tmp_path / name)
    with pytest.raises(SourceError, match="no judgement"):
        read_qrels(tmp_path / "empty")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    written(tmp_path / "file", "")
    with pytest.raises(UsageError, match="cannot be written"):
        write_run({}, tmp_path / "file" / "run.trec", "tag")
