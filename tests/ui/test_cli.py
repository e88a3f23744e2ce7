"""The command line over fake models and stores: what it prints, where, and how it ends."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rag import build
from rag.adapters.catalog import SqliteCatalog
from rag.errors import GenerationError
from rag.index import Index, Manifest
from rag.tuning.train import Progress
from tests.fakes import FakeEmbedder, FakeGenerator, FakeTermIndex, FakeVectorStore
from ui import cli, tuning

PAPERS = [
    {
        "_id": "lora",
        "title": "LoRA: Low-Rank Adaptation",
        "text": "Low-rank adaptation freezes the weights of a language model. It trains small matrices instead.",
        "date": "2021-06-17",
    },
    {
        "_id": "whales",
        "title": "Songs of Whales",
        "text": "Humpback whales sing songs for many hours. Their songs change from year to year.",
        "date": "2023-01-02",
    },
]
QUESTION = "What do humpback whales sing?"
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
SENTENCE = "Humpback whales sing songs for many hours [1]."


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that tells what went wrong; progress bars apart."""
        lines = [line.strip() for line in self.err.replace("\r", "\n").splitlines()]
        told = [line for line in lines if line and "B/s]" not in line and "/s]" not in line and "it]" not in line]
        assert len(told) == 1, self.err
        assert "Traceback" not in self.err
        assert told[0].startswith("Error: ")
        assert told[0].endswith((".", "?")), told[0]
        return told[0]

    @property
    def value(self) -> Any:
        """Standard output, which must be one JSON value and nothing else."""
        return json.loads(self.out)


@dataclass
class Fakes:
    """What stands in for the models; `used` lists what was loaded."""

    embedder: FakeEmbedder
    generator: FakeGenerator
    used: list[str]


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    made = Fakes(FakeEmbedder(), FakeGenerator(SENTENCE), [])
    opened: dict[Path, Index] = {}

    def open_(folder: Path, manifest: Manifest) -> Index:
        catalog = SqliteCatalog(folder / manifest.stores / build.CATALOG)
        return opened.setdefault(
            folder / manifest.stores, Index(folder, manifest, FakeVectorStore(), FakeTermIndex(), catalog)
        )

    def load(name: str) -> Callable[[Any], Any]:
        def loader(config: Any) -> Any:
            made.used.append(name)
            return getattr(made, name)

        return loader

    monkeypatch.setattr(build, "open_stores", open_)
    monkeypatch.setattr(build, "embedding_name", lambda config: FakeEmbedder.name)
    monkeypatch.setattr(build, "build_embedder", load("embedder"))
    monkeypatch.setattr(build, "build_generator", load("generator"))
    return made


@pytest.fixture
def paperchat(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["paperchat", *map(str, arguments)])
        # `basicConfig` does nothing where pytest has set up logging; the root level it would set must not stay.
        level = logging.getLogger().level
        capsys.readouterr()
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            logging.getLogger().setLevel(level)
        captured = capsys.readouterr()
        code = ended.value.code
        return Result(code if isinstance(code, int) else int(code is not None), captured.out, captured.err)

    return run


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return jsonl(tmp_path / "corpus.jsonl", *PAPERS)


@pytest.fixture
def filled(paperchat: Callable[..., Result], corpus: Path, fakes: Fakes) -> Callable[..., Result]:
    """The command, with an index that holds the papers."""
    assert paperchat("ingest", corpus).code == 0
    fakes.used.clear()
    return paperchat


def jsonl(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


# --- ingest --------------------------------------------------------------------------------------------


def test_ingest_prints_the_counts(paperchat, corpus: Path) -> None:
    result = paperchat("ingest", corpus)
    assert result.code == 0
    assert "Read 2: 2 new, 0 updated, 0 unchanged, 0 duplicates, 0 rejected." in result.out
    assert "holds 2 papers" in result.out


def test_ingest_as_json_has_the_contract_s_keys(paperchat, tmp_path: Path) -> None:
    corpus = jsonl(tmp_path / "corpus.jsonl", *PAPERS, {"_id": "x", "title": "No text"})
    report = paperchat("ingest", corpus, "--json").value
    assert report["rejected"] == [{"source": str(corpus), "where": "line 3", "reason": report["rejected"][0]["reason"]}]
    assert {name: report[name] for name in ("read", "new", "updated", "unchanged", "duplicates")} == {
        "read": 3,
        "new": 2,
        "updated": 0,
        "unchanged": 0,
        "duplicates": 0,
    }
    assert (report["papers_in_index"], report["chunks_in_index"]) == (2, 2)
    assert report["seconds"] >= 0


def test_rejected_records_are_named_with_place_and_reason(paperchat, tmp_path: Path) -> None:
    corpus = jsonl(tmp_path / "corpus.jsonl", *PAPERS, {"_id": "x", "title": "No text"})
    result = paperchat("ingest", corpus)
    assert result.code == 0
    assert f"rejected: {corpus}, line 3: no abstract" in result.out


def test_a_second_ingest_loads_no_model(filled, corpus: Path, fakes: Fakes) -> None:
    assert filled("ingest", corpus, "--json").value["unchanged"] == 2
    assert fakes.used == []


def test_ingest_alone_takes_the_samples_and_says_that_they_are_digests(paperchat) -> None:
    result = paperchat("ingest")
    assert "90 new" in result.out
    assert "digests in our own words" in result.out


# --- search --------------------------------------------------------------------------------------------


def test_search_ranks_papers(filled) -> None:
    found = filled("search", "humpback whales", "--json").value
    assert [row["rank"] for row in found] == list(range(1, len(found) + 1))
    assert found[0]["paper_id"] == "whales"
    assert found[0]["title"] == "Songs of Whales"
    assert found[0]["best_sentence"] == "Humpback whales sing songs for many hours."
    assert (found[0]["dense_rank"], found[0]["lexical_rank"]) == (1, 1)
    assert set(found[0]) >= {"rank", "paper_id", "title", "score", "dense_rank", "lexical_rank", "best_sentence"}


def test_search_prints_titles_in_order(filled) -> None:
    result = filled("search", "humpback whales")
    assert result.out.splitlines()[0].startswith("  1. Songs of Whales")


def test_search_by_words_alone_leaves_meaning_out(filled) -> None:
    found = filled("search", "whales", "--retriever", "lexical", "--json").value
    assert [row["paper_id"] for row in found] == ["whales"]
    assert found[0]["dense_rank"] is None


def test_k_limits_the_papers(filled) -> None:
    assert len(filled("search", "songs language", "--json").value) == 2
    assert len(filled("search", "songs language", "--k", 1, "--json").value) == 1


def test_search_loads_no_language_model(filled, fakes: Fakes) -> None:
    filled("search", "whales")
    assert fakes.used == ["embedder"]


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused_by_every_command_that_takes_it(filled, k: int) -> None:
    for command in (("search", "whales"), ("ask", QUESTION)):
        result = filled(*command, f"--k={k}", "--json")
        assert result.code == 2, (command, result.out)
        assert result.out == ""
        assert str(k) in result.error


def test_conditions_narrow_a_search_and_are_shown(filled) -> None:
    every = {row["paper_id"]: row for row in filled("search", "attention", "--json", "--no-filters").value}
    shown = filled("search", "attention", "--where", "year>=1990,author=Nobody").out
    assert "Filters: since 1990; by Nobody" in shown and "No paper since 1990, by Nobody in this collection" in shown
    assert filled("search", "attention", "--where", "author=Nobody", "--json").value == []
    assert every


def test_a_condition_with_an_unknown_key_names_the_nearest(filled) -> None:
    for command in ("search", "ask"):
        result = filled(command, "attention", "--where", "autor=Smith")
        assert result.code == 2
        assert "Did you mean 'author'" in result.error


def test_a_question_to_the_records_is_answered_without_the_model(filled, fakes: Fakes) -> None:
    answer = filled("ask", "How many papers are there?", "--json").value
    assert (answer["mode"], answer["filters"]) == ("quoted", {})
    assert answer["sentences"][0]["recorded"] and answer["answer"].startswith("This collection holds")
    assert fakes.generator.prompts == []


def test_many_queries_become_a_trec_run(filled, tmp_path: Path) -> None:
    queries = jsonl(tmp_path / "q.jsonl", {"_id": "7", "text": "whales"}, {"_id": "8", "text": "language model"})
    run = tmp_path / "run.trec"
    assert filled("search", "--input", queries, "--output", run, "--k", 1).code == 0
    rows = [line.split() for line in run.read_text(encoding="utf-8").splitlines()]
    assert [(row[0], row[1], row[2], row[3], row[5]) for row in rows] == [
        ("7", "Q0", "whales", "1", "paperchat"),
        ("8", "Q0", "lora", "1", "paperchat"),
    ]
    assert all(float(row[4]) > 0 for row in rows)


def test_a_bad_query_line_is_named_and_no_run_is_left_behind(filled, tmp_path: Path) -> None:
    queries = jsonl(tmp_path / "q.jsonl", {"_id": "7", "text": "whales"}, {"_id": "8"})
    run = tmp_path / "run.trec"
    result = filled("search", "--input", queries, "--output", run)
    assert result.code == 2
    assert "line 2" in result.error
    assert not run.exists()


# --- ask -----------------------------------------------------------------------------------------------


def test_an_answer_as_json_has_the_contract_s_keys(filled) -> None:
    answer = filled("ask", QUESTION, "--json").value
    assert set(answer) >= {
        "id", "question", "standalone_question", "filters", "answer", "mode", "refusal", "sentences", "citations",
        "retrieved", "timings", "model", "index",
    }  # fmt: skip
    assert answer["question"] == QUESTION
    assert answer["mode"] == "generated"
    assert answer["refusal"] is None
    assert answer["model"] == "fake-model"
    assert answer["index"]["papers"] == 2
    (citation, *_) = answer["citations"]
    assert citation["paper_id"] == "whales"
    assert set(citation) >= {"number", "paper_id", "title", "date", "url", "evidence"}
    for sentence in answer["sentences"]:
        assert set(sentence["support"]) >= {"verdict", "score", "evidence", "paper_id"}
    assert set(answer["retrieved"][0]) >= {
        "paper_id", "title", "score", "dense_rank", "lexical_rank", "rank", "prompt_position", "cited",
    }  # fmt: skip
    assert set(answer["timings"]) >= {"retrieve_ms", "first_token_ms", "total_ms"}


def test_an_answer_on_the_terminal_ends_with_its_sources(filled) -> None:
    result = filled("ask", QUESTION)
    assert result.code == 0
    assert result.out.startswith("Humpback whales sing songs for many hours. [1]\n")
    assert result.out.splitlines()[-1].startswith("  [1] Songs of Whales (2023-01-02)")


def test_a_sentence_that_nothing_supports_is_not_shown(filled, fakes: Fakes) -> None:
    fakes.generator.pieces = ["Whales were first heard by Napoleon in 1812 [1]."]
    result = filled("ask", QUESTION)
    assert "Napoleon" not in result.out
    assert "1 sentence of the model withheld" in result.out


def test_without_generation_no_language_model_is_loaded_and_abstracts_are_quoted(filled, fakes: Fakes) -> None:
    answer = filled("ask", QUESTION, "--no-generate", "--json").value
    assert answer["mode"] == "quoted"
    assert "“Humpback whales sing songs for many hours.”" in answer["answer"]
    assert fakes.used == ["embedder"]


def test_an_off_topic_question_is_refused_with_the_nearest_papers(filled) -> None:
    answer = filled("ask", "Which recipe for apple pie needs the most butter?", "--json").value
    assert answer["mode"] == "refused"
    assert answer["sentences"] == []
    assert answer["citations"] == []
    assert {paper["paper_id"] for paper in answer["refusal"]["nearest"]} <= {"lora", "whales"}
    assert answer["answer"] == answer["refusal"]["message"]


def test_history_makes_a_follow_up_stand_alone(filled, tmp_path: Path) -> None:
    history = tmp_path / "history.json"
    history.write_text(json.dumps([["What does LoRA freeze?", "LoRA freezes weights [1]."]]), encoding="utf-8")
    answer = filled("ask", "And what does it train instead?", "--history", history, "--json").value
    assert answer["question"] == "And what does it train instead?"
    assert "LoRA" in answer["standalone_question"]


def test_a_follow_up_s_search_is_shown(filled, tmp_path: Path) -> None:
    history = tmp_path / "history.json"
    history.write_text(json.dumps([["What does LoRA freeze?", "LoRA freezes weights [1]."]]), encoding="utf-8")
    result = filled("ask", "And what does it train instead?", "--history", history)
    assert result.out.startswith("Searched for: ")
    assert "LoRA" in result.out.splitlines()[0]


@pytest.mark.parametrize("text", ["", "not json", "5", '{"a": "b"}', '[["only one"]]'])
def test_a_history_that_is_none_is_refused(filled, tmp_path: Path, text: str) -> None:
    history = tmp_path / "history.json"
    history.write_text(text, encoding="utf-8")
    result = filled("ask", QUESTION, "--history", history, "--json")
    assert (result.code, result.out) == (2, "")
    assert "history.json is no history" in result.error


def test_a_failing_model_is_one_sentence_and_exit_code_one(filled, fakes: Fakes) -> None:
    fakes.generator.fail_after = 0
    result = filled("ask", QUESTION, "--json")
    assert (result.code, result.out) == (1, "")
    assert "The model failed while writing" in result.error


# --- ask from a file -----------------------------------------------------------------------------------


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return jsonl(
        tmp_path / "questions.jsonl",
        {"id": "a", "question": QUESTION},
        {"id": "b", "question": "And what do they change?", "history": [[QUESTION, "Songs."]]},
        {"id": "c", "question": "What does low-rank adaptation train?"},
    )


def test_a_file_of_questions_is_answered_in_order_with_one_load(filled, questions, tmp_path: Path, fakes) -> None:
    output = tmp_path / "answers.jsonl"
    result = filled("ask", "--input", questions, "--output", output)
    assert (result.code, result.out) == (0, "")
    answers = lines(output)
    assert [answer["id"] for answer in answers] == ["a", "b", "c"]
    assert "whales" in answers[1]["standalone_question"].lower()
    assert fakes.used == ["embedder", "generator"]


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_run_cut_off_goes_on_where_it_stopped(filled, questions, tmp_path: Path, fakes, cut: int) -> None:
    output = tmp_path / "answers.jsonl"
    filled("ask", "--input", questions, "--output", output)
    whole = output.read_text(encoding="utf-8").splitlines(keepends=True)
    output.write_text(whole[0] + whole[1][: cut if cut >= 0 else len(whole[1]) - 1], encoding="utf-8")
    fakes.generator.prompts.clear()
    assert filled("ask", "--input", questions, "--output", output).code == 0
    assert [answer["id"] for answer in lines(output)] == ["a", "b", "c"]
    assert lines(output)[0]["answer"] == json.loads(whole[0])["answer"]
    assert output.read_text(encoding="utf-8").splitlines(keepends=True)[0] == whole[0]


def test_a_finished_run_is_left_as_it_is(filled, questions, tmp_path: Path, fakes) -> None:
    output = tmp_path / "answers.jsonl"
    filled("ask", "--input", questions, "--output", output)
    before = output.read_bytes()
    fakes.used.clear()
    result = filled("ask", "--input", questions, "--output", output)
    assert result.code == 0
    assert "All 3 questions are answered" in result.err
    assert output.read_bytes() == before
    assert fakes.used == []


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085"])
def test_a_line_separator_inside_a_question_is_no_end_of_its_line(filled, tmp_path: Path, separator: str) -> None:
    asked = {"id": "a", "question": f"What do{separator}humpback whales sing?"}
    questions = jsonl(tmp_path / "q.jsonl", asked, {"id": "b", "question": QUESTION})
    output = tmp_path / "answers.jsonl"
    assert filled("ask", "--input", questions, "--output", output).code == 0
    before = output.read_bytes()
    result = filled("ask", "--input", questions, "--output", output)
    assert result.code == 0
    assert "All 2 questions are answered" in result.err
    assert output.read_bytes() == before


@pytest.mark.parametrize("text", ["My thesis, chapter one.\n", "[1, 2]\n", '{"id": "z"\nnot json at all\n'])
def test_a_file_that_holds_no_answers_is_never_overwritten(filled, questions, tmp_path: Path, text: str) -> None:
    output = tmp_path / "thesis.md"
    output.write_text(text, encoding="utf-8")
    result = filled("ask", "--input", questions, "--output", output)
    assert output.read_text(encoding="utf-8").startswith(text)
    assert result.code == 2
    assert "thesis.md" in result.error


def test_one_question_that_cannot_be_answered_costs_no_other(filled, tmp_path: Path) -> None:
    rows = [{"id": "a", "question": QUESTION}, {"id": "b", "question": "x" * 5000}, {"id": "c", "question": QUESTION}]
    output = tmp_path / "answers.jsonl"
    assert filled("ask", "--input", jsonl(tmp_path / "q.jsonl", *rows), "--output", output).code == 0
    first, second, third = lines(output)
    assert first["mode"] == third["mode"] == "generated"
    assert second["id"] == "b"
    assert "5,000 characters" in second["error"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no question"),
        ('{"id": "a", "question": "Why?"}\n{"id": "b"}\n', "line 2"),
        ("[1]\n", "line 1"),
        ("Why?\n", "line 1"),
        ('{"id": "a", "question": "Why?", "history": [["x"]]}\n', "line 1"),
    ],
)
def test_a_bad_file_of_questions_is_refused_before_a_model_is_loaded(
    filled, tmp_path: Path, fakes: Fakes, text: str, told: str
) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(text, encoding="utf-8")
    result = filled("ask", "--input", path, "--output", tmp_path / "out.jsonl")
    assert result.code == 2
    assert told in result.error
    assert fakes.used == []


# --- papers and status ---------------------------------------------------------------------------------


def test_papers_are_listed_newest_first(filled) -> None:
    rows = filled("papers", "list", "--json").value
    assert [row["paper_id"] for row in rows] == ["whales", "lora"]
    assert set(rows[0]) >= {"paper_id", "title", "date", "authors", "venue"}
    assert "abstract" not in rows[0]
    printed = filled("papers", "list").out.splitlines()
    assert printed[0].split()[:2] == ["2023-01-02", "whales"]


def test_a_paper_is_shown_whole(filled) -> None:
    record = filled("papers", "show", "lora", "--json").value
    assert record["paper_id"] == "lora"
    assert record["abstract"] == PAPERS[0]["text"]
    assert record["title"] == PAPERS[0]["title"]
    assert PAPERS[0]["text"] in filled("papers", "show", "lora").out


def test_an_unknown_paper_is_wrong_use(filled) -> None:
    result = filled("papers", "show", "nobody", "--json")
    assert (result.code, result.out) == (2, "")
    assert "'nobody'" in result.error


def test_a_deleted_paper_is_found_no_more(filled) -> None:
    assert filled("papers", "delete", "whales", "nobody", "--json").value == {"deleted": 1, "papers_in_index": 1}
    assert [row["paper_id"] for row in filled("papers", "list", "--json").value] == ["lora"]
    assert [row["paper_id"] for row in filled("search", "humpback whales", "--json").value] == ["lora"]


def test_a_deleted_paper_can_be_ingested_again(filled, corpus: Path) -> None:
    filled("papers", "delete", "whales")
    assert filled("ingest", corpus, "--json").value["new"] == 1


def test_status_tells_what_built_the_index(filled, fakes: Fakes) -> None:
    status = filled("status", "--json").value
    assert (status["papers"], status["chunks"]) == (2, 2)
    assert (status["embedding_model"], status["dimension"]) == (FakeEmbedder.name, FakeEmbedder.dimension)
    assert fakes.used == []
    assert "2 papers in 2 chunks" in filled("status").out


def test_two_indexes_do_not_mix(filled, tmp_path: Path) -> None:
    other = jsonl(tmp_path / "other.jsonl", {"_id": "bees", "title": "Bees", "text": "Bees dance."})
    assert filled("ingest", other, "--index", tmp_path / "second").code == 0
    assert [row["paper_id"] for row in filled("papers", "list", "--json", "--index", tmp_path / "second").value] == [
        "bees"
    ]
    assert filled("status", "--json").value["papers"] == 2


# --- how it ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("papers", "list"),
        ("papers", "delete", "x"),
        ("search", "whales"),
        ("ask", "Why?"),
        ("ingest", "no/such/file.txt"),
    ],
)
def test_work_that_fails_ends_with_one(paperchat, arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = paperchat(*arguments, "--json", "--index", tmp_path / "none")
    assert (result.code, result.out) == (1, "")
    assert result.error
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("serach", "whales"),
        ("search",),
        ("search", "whales", "--retriever", "magic"),
        ("search", "--input", "q.jsonl"),
        ("search", "whales", "--input", "q.jsonl", "--output", "run"),
        ("search", "whales", "--output", "run"),
        ("search", "whales", "--explain", "Corals", "--no-filters"),
        ("ask", "Why?", "--output", "answers.jsonl"),
        ("ask", "--input", "q.jsonl", "--output", "answers.jsonl", "--history", "h.json"),
        ("export", "--json", "--format", "bibtex"),
        ("ask",),
        ("ask", "Why?", "--k", "many"),
        ("ask", "Why?", "--k", "100000"),
        ("ask", "Why?", "--ordering", "random"),
        ("ask", "Why?", "--colour", "red"),
        ("ask", "   "),
        ("papers", "show"),
        ("chat", "--port", "70000"),
        ("chat", "--host", "0.0.0.0"),
        ("ingest", "--format", "word"),
    ],
)
def test_wrong_use_ends_with_two(filled, arguments: tuple[str, ...]) -> None:
    result = filled(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.error


def test_something_unexpected_is_one_sentence_too(filled, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(build, "build_pipeline", broken)
    result = filled("ask", "Why?", "--json")
    assert (result.code, result.out) == (1, "")
    assert "ZeroDivisionError" in result.error
    assert "--debug" in result.error


def test_ctrl_c_is_no_error_message(filled, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "build_pipeline", interrupted)
    result = filled("ask", "Why?")
    assert (result.code, result.out) == (130, "")
    assert result.err.strip() in ("", "Stopped.")


def test_how_many_papers_are_shown_is_a_setting_like_any_other(filled, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(filled("search", QUESTION, "--json").value) == len(PAPERS)
    monkeypatch.setenv("PAPERCHAT_K", "1")
    assert len(filled("search", QUESTION, "--json").value) == 1


def test_a_file_of_questions_and_exports_tell_json_what_they_did(filled, tmp_path: Path) -> None:
    asked, out = (
        jsonl(tmp_path / "q.jsonl", {"_id": "1", "id": "1", "text": QUESTION, "question": QUESTION}),
        tmp_path / "o",
    )
    assert filled("search", "--input", asked, "--output", out, "--json").value == {"queries": 1, "output": str(out)}
    answers = tmp_path / "a.jsonl"
    told = filled("ask", "--input", asked, "--output", answers, "--json").value
    assert told == {"questions": 1, "output": str(answers)}
    exported = filled("export", "--json")
    assert len([json.loads(line) for line in exported.out.splitlines()]) == len(PAPERS)


@pytest.mark.parametrize("place", ["before the command", "after it"])
def test_debug_shows_the_traceback(filled, fakes: Fakes, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    fakes.generator.fail_after = 0
    arguments = ["--debug", "ask", QUESTION] if place == "before the command" else ["ask", QUESTION, "--debug"]
    monkeypatch.setattr(sys, "argv", ["paperchat", *arguments])
    root = logging.getLogger()
    level = root.level
    try:
        with pytest.raises(GenerationError):
            cli.main()
    finally:
        root.setLevel(level)


@pytest.mark.parametrize("arguments", [("--help",), ("ask", "--help"), ("papers", "--help"), ("eval", "--help")])
def test_help_is_printed_and_is_no_error(paperchat, arguments: tuple[str, ...]) -> None:
    result = paperchat(*arguments)
    assert result.code == 0
    assert result.out.startswith("Usage:")
    assert result.err == ""


def test_no_command_is_answered_with_the_help_page(paperchat) -> None:
    result = paperchat()
    assert result.code in (0, 2)
    assert "Usage:" in result.out + result.err
    assert "ingest" in result.out + result.err


def test_an_unknown_setting_in_the_file_names_the_nearest(filled) -> None:
    Path("paperchat.toml").write_text("indx = 'x'\n", encoding="utf-8")
    result = filled("status")
    assert result.code == 2
    assert "'indx'" in result.error
    assert "'index'" in result.error


def test_flag_beats_environment_beats_file(filled, corpus: Path, monkeypatch, tmp_path: Path) -> None:
    for name in ("flag", "environment", "file"):
        filled("ingest", corpus, "--index", tmp_path / name)
    Path("paperchat.toml").write_text(f"index = '{tmp_path / 'file'}'\n", encoding="utf-8")
    monkeypatch.delenv("PAPERCHAT_INDEX")
    assert filled("status", "--json").value["index"] == str(tmp_path / "file")
    monkeypatch.setenv("PAPERCHAT_INDEX", str(tmp_path / "environment"))
    assert filled("status", "--json").value["index"] == str(tmp_path / "environment")
    result = filled("status", "--json", "--index", tmp_path / "flag")
    assert result.value["index"] == str(tmp_path / "flag")


def test_every_option_that_a_message_names_exists(paperchat) -> None:
    commands = [
        (),
        ("ingest",),
        ("reindex",),
        ("export",),
        ("embed",),
        ("search",),
        ("ask",),
        ("chat",),
        ("serve",),
        ("papers",),
        ("status",),
        ("doctor",),
        ("tune",),
    ]
    known = {flag for command in commands for flag in FLAG.findall(paperchat(*command, "--help").out)}
    root = Path(cli.__file__).parents[1]
    named = {
        flag: file.name
        for package in ("rag", "ingest", "ui")
        for file in (root / package).rglob("*.py")
        for flag in FLAG.findall(file.read_text(encoding="utf-8"))
        if file.name not in ("web.py", "render.py")  # style sheets have names like these, too
    }
    foreign = {"--no-deps", "--path"}  # pip's and chroma's
    assert {flag: file for flag, file in named.items() if flag not in known | foreign} == {}


# --- search --explain ----------------------------------------------------------------------------------


def test_explain_says_where_a_paper_stands_and_why(filled) -> None:
    told = filled("search", "humpback whales", "--explain", "lora").out
    assert told.startswith("LoRA: Low-Rank Adaptation  [lora]\n")
    assert "by words nowhere (none of 2 words occurs)" in told
    assert "best sentence" in told


def test_explain_as_json_gives_every_stage(filled) -> None:
    value = filled("search", "humpback whales", "--explain", "songs whales", "--json").value
    assert value["paper_id"] == "whales"
    assert [value[stage]["rank"] for stage in ("dense", "lexical", "fused", "final")] == [1, 1, 1, 1]


def test_explain_names_the_nearest_titles_of_an_unknown_paper(filled) -> None:
    result = filled("search", "humpback whales", "--explain", "Songs of Birds")
    assert result.code == 2
    assert "no paper 'Songs of Birds'" in result.error
    assert "“Songs of Whales” (whales)" in result.error


def test_explain_needs_a_query(filled, tmp_path: Path) -> None:
    queries = jsonl(tmp_path / "queries.jsonl", {"_id": "1", "text": "whales"})
    assert "query" in filled("search", "--input", queries, "--explain", "lora").error


# --- tune ----------------------------------------------------------------------------------------------


def test_tune_says_what_is_wrong_before_it_works(paperchat, filled, tmp_path: Path, monkeypatch) -> None:
    output = tmp_path / "tuned"
    wrong = paperchat("tune", "--output", output, "--method", "magic")
    assert wrong.code == 2
    assert "implicit, reasoning" in wrong.err
    nothing = paperchat("tune", "--output", output)
    assert nothing.code == 2
    assert "file of questions" in nothing.err
    missing = paperchat("tune", tmp_path / "none.jsonl", "--output", output)
    assert missing.code == 2
    assert "none.jsonl cannot be read" in missing.err
    assert paperchat("tune", "--output", output, "--passages", "0,x").code == 2
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install --no-deps peft" in paperchat("tune", "--output", output).err


def test_tune_prepares_examples_that_can_be_looked_at_once(filled, fakes: Fakes, tmp_path: Path) -> None:
    paper = PAPERS[0]
    row = {"id": "1", "kind": "fact", "question": f"What is {paper['title']} about?", "gold": [paper["_id"]]}
    lost = {**row, "id": "2", "gold": ["lost"], "evidence": [["lost", 0]]}
    questions = jsonl(tmp_path / "q.jsonl", {**row, "evidence": [[paper["_id"], 0]]}, lost)
    output = tmp_path / "tuned"
    done = filled("tune", questions, "--output", output, "--prepare-only", "--json")
    assert done.code == 0
    assert done.value["examples"] + done.value["held_out"] == 1
    assert done.value["skipped"]["not_in_index"] == 1
    [example] = [json.loads(line) for line in (output / "prepared.jsonl").read_text().splitlines()]
    assert example["messages"][-1]["content"].endswith(row["question"])
    assert example["target"].endswith("[1]")
    fakes.used.clear()
    told = filled("tune", questions, "--output", output, "--prepare-only")
    assert fakes.used == []  # nothing changed, nothing done
    assert "1 questions left out" in told.out
    filled("tune", questions, "--output", output, "--prepare-only", "--passages", "2")
    assert "generator" in fakes.used


def test_ctrl_c_finishes_the_step_and_a_second_one_stops_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with tuning._watching() as watch:
        watch.stepped(Progress(1, 10, 0.5, 100, 1000))
        assert not watch.stopped()
        os.kill(os.getpid(), signal.SIGINT)
        assert watch.stopped()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert "Ctrl-C again" in capsys.readouterr().err


def test_an_unknown_adapter_is_refused_and_doctor_tells(filled, monkeypatch: pytest.MonkeyPatch) -> None:
    found = filled("doctor", "--adapter", "nowhere", "--json").value
    [adapter] = [finding for finding in found if finding["name"] == "Adapter"]
    assert adapter["state"] == "missing"
    assert "nowhere" in adapter["detail"]
