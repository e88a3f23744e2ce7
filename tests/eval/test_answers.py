"""Measures on answers written by hand."""

from __future__ import annotations

import codecs
import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from eval.alce import Cited
from eval.answers import citation_measures, evaluate, interval, read_jsonl, score, summarise, table
from eval.cli import app
from rag import build
from rag.config import Config
from rag.errors import UsageError
from rag.pipeline import Pipeline
from rag.support import SupportChecker
from rag.types import Paper
from tests.fakes import FakeEmbedder, FakeGenerator, build_fake_index

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
        "gold_cited": 1.0,
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


def test_the_share_of_the_gold_papers_that_are_cited() -> None:
    assert score(question(gold=[TITLE, "other"]), answer())["gold_cited"] == 0.5
    assert score(question(gold=["other"]), answer())["gold_cited"] == 0.0
    # Paper 2 is among the citations but no sentence names it.
    assert score(question(gold=["x"]), answer())["gold_cited"] == 0.0


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


def test_shares_of_the_modes_are_told_by_kind() -> None:
    asked = [question(), question(id="q2", kind="absent", gold=[], facts=[]), question(id="q3")]
    modes = evaluate(asked, [answer(), answer(id="q2", **REFUSED)])["modes"]
    assert modes["all"] == pytest.approx({"generated": 1 / 3, "quoted": 0, "refused": 1 / 3, "error": 1 / 3})
    assert modes["absent"]["refused"] == 1.0


# --- citation recall and precision -------------------------------------------------------------------

ABSTRACT = "We tune few weights. It saves 25% of memory. Nothing else changes."


def carries(passages: Sequence[Cited], statement: str) -> bool:
    return any(statement in passage.text for passage in passages)


def said(text: str, *numbers: int, quoted: bool = False, evidence: str = "") -> dict[str, Any]:
    support = {"verdict": "supported", "evidence": evidence, "paper_id": "s2ft"}
    return {"text": text, "citations": list(numbers), "quoted": quoted, "support": support}


def cited(answer: dict[str, Any], **abstracts: str) -> dict[str, float | None]:
    return citation_measures(answer, abstracts, carries)


def test_citations_are_checked_against_the_abstract_where_it_is_known() -> None:
    given = answer(sentences=[said("It saves 25% of memory.", 1), said("Corals bleach.", 1)])
    assert cited(given, s2ft=ABSTRACT) == {"citation_recall": 0.5, "citation_precision": 0.5, "written_recall": 0.5}


def test_without_the_abstract_the_evidence_that_was_shown_stands_for_it() -> None:
    shown = [{"number": 1, "paper_id": "s2ft", "title": TITLE, "evidence": [{"text": "It saves 25% of memory."}]}]
    given = answer(sentences=[said("It saves 25% of memory.", 1), said("We tune few weights.", 1)], citations=shown)
    assert cited(given)["citation_recall"] == 0.5
    given["sentences"][1]["support"]["evidence"] = "We tune few weights."
    assert cited(given)["citation_recall"] == 1.0


def test_quoted_sentences_are_statements_and_told_apart() -> None:
    given = answer(sentences=[said("Corals bleach.", 1), said("It saves 25% of memory.", 1, quoted=True)])
    assert cited(given, s2ft=ABSTRACT) == {"citation_recall": 0.5, "citation_precision": 0.5, "written_recall": 0.0}
    given = answer(sentences=[said("It saves 25% of memory.", 2, quoted=True)])
    assert cited(given, s2ft=ABSTRACT) == {"citation_recall": 0, "citation_precision": 0, "written_recall": None}


def test_what_is_told_from_the_records_is_no_statement() -> None:
    counted = {**said("This collection holds 90 papers."), "recorded": True}
    nothing = {"citation_recall": None, "citation_precision": None, "written_recall": None}
    assert cited(answer(sentences=[counted])) == nothing
    both = answer(sentences=[counted, said("It saves 25% of memory.", 1)])
    assert cited(both, s2ft=ABSTRACT)["citation_recall"] == 1.0
    assert cited(answer(sentences=[]))["citation_recall"] == 0.0


def test_a_refusal_makes_no_statement_and_a_failure_makes_none_that_counts() -> None:
    report = evaluate(
        [question(), question(id="q2"), question(id="q3")],
        [answer(sentences=[said("It saves 25% of memory.", 1)]), answer(id="q2", **REFUSED)],
        carries,
        {"s2ft": ABSTRACT},
    )
    assert (report["overall"]["citation_recall"]["value"], report["overall"]["citation_recall"]["n"]) == (0.5, 2)


# --- the command -------------------------------------------------------------------------------------


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Models that were loaded, all of them fakes; the pipeline quotes over two papers."""
    loaded: list[str] = []
    papers = [Paper("s2ft", TITLE, ABSTRACT), Paper("x", "Corals", "Corals bleach when the water warms.")]
    index = build_fake_index(papers)

    def checker(config: Config) -> SupportChecker:
        loaded.append("checker")
        return SupportChecker(FakeEmbedder())

    def pipeline(config: Config, *, generate: bool) -> Pipeline:
        loaded.append("model" if generate else "quotes")
        generator = FakeGenerator("It saves 25% of memory [1].") if generate else None
        return build.assemble(config, index, FakeEmbedder(), generator)

    monkeypatch.setattr(build, "build_checker", checker)
    monkeypatch.setattr(build, "build_pipeline", pipeline)
    monkeypatch.setattr(build, "open_catalog", lambda config: index.catalog)
    return loaded


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["answers", *map(str, arguments)])


def test_the_command_writes_a_report_and_prints_json(tmp_path: Path, models: list[str]) -> None:
    questions = written(tmp_path / "q", question(), question(id="q2", kind="absent", gold=[], facts=[]))
    answers = written(
        tmp_path / "a", answer(sentences=[said("It saves 25% of memory.", 1)]), answer(id="q2", **REFUSED)
    )
    result = called("--questions", questions, "--answers", answers, "--report", tmp_path / "report", "--json")
    assert result.exit_code == 0, result.exception
    printed = json.loads(result.stdout)
    assert printed["overall"]["facts"]["value"] == 1.0
    assert printed["overall"]["citation_recall"]["value"] == 1.0
    assert printed["refusal"]["precision"]["value"] == printed["refusal"]["recall"]["value"] == 1.0
    assert printed["passages"] == {"abstracts": 1, "evidence": 1}
    assert json.loads((tmp_path / "report" / "answers.json").read_text())["rows"][0]["id"] == "q1"
    assert "| fact | 1 |" in (tmp_path / "report" / "answers.md").read_text()
    lines = (tmp_path / "report" / "questions.tsv").read_text().splitlines()
    assert [line.split("\t")[:3] for line in lines[1:]] == [["q1", "fact", "generated"], ["q2", "absent", "refused"]]
    page = ElementTree.fromstring((tmp_path / "report" / "report.html").read_text().removeprefix("<!DOCTYPE html>\n"))
    told = "".join(page.itertext())
    assert all(words in told for words in ("citation_recall", "By kind of question", "Refusals", "Every question"))
    assert models == ["checker"]


def test_without_citations_no_model_is_loaded(tmp_path: Path, models: list[str]) -> None:
    files = written(tmp_path / "q", question()), written(tmp_path / "a", answer())
    result = called(files[0], "--answers", files[1], "--no-citations", "--report", tmp_path / "r", "--json")
    assert "citation_recall" not in json.loads(result.stdout)["overall"]
    assert models == []


def test_questions_are_asked_where_no_answers_are_given_and_only_once(tmp_path: Path, models: list[str]) -> None:
    asked = question(question="How much memory does sparse tuning of few weights save?")
    questions, report = written(tmp_path / "q", asked), tmp_path / "r"
    first = json.loads(called(questions, "--report", report, "--json").stdout)
    assert first["overall"]["facts"]["n"] == 1
    assert first["overall"]["citation_recall"]["value"] == 1.0
    assert models == ["model", "checker"]
    again = json.loads(called(questions, "--report", report, "--json").stdout)
    assert again["overall"] == first["overall"]
    assert models == ["model", "checker", "checker"]
    written(tmp_path / "q", asked, {**asked, "id": "q2"})
    assert json.loads(called(questions, "--report", report, "--json").stdout)["overall"]["error"]["value"] == 0
    assert [json.loads(line)["id"] for line in (report / "answers.jsonl").read_text().splitlines()] == ["q1", "q2"]


def test_a_beir_folder_is_asked_and_its_answers_are_the_references(tmp_path: Path, models: list[str]) -> None:
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    asked = {"text": "How much memory does sparse tuning of few weights save?", "label": "answerable"}
    marked = [["It saves 25% of memory."], "It is sparse."]
    rows = [
        {"_id": "a", **asked, "answers": ["It saves 25% of memory.", "A quarter."], "selected_sentences": marked},
        {"_id": "b", "text": "Who first climbed Mont Blanc?", "label": "unanswerable", "answer": ""},
        {"_id": "c", "text": "Of another split, whose judgements are not here?"},
    ]
    written(folder / "queries.jsonl", *rows)
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\na\ts2ft\t1\n")
    result = called(folder, "--index", tmp_path / "index", "--report", tmp_path / "r", "--json")
    assert result.exit_code == 0, result.exception
    printed = json.loads(result.stdout)
    assert printed["overall"]["rouge_l"] == {"value": 1.0, "n": 1, "low": 1.0, "high": 1.0}
    assert printed["overall"]["evidence_used"]["value"] == 1.0
    assert printed["overall"]["refused_right"]["n"] == 1
    assert printed["by_kind"].keys() == {"answerable", "unanswerable"}


def test_a_folder_without_judgements_or_queries_is_told(tmp_path: Path, models: list[str]) -> None:
    (tmp_path / "beir" / "qrels").mkdir(parents=True)
    assert "no judgements" in str(called(tmp_path / "beir", "--index", tmp_path).exception)
    (tmp_path / "beir" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\na\tb\t1\n")
    assert "no queries.jsonl" in str(called(tmp_path / "beir", "--index", tmp_path).exception)
    written(tmp_path / "beir" / "queries.jsonl", {"_id": "a"})
    assert "query 1 has no 'text'" in str(called(tmp_path / "beir", "--index", tmp_path).exception)


def test_answers_made_otherwise_are_not_mixed(tmp_path: Path, models: list[str]) -> None:
    questions, report = written(tmp_path / "q", question(question="How much memory does it save?")), tmp_path / "r"
    assert called(questions, "--report", report).exit_code == 0
    error = called(questions, "--report", report, "--k", "3", "--no-generate").exception
    assert isinstance(error, UsageError)
    assert "generate, k changed" in str(error)
    assert called(questions, "--report", report, "--k", "3", "--fresh").exit_code == 0
    (report / "asked.json").unlink()
    assert "what they were made with" in str(called(questions, "--report", report, "--k", "3").exception)


def test_answers_to_other_questions_are_never_scored(tmp_path: Path, models: list[str]) -> None:
    report = tmp_path / "r"
    assert called(written(tmp_path / "q", question(question="How much memory does it save?")), "--report", report)
    other = written(tmp_path / "q", question(question="How much time does it save?"))
    assert "another question under the id 'q1'" in str(called(other, "--report", report).exception)
    answers = tmp_path / "r" / "answers.jsonl"
    assert "another question" in str(called(other, "--answers", answers, "--report", tmp_path / "r2").exception)


def test_what_failed_is_asked_again(tmp_path: Path, models: list[str]) -> None:
    asked, report = question(question="How much memory does sparse tuning of few weights save?"), tmp_path / "r"
    questions = written(tmp_path / "q", asked, {**asked, "id": "q2"})
    assert called(questions, "--report", report).exit_code == 0
    path = report / "answers.jsonl"
    second = path.read_text().splitlines()[1]
    path.write_text(json.dumps({"id": "q1", "question": asked["question"], "error": "server gone"}) + f"\n{second}\n")
    assert json.loads(called(questions, "--report", report, "--json").stdout)["overall"]["error"]["value"] == 0
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["q1", "q2"]
    assert "error" not in path.read_text()


def test_a_fact_may_be_one_text_and_questions_may_come_packed(tmp_path: Path, models: list[str]) -> None:
    plain = question(facts=["sparse", ["42%", "25%"]], kind=None)
    path = tmp_path / "q.jsonl.gz"
    path.write_bytes(gzip.compress(codecs.BOM_UTF8 + json.dumps(plain).encode()))
    result = called(path, "--answers", written(tmp_path / "a", answer()), "--report", tmp_path / "r", "--json")
    assert result.exit_code == 0, result.exception
    assert json.loads(result.stdout)["overall"]["facts"]["value"] == 1.0
    unrelated = written(tmp_path / "a", answer("Corals bleach."))
    again = called(path, "--answers", unrelated, "--report", tmp_path / "r", "--json")
    assert json.loads(again.stdout)["overall"]["facts"]["value"] == 0.0


@pytest.mark.parametrize(
    ("changed", "told"), [({"gold": "p12"}, "no list"), ({"facts": "x"}, "no list"), ({"gold": [7]}, "")]
)
def test_gold_and_facts_are_lists(tmp_path: Path, models: list[str], changed: dict[str, Any], told: str) -> None:
    files = written(tmp_path / "q", question(**changed)), written(tmp_path / "a", answer())
    result = called(files[0], "--answers", files[1], "--report", tmp_path / "r")
    assert (told in str(result.exception)) if told else result.exit_code == 0


def test_the_same_id_twice_is_told(tmp_path: Path, models: list[str]) -> None:
    questions = written(tmp_path / "q", question(), question())
    assert "the id 'q1' twice" in str(called(questions, "--answers", written(tmp_path / "a", answer())).exception)


def test_ids_are_compared_as_they_are(tmp_path: Path) -> None:
    assert (
        score(question(gold=["d1_11"]), answer(citations=[{"number": 1, "paper_id": "d11_1", "title": "T"}]))[
            "gold_cited"
        ]
        == 0
    )


def test_no_token_of_a_server_is_written_down(
    tmp_path: Path, models: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERCHAT_SERVER_KEY", "s3cret")
    called(written(tmp_path / "q", question(question="What is it?")), "--report", tmp_path / "r")
    assert all("s3cret" not in path.read_text() for path in (tmp_path / "r").iterdir())


@pytest.mark.parametrize(
    ("questions", "answers", "told"),
    [
        ('{"id": "1"}', "", "no 'gold'"),
        ("", "", "no question"),
        ('{"id": "1", "gold": []}', '{"id": "1", "mode": "quoted"}', "answer 1 has no 'answer'"),
        ('{"id": "1", "gold": []}', '{"mode": "quoted"}', "no 'answer'"),
    ],
)
def test_files_of_another_kind_are_told(
    tmp_path: Path, models: list[str], questions: str, answers: str, told: str
) -> None:
    (tmp_path / "q").write_text(questions)
    (tmp_path / "a").write_text(answers)
    error = called(tmp_path / "q", "--answers", tmp_path / "a").exception
    assert isinstance(error, UsageError)
    assert told in str(error)


def test_no_questions_at_all_are_told() -> None:
    assert isinstance(called().exception, UsageError)
