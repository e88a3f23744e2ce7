"""The whole evaluation on fakes, through the command line too."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from eval import indexes, systems
from eval.cli import app
from eval.compare import compare_saved, read_saved
from eval.indexes import Collection, EmbeddedOnce
from eval.metrics import evaluate, parse, ranked
from eval.retrieval import run
from eval.systems import reciprocal_rank_fusion, run_system, searches
from eval.trec import read_qrels, read_run, write_run
from rag import build
from rag.config import Config
from rag.errors import PaperchatError, SourceError, UsageError
from rag.index import Index
from rag.types import Paper
from tests.eval.test_datasets import no_bar
from tests.fakes import FakeEmbedder, FakeGenerator, build_fake_index

TOPICS = {
    "alpha": "Gradient compression reduces the communication of distributed training.",
    "beta": "Retrieval of scientific abstracts profits from fusing words and meaning.",
    "gamma": "Protein folding is predicted from sequence by attention over residues.",
    "delta": "Speech recognition in noisy rooms needs microphones that adapt.",
    "omega": "Attention heads of language models can be pruned without harm.",
}
QUERIES = {
    "q1": "how to compress gradients in distributed training",
    "q2": "fusing words and meaning for retrieval",
    "q3": "predicting protein folding",
    "q4": "   ",
}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "mini set"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": key, "title": f"On {key}", "text": text} for key, text in TOPICS.items()]
    queries = [{"_id": key, "text": text} for key, text in QUERIES.items()]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    gold = zip(QUERIES, ("alpha", "beta", "gamma", "delta"), strict=True)
    lines = ["query-id\tcorpus-id\tscore", *(f"{query}\t{paper}\t1" for query, paper in gold)]
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders of the indexes that were made or opened, all of them in memory."""
    kept: dict[Path, Index] = {}
    folders: list[Path] = []

    def create(config: Config, *_: Any) -> Index:
        folders.append(config.index)
        if not config.index.exists():
            config.index.mkdir(parents=True)
            kept[config.index] = build_fake_index(folder=config.index)
        return kept[config.index]

    def existing(config: Config) -> Index:
        folders.append(config.index)
        config.index.mkdir(parents=True, exist_ok=True)
        return build_fake_index([Paper(key, f"On {key}", text) for key, text in TOPICS.items()], config.index)

    monkeypatch.setattr(build, "build_embedder", lambda config: FakeEmbedder())
    monkeypatch.setattr(build, "create_index", create)
    monkeypatch.setattr(build, "open_index", existing)
    return folders


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["retrieval", *map(str, arguments)])


def failed(*arguments: str | Path) -> str:
    error = called(*arguments).exception
    assert isinstance(error, PaperchatError), error
    return str(error)


def measured(tmp_path: Path, *arguments: str | Path, report: str = "report") -> dict[str, Any]:
    result = called(*arguments, "--report", tmp_path / report, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def collection() -> Collection:
    papers = [Paper(key, f"On {key}", text) for key, text in TOPICS.items()]
    return Collection(Config(), build_fake_index(papers), EmbeddedOnce(FakeEmbedder()))


# --- the command --------------------------------------------------------------------------------


def test_the_report_folder_holds_everything(dataset: Path, opened: list[Path], tmp_path: Path) -> None:
    printed = measured(tmp_path, dataset)
    saved = json.loads((tmp_path / "report" / "retrieval.json").read_text())
    assert {key: value for key, value in saved.items() if key not in ("queries", "per_query")} == printed
    assert [system["name"] for system in printed["systems"]] == ["lexical", "dense", "rrf", "hybrid", "full"]
    assert printed["baseline"] == "rrf"
    for system in printed["systems"]:
        assert system["measures"]["RR"]["value"] == 0.75  # the query without words has no results
        assert system["without_results"] == 1
        assert 0 < system["ms"]["median"] <= system["ms"]["p95"]
        written = read_run(tmp_path / "report" / "runs" / f"{system['name']}.trec")
        values = evaluate(written, read_qrels(dataset / "qrels" / "test.tsv"), parse(["nDCG@10"]))
        assert values.mean("nDCG@10") == pytest.approx(system["measures"]["nDCG@10"]["value"])
    with (tmp_path / "report" / "queries.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row["query_id"] for row in rows] == list(QUERIES)
    assert [row["full:first"] for row in rows] == ["1", "1", "1", ""]
    assert saved["per_query"]["full"]["RR"] == [1, 1, 1, 0]
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Retrieval on mini set, test" in page
    assert page.count("<svg") == 4


def test_a_corpus_is_ingested_once_until_it_changes(dataset: Path, opened: list[Path], tmp_path: Path) -> None:
    assert measured(tmp_path, dataset)["index"]["papers"] == 5
    (folder,) = set(opened)
    assert folder.is_relative_to(tmp_path / "cache" / "eval")
    assert (folder / "complete").exists()
    marked = (folder / "complete").stat().st_mtime_ns
    measured(tmp_path, dataset)
    assert (folder / "complete").stat().st_mtime_ns == marked
    os.utime(dataset / "corpus.jsonl", (1, 1))
    measured(tmp_path, dataset)
    assert len(set(opened)) == 2


def test_an_ingest_that_was_cut_short_is_taken_up_again(dataset: Path, opened: list[Path], tmp_path: Path) -> None:
    measured(tmp_path, dataset, "--configs", "lexical")
    (opened[0] / "complete").unlink()
    assert measured(tmp_path, dataset, "--configs", "lexical")["index"]["papers"] == 5
    assert (opened[0] / "complete").exists()


def test_an_index_of_ones_own_is_searched_instead(dataset: Path, opened: list[Path], tmp_path: Path) -> None:
    (dataset / "corpus.jsonl").unlink()
    result = measured(tmp_path, dataset, "--index", tmp_path / "mine", "--configs", "dense")
    assert set(opened) == {tmp_path / "mine"}
    assert result["baseline"] == "dense"
    assert result["comparisons"] == []


def test_saved_runs_alone_need_no_index_and_no_model(dataset: Path, tmp_path: Path) -> None:
    write_run({"q1": {"alpha": 2.0, "beta": 1.0}}, tmp_path / "a.trec", "a")
    write_run({"q1": {"alpha": 1.0}, "q2": {"gamma": 2.0, "beta": 1.0}}, tmp_path / "b.trec", "b")
    runs = ("--run", f"a={tmp_path / 'a.trec'}", "--run", f"b={tmp_path / 'b.trec'}")
    result = measured(tmp_path, dataset, "--configs", "", *runs, "--baseline", "a", "--measures", "RR, R@1")
    assert [system["measures"]["RR"]["value"] for system in result["systems"]] == [0.25, 0.375]
    assert [system["ms"] for system in result["systems"]] == [None, None]
    (compared, _) = result["comparisons"]
    assert (compared["difference"], compared["better"], compared["worse"], compared["p"]) == (0.125, 1, 0, 1.0)
    assert not (tmp_path / "report" / "runs").exists()


def test_known_items_of_ones_own_index(opened: list[Path], tmp_path: Path) -> None:
    result = measured(tmp_path, "--known-items", "3", "--index", tmp_path / "mine", "--configs", "lexical,full")
    assert result["dataset"]["queries"] == 3
    assert result["systems"][1]["measures"]["R@5"]["value"] == 1.0
    again = measured(
        tmp_path, tmp_path / "report" / "questions", "--index", tmp_path / "mine", "--configs", "full", report="again"
    )
    assert again["systems"][0]["measures"] == result["systems"][1]["measures"]


def test_questions_are_written_by_the_model_where_it_is_asked_to(
    opened: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = FakeGenerator("Which approach works for attention and retrieval over many heads?")
    monkeypatch.setattr(build, "build_generator", lambda config: writer)
    result = measured(tmp_path, "--known-items", "2", "--write-questions", "--configs", "lexical")
    assert "written by fake-model" in result["dataset"]["note"]


def test_held_out_sentences_are_asked_of_an_index_without_them(
    opened: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = {key: f"{text} It was measured on four data sets of common use." for key, text in TOPICS.items()}
    monkeypatch.setattr("tests.eval.test_retrieval.TOPICS", two)
    result = measured(tmp_path, "--known-items", "2", "--questions", "held-out", "--configs", "lexical")
    assert (result["dataset"]["queries"], result["index"]["papers"]) == (2, 5)
    assert "in a copy of the index without them" in result["dataset"]["note"]
    (corpus,) = (tmp_path / "cache" / "eval" / "held-out").glob("*/corpus.jsonl")
    asked = [json.loads(line)["text"] for line in (tmp_path / "report/questions/queries.jsonl").open()]
    assert all(text not in corpus.read_text() for text in asked)
    assert opened[-1] != opened[0]
    assert opened[-1].is_relative_to(tmp_path / "cache")


def test_a_limit_asks_a_part_of_the_queries(dataset: Path, opened: list[Path], tmp_path: Path) -> None:
    assert measured(tmp_path, dataset, "--limit", "2", "--configs", "lexical")["dataset"]["queries"] == 2


def test_without_json_a_table_is_printed(dataset: Path, opened: list[Path], tmp_path: Path) -> None:
    result = called(dataset, "--report", tmp_path / "report", "--configs", "rrf,full", "--measures", "RR")
    assert result.exit_code == 0
    assert "0.750 [" in result.stdout
    assert "full against rrf, RR: +0.000" in result.stdout
    assert "report.html" in result.stdout


def test_wrong_use_is_told_in_one_sentence(dataset: Path, opened: list[Path], tmp_path: Path) -> None:
    write_run({"x": {"alpha": 1.0}}, tmp_path / "other.trec", "a")
    other = f"other={tmp_path / 'other.trec'}"
    assert "--known-items" in failed()
    assert "either" in failed(dataset, "--known-items", "3")
    assert "--write-questions" in failed(dataset, "--write-questions")
    assert "title, sentence, held-out, model" in failed("--known-items", "3", "--questions", "poem")
    assert "Unknown configuration 'bm25'" in failed(dataset, "--configs", "bm25")
    assert "Nothing is to be measured" in failed(dataset, "--configs", "")
    assert "does not take part" in failed(dataset, "--configs", "full", "--baseline", "dense")
    assert "NAME=FILE" in failed(dataset, "--run", "file.trec")
    assert "Two runs are called 'other'" in failed(dataset, "--run", other, "--run", other)
    assert "Two runs are called 'full'" in failed(dataset, "--run", f"full={tmp_path / 'other.trec'}")
    assert "no query id" in failed(dataset, "--configs", "", "--run", other)
    assert "no measure" in failed(dataset, "--measures", "nDGC@10")
    assert opened == []


def test_an_index_without_the_relevant_papers_is_told(dataset: Path, opened: list[Path]) -> None:
    (dataset / "qrels" / "test.tsv").write_text("q1\tx\t1\n")
    assert "none of the relevant papers" in failed(dataset, "--index", "mine")
    assert isinstance(called(dataset, "--index", "mine").exception, UsageError)


def test_relevant_papers_that_the_index_lacks_are_told(
    dataset: Path, opened: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (dataset / "qrels" / "test.tsv").open("a") as file:
        file.write("q1\tunknown\t1\n")
    measured(tmp_path, dataset, "--configs", "lexical")
    assert "1 of 5 relevant papers are not in the index, as unknown" in caplog.text


def test_a_report_folder_that_cannot_be_written_is_told(dataset: Path, opened: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = called(dataset, "--report", tmp_path / "file", "--configs", "lexical").exception
    assert isinstance(error, UsageError)
    assert "cannot be written" in str(error)


# --- configurations -----------------------------------------------------------------------------


def test_every_configuration_is_what_its_name_says() -> None:
    over = collection()
    search = searches(over)
    query = "attention in language models"
    assert search["lexical"](query, 3) == over.index.terms.query(query, 3)
    assert search["dense"](query, 5)[0][0] == "omega"
    fused = reciprocal_rank_fusion([search["lexical"](query, 5), search["dense"](query, 5)])
    assert search["rrf"](query, 5) == fused
    pipeline = build.assemble(over.config, over.index, over.embedder, None)
    assert [key for key, _ in search["full"](query, 5)] == [p.paper.id for p in pipeline.search(query, 5).ranked]
    assert len(search["hybrid"](query, 2)) == 2


def test_reciprocal_rank_fusion_by_hand() -> None:
    fused = reciprocal_rank_fusion([[("a", 9.0), ("b", 8.0)], [("b", 0.3), ("c", 0.2)]])
    assert fused == [("b", 1 / 62 + 1 / 61), ("a", 1 / 61), ("c", 1 / 62)]


def test_each_query_is_embedded_once_for_all_configurations() -> None:
    embedder = FakeEmbedder()
    asked: list[str] = []
    embed = embedder.embed_query
    embedder.embed_query = lambda text: asked.append(text) or embed(text)  # type: ignore[method-assign, func-returns-value]
    over = replace(collection(), embedder=EmbeddedOnce(embedder))
    queries = {key: text.strip() for key, text in QUERIES.items()}
    assert len(indexes.embed_queries(over, queries, no_bar)) == 3
    for name, search in searches(over).items():
        run_system(name, search, queries, 5, no_bar)
    assert sorted(asked) == sorted(filter(None, queries.values()))


def test_a_run_keeps_the_order_that_users_see() -> None:
    found = run_system("x", lambda query, k: [("b", 1.0), ("a", 1.0), ("c", 7.0)], {"q": "?"}, 10, no_bar)
    assert ranked(found.run["q"]) == ["b", "a", "c"]
    assert systems.percentiles([1.0, 2.0, 3.0])["median"] == 2.0


# --- comparing ----------------------------------------------------------------------------------


@pytest.fixture
def two_reports(dataset: Path, opened: list[Path], tmp_path: Path) -> tuple[Path, Path]:
    measured(tmp_path, dataset, "--configs", "lexical,rrf", report="first")
    write_run({"q1": {"beta": 2.0, "alpha": 1.0}, "q2": {"beta": 1.0}}, tmp_path / "w.trec", "w")
    measured(tmp_path, dataset, "--configs", "rrf", "--run", f"worse={tmp_path / 'w.trec'}", report="second")
    return tmp_path / "first", tmp_path / "second" / "retrieval.json"


def test_two_saved_reports_are_compared_by_query(two_reports: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = two_reports
    arguments = ["compare", str(first), str(second), "--report", str(tmp_path / "both")]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.exception
    printed = json.loads(result.stdout)
    assert {c["system"] for c in printed["comparisons"]} == {"B: rrf"}
    assert all(c["difference"] == 0 and c["p"] == 1 for c in printed["comparisons"])
    named = CliRunner().invoke(app, [*arguments, "--system", "lexical=worse"])
    assert "B: worse against A: lexical, nDCG@10: -0.34" in named.stdout
    assert "Two evaluations on mini set" in (tmp_path / "both" / "report.html").read_text()
    assert json.loads((tmp_path / "both" / "comparison.json").read_text())["queries"] == 4


def test_reports_share_queries_in_any_order(two_reports: tuple[Path, Path]) -> None:
    first, second = (read_saved(path) for path in two_reports)
    turned = json.loads(two_reports[1].read_text())
    for key in ("queries",):
        turned[key] = [*turned[key][::-1], "q99"]
    for columns in turned["per_query"].values():
        for name, values in columns.items():
            columns[name] = [*values[::-1], 1.0]
    compared = compare_saved(first, replace(second, result=turned), ["rrf"])
    assert compared["left_out"] == 1
    assert all(c["difference"] == 0 for c in compared["comparisons"])


def test_reports_that_cannot_be_compared_are_told(two_reports: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = (read_saved(path) for path in two_reports)
    with pytest.raises(UsageError, match="no configuration 'best'"):
        compare_saved(first, second, ["best"])
    alone = replace(first, result={**first.result, "systems": first.result["systems"][:1]})
    with pytest.raises(UsageError, match="--system"):
        compare_saved(alone, second)
    with pytest.raises(UsageError, match="no measure"):
        compare_saved(first, replace(second, result={**second.result, "measures": ["RBP"]}))
    with pytest.raises(UsageError, match="no query"):
        compare_saved(first, replace(second, result={**second.result, "queries": ["other"]}))
    for text in ("{", "[]", '{"format": "other"}'):
        (tmp_path / "broken.json").write_text(text)
        with pytest.raises(SourceError, match="not a report"):
            read_saved(tmp_path / "broken.json")
    with pytest.raises(SourceError, match="cannot be read"):
        read_saved(tmp_path / "gone.json")


def test_the_function_alone_gives_what_the_file_holds(dataset: Path, opened: list[Path], tmp_path: Path) -> None:
    from eval.retrieval import Options

    result = run(Options(tmp_path / "r", str(dataset), configs=("lexical",)), Config.load())
    assert result == json.loads((tmp_path / "r" / "retrieval.json").read_text())
