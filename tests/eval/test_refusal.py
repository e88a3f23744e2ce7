"""Refusals measured on fakes, through the command line too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from eval import indexes, refusal_cases
from eval.cli import app
from eval.indexes import Collection, EmbeddedOnce
from eval.refusal_cases import NEVER, PartialIndex, decided, forced, from_beir, from_questions, unanswerable
from rag import build
from rag.config import Config
from rag.errors import UsageError
from rag.types import Paper
from tests.eval.test_datasets import no_bar
from tests.eval.test_retrieval import TOPICS
from tests.fakes import FakeEmbedder, build_fake_index

PAPERS = [Paper(key, f"On {key}", text) for key, text in TOPICS.items()]
COVERED = "How does gradient compression reduce communication in distributed training?"
QUESTIONS = [
    {"id": "1", "kind": "fact", "question": COVERED, "gold": ["alpha"], "facts": []},
    {"id": "2", "kind": "fact", "question": "How is protein folding predicted from sequence?", "gold": ["On gamma"]},
    {"id": "3", "kind": "absent", "question": "Which cheese ripens in caves?", "gold": []},
    {"id": "4", "kind": "talk", "question": "Hello!", "gold": []},
]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was opened: 'index' or a corpus, always the same five papers in memory."""
    names: list[str] = []

    def collection(config: Config) -> Collection:
        names.append("index")
        return Collection(config, build_fake_index(PAPERS), EmbeddedOnce(FakeEmbedder()))

    def ingested(corpus: Path, config: Config, bar: Any) -> Collection:
        names.append(corpus.name)
        return Collection(config, build_fake_index(PAPERS), EmbeddedOnce(FakeEmbedder()))

    monkeypatch.setattr(indexes, "open_collection", collection)
    monkeypatch.setattr(indexes, "ingested", ingested)
    return names


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def beir(folder: Path, *, labelled: bool = False) -> Path:
    (folder / "qrels").mkdir(parents=True)
    queries = [{"_id": "q1", "text": COVERED}, {"_id": "q2", "text": "Which cheese ripens in caves?"}]
    if labelled:
        queries[1]["label"] = "unanswerable"
    written(folder / "queries.jsonl", *queries)
    written(folder / "corpus.jsonl", *({"_id": p.id, "title": p.title, "text": p.abstract} for p in PAPERS))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\talpha\t1\n")
    return folder


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["refusal", *map(str, arguments)])


def measured(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    result = called(*arguments, "--report", folder / "report", "--json")
    assert result.exit_code == 0, result.exception
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def test_a_file_of_questions_over_ones_own_index(tmp_path: Path, opened: list[str]) -> None:
    result = measured(tmp_path, written(tmp_path / "q.jsonl", *QUESTIONS))
    assert opened == ["index"]
    assert result["counts"] == {
        "questions": 4, "answerable": 2, "unanswerable": 2, "refused": 2, "refused_right": 2, "refused_wrong": 0,
        "refused_by_rule": 1,
    }  # fmt: skip
    assert result["measures"]["precision"]["value"] == result["measures"]["recall"]["value"] == 1.0
    assert result["measures"]["risk"]["value"] == 0.0
    saved = json.loads((tmp_path / "report" / "refusal.json").read_text())
    assert [row["is_refused"] for row in saved["rows"]] == [False, False, True, True]
    lines = [line.split("\t") for line in (tmp_path / "report" / "questions.tsv").read_text().splitlines()]
    assert [line[0] for line in lines] == ["id", "1", "2", "3", "4"]
    page = ElementTree.fromstring((tmp_path / "report" / "report.html").read_text().removeprefix("<!DOCTYPE html>\n"))
    told = "".join(page.itertext())
    assert all(words in told for words in ("Risk against coverage", "By kind of question", "(in use"))


def test_another_threshold_is_judged_on_the_same_answers(tmp_path: Path, opened: list[str]) -> None:
    questions = written(tmp_path / "q.jsonl", *QUESTIONS)
    result = measured(tmp_path, questions, "--refuse-below", "1.9")
    assert result["measures"]["wrong_refusals"]["value"] == 1.0
    assert result["threshold"] == 1.9
    # What the best threshold makes of it is what setting it makes of it.
    best = measured(tmp_path, questions)["best_threshold"]
    again = measured(tmp_path, questions, "--refuse-below", str(best))
    assert again["measures"]["wrong_refusals"]["value"] == 0.0
    assert again["measures"]["recall"]["value"] == 1.0


def test_what_counts_as_refused_is_what_the_program_refuses(opened: list[str]) -> None:
    """The threshold applied afterwards gives the refusals that the pipeline itself gives."""
    for below in (0.2, Config().refuse_below, 0.6, 0.9):
        index = PartialIndex(build_fake_index(PAPERS))
        config = Config(refuse_below=below)
        pipeline = build.assemble(forced(config), index, FakeEmbedder(), None)
        cases = [
            refusal_cases.Case(q["id"], q["id"], "", q["question"], frozenset(q["gold"]))  # type: ignore[arg-type]
            for q in QUESTIONS
        ]
        own = build.assemble(config, build_fake_index(PAPERS), FakeEmbedder(), None)
        ours = [d.is_refused for d in decided(cases, index, pipeline, below, no_bar)]
        assert ours == [own.ask(case.text).mode == "refused" for case in cases]


def test_a_beir_folder_is_asked_with_and_without_the_gold_papers(tmp_path: Path, opened: list[str]) -> None:
    result = measured(tmp_path, beir(tmp_path / "set"))
    assert opened == ["corpus.jsonl"]
    assert list(result["by_kind"]) == ["answerable", "gold left out"]
    rows = json.loads((tmp_path / "report" / "refusal.json").read_text())["rows"]
    assert [(row["group"], row["is_answerable"]) for row in rows] == [("q1", True), ("q1", False)]
    assert rows[0]["is_right"]
    assert not rows[1]["is_right"]
    assert rows[0]["score"] > rows[1]["score"]
    assert measured(tmp_path, tmp_path / "set", "--index", "mine")["index"]["papers"] == 5
    assert opened[-1] == "index"


def test_labelled_queries_and_files_of_unanswerable_ones_take_part(tmp_path: Path, opened: list[str]) -> None:
    folder = beir(tmp_path / "set", labelled=True)
    assert list(measured(tmp_path, folder)["by_kind"]) == ["answerable", "unanswerable"]
    more = written(tmp_path / "more.jsonl", {"_id": "x", "text": "Who won?"}, {"question": "Which cheese?"})
    both = measured(tmp_path, folder, "--unanswerable", more, "--leave-gold-out")
    assert {kind: counts["questions"] for kind, counts in both["by_kind"].items()} == {
        "answerable": 1, "unanswerable": 1, "more": 2, "gold left out": 1,
    }  # fmt: skip
    assert measured(tmp_path, folder, "--unanswerable", more, "--limit", "1")["counts"]["questions"] == 2


def test_a_paper_that_is_left_out_is_found_by_neither_way_and_comes_back() -> None:
    index = PartialIndex(build_fake_index(PAPERS))
    pipeline = build.assemble(Config(), index, FakeEmbedder(), None)
    everyone = [passage.paper.id for passage in pipeline.search(COVERED, 5).ranked]
    with index.without(["alpha"]):
        assert [p for p, _ in index.terms.query(COVERED, 1)] != ["alpha"]
        assert len(index.vectors.query(FakeEmbedder().embed_query(COVERED), 4)) == 4
        assert index.catalog.get(["alpha", "beta"]).keys() == {"beta"}
        found = [passage.paper.id for passage in pipeline.search(COVERED, 5).ranked]
        assert sorted(found) == sorted(set(everyone) - {"alpha"})
    assert [passage.paper.id for passage in pipeline.search(COVERED, 5).ranked] == everyone


def test_a_search_without_papers_is_a_search_of_an_index_that_never_had_them() -> None:
    partial = PartialIndex(build_fake_index(PAPERS))
    never = build_fake_index([paper for paper in PAPERS if paper.id != "beta"])
    query = "fusing words and meaning of scientific abstracts"
    with partial.without(["beta"]):
        ours = build.assemble(Config(), partial, FakeEmbedder(), None).search(query, 4)
    theirs = build.assemble(Config(), never, FakeEmbedder(), None).search(query, 4)
    assert [p.paper.id for p in ours.ranked] == [p.paper.id for p in theirs.ranked]
    assert [p.similarity for p in ours.ranked] == pytest.approx([p.similarity for p in theirs.ranked])


def test_nothing_found_at_all_is_below_any_threshold() -> None:
    index = PartialIndex(build_fake_index(PAPERS[:1]))
    pipeline = build.assemble(forced(Config()), index, FakeEmbedder(), None)
    case = refusal_cases.Case("1", "1", "", COVERED, frozenset(), left_out=frozenset({"alpha"}))
    (decision,) = decided([case], index, pipeline, 0.1, no_bar)
    assert (decision.score, decision.is_refused) == (NEVER, True)


def test_questions_keep_their_history(tmp_path: Path) -> None:
    row = {**QUESTIONS[0], "history": [["Hi", "Hello"]]}
    (case,) = from_questions(written(tmp_path / "q.jsonl", row))
    assert (case.history, case.gold) == ((("Hi", "Hello"),), frozenset({"alpha"}))


def test_wrong_use_is_told_in_one_sentence(tmp_path: Path, opened: list[str]) -> None:
    def failed(*arguments: str | Path) -> str:
        error = called(*arguments, "--report", tmp_path / "r").exception
        assert isinstance(error, UsageError), error
        return str(error)

    questions = written(tmp_path / "q.jsonl", *QUESTIONS)
    assert "--split is for BEIR folders" in failed(questions, "--split", "test")
    assert "Every question is answerable" in failed(written(tmp_path / "a.jsonl", QUESTIONS[0]), "--keep-gold")
    gone = {**QUESTIONS[0], "gold": ["no such paper"]}
    assert "1 gold papers are not in the index" in failed(written(tmp_path / "b.jsonl", gone), "--leave-gold-out")
    assert "question 1" in failed(written(tmp_path / "c.jsonl", {"question": "?"}))
    assert "neither" in failed(questions, "--unanswerable", written(tmp_path / "d.jsonl", {"id": "1"}))
    assert "cannot be read" in failed(tmp_path / "gone.jsonl")
    assert "no judgements" in failed(beir(tmp_path / "set"), "--split", "train")
    assert [case.id for case in unanswerable(written(tmp_path / "e.jsonl", {"text": "?"}))] == ["e-1"]
    assert from_beir(tmp_path / "set", None, no_bar, tmp_path)[1].name == "corpus.jsonl"
