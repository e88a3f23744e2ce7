"""Data sets are told by content; what is wrong with them is said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.experiments.items import Task
from eval.experiments.load import load, sampled
from rag.errors import IndexMissingError, PaperchatError, SourceError, UsageError
from rag.index import Index
from rag.types import Paper
from tests.eval.experiments.material import given_file, record
from tests.fakes import build_fake_index


def lines(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def beir(folder: Path, queries: list[dict[str, Any]], judged: dict[str, list[str]]) -> Path:
    lines(folder / "corpus.jsonl", *({"_id": f"d{n}", "title": f"T{n}", "text": f"Text {n}."} for n in range(5)))
    lines(folder / "queries.jsonl", *queries)
    (folder / "qrels").mkdir()
    rows = [f"{query}\t{document}\t1" for query, documents in judged.items() for document in documents]
    (folder / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n")
    return folder


def no_index() -> Index:
    raise IndexMissingError("There is no index. Make one.")


def loaded(path: Path, tmp_path: Path) -> Task:
    return load(path, None, tmp_path / "cache", no_index)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("by_folder", [False, True])
def test_questions_with_their_passages(tmp_path: Path, packed: bool, by_folder: bool) -> None:
    (tmp_path / "set").mkdir()
    path = given_file(tmp_path / "set")
    if packed:
        path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
        path = path.with_suffix(".jsonl.gz")
    task = loaded(path.parent if by_folder else path, tmp_path)
    assert task.measure == "containment"
    assert len(task.items) == 12
    assert {len(item.given) for item in task.items} == {10}
    assert all(item.gold[0] in item.given for item in task.items)
    assert task.corpus is not None
    assert len(task.corpus.read_text(encoding="utf-8").splitlines()) == 120
    assert loaded(path, tmp_path).corpus == task.corpus


def test_claims_have_the_abstracts_with_evidence_as_gold(tmp_path: Path) -> None:
    claims = [
        {"_id": "1", "text": "A.", "label": "SUPPORT", "evidence": {"d1": {}}, "cited_doc_ids": ["d1", "d2"]},
        {"_id": "2", "text": "B.", "label": "CONTRADICT", "evidence": {"d3": {}}, "cited_doc_ids": ["d3"]},
        {"_id": "3", "text": "C.", "label": "NOT_ENOUGH_INFO", "evidence": {}, "cited_doc_ids": ["d4"]},
    ]
    task = loaded(beir(tmp_path / "b", claims, {"1": ["d1", "d2"], "2": ["d3"], "3": ["d4"]}), tmp_path)
    assert task.measure == "label"
    assert [(item.label, item.gold_ids) for item in task.items] == [("supports", {"d1"}), ("refutes", {"d3"})]
    assert "d2" in task.items[0].related
    assert "1 claims without evidence" in task.note


def test_long_references_are_not_looked_for_as_strings(tmp_path: Path) -> None:
    long = "this reference has many more words than any string that a reader would repeat"
    queries = [
        {"_id": "1", "text": "A?", "answers": [long], "label": "answerable"},
        {"_id": "2", "text": "B?", "answers": [], "label": "unanswerable"},
    ]
    task = loaded(beir(tmp_path / "b", queries, {"1": ["d1"], "2": ["d2"]}), tmp_path)
    assert task.measure == "rouge_l"
    assert [item.id for item in task.items] == ["1"]


def test_own_questions_name_papers_by_id_or_title(tmp_path: Path) -> None:
    index = build_fake_index([Paper("a1", "On Voxels", "We use voxels."), Paper("a2", "On Ink", "Ink dries.")])
    path = lines(
        tmp_path / "own.jsonl",
        {"id": "1", "question": "Which grid?", "gold": ["on voxels"], "facts": [["voxel"]], "history": []},
        {"id": "2", "question": "Does it dry?", "gold": ["a2"], "facts": [["dries"]], "history": []},
        {"id": "3", "question": "And it?", "gold": ["a2"], "facts": [["dries"]], "history": [["a", "b"]]},
        {"id": "4", "question": "Gone?", "gold": ["a9"], "facts": [["x"]], "history": []},
        {"id": "5", "question": "Off topic?", "gold": [], "facts": [], "history": []},
    )
    task = load(path, None, tmp_path, lambda: index)
    assert task.measure == "facts"
    assert [(item.id, item.gold[0].id) for item in task.items] == [("1", "a1"), ("2", "a2")]
    assert "1 questions whose papers are not in the index" in task.note
    with pytest.raises(IndexMissingError):
        load(path, None, tmp_path, no_index)


def test_a_larger_sample_holds_the_smaller_one(tmp_path: Path) -> None:
    task = loaded(given_file(tmp_path), tmp_path)
    few, more = sampled(task, 4, 0), sampled(task, 9, 0)
    assert more[:4] == few
    assert sampled(task, None, 0) != task.items
    assert sampled(task, 4, 1) != few


BROKEN = {
    "nothing": (None, "There is no"),
    "empty": ("", "is empty"),
    "no json": ("{oops\n", "line 1: not JSON"),
    "a list": ("[1]\n", "not a JSON object"),
    "another kind": ('{"foo": 1, "bar": 2}\n', "have bar, foo"),
    "no question": (json.dumps({**record(0), "question": " "}) + "\n", "line 1: no question"),
    "no answer": (json.dumps({**record(0), "answers": []}) + "\n", "line 1: no answer"),
    "numbers": (json.dumps({**record(0), "answers": [3]}) + "\n", "neither a text nor a list"),
    "no gold text": (json.dumps({**record(0), "gold": {"title": "x"}}) + "\n", "a passage without text"),
    "distractors": (json.dumps({**record(0), "distractors": "x"}) + "\n", "no list of distractors"),
    "twice": (json.dumps(record(0)) + "\n" + json.dumps(record(0)) + "\n", "'q0' twice"),
    "one id for two texts": (
        "".join(
            json.dumps({**record(n), "gold": {"id": 1, "text": f"Text {n}."}, "distractors": []}) + "\n" for n in (0, 1)
        ),
        "'1' stands for two texts",
    ),
    "second line": (json.dumps(record(0)) + "\n\n{}\n", "line 3: no question"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, name: str) -> None:
    content, told = BROKEN[name]
    path = tmp_path / "data.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(PaperchatError, match=told) as error:
        loaded(path, tmp_path)
    assert str(error.value).rstrip().endswith(".")


def test_ids_may_be_counted_from_nothing(tmp_path: Path) -> None:
    path = lines(tmp_path / "given.jsonl", *({**record(n), "_id": None, "id": n} for n in range(3)))
    assert [item.id for item in loaded(path, tmp_path).items] == ["0", "1", "2"]


def test_a_query_whose_answers_are_empty_is_left_out(tmp_path: Path) -> None:
    queries = [{"_id": "a", "text": "Why?", "answers": [""]}, {"_id": "b", "text": "Who?", "answers": ["Ada"]}]
    task = loaded(beir(tmp_path, queries, {"a": ["d1"], "b": ["d1"]}), tmp_path)
    assert [item.id for item in task.items] == ["b"]


def test_folders_that_are_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no corpus\.jsonl and no JSON lines file"):
        loaded(tmp_path, tmp_path)
    given_file(tmp_path)
    lines(tmp_path / "other.jsonl", record(1))
    with pytest.raises(UsageError, match="2 JSON lines files"):
        loaded(tmp_path, tmp_path)
    with pytest.raises(UsageError, match="--split is for BEIR"):
        load(tmp_path / "other.jsonl", "test", tmp_path, no_index)


def test_a_beir_folder_without_answers_is_no_use(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="1 questions without an answer"):
        loaded(beir(tmp_path / "b", [{"_id": "1", "text": "A?"}], {"1": ["d1"]}), tmp_path)
