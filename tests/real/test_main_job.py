"""The main job from end to end: real embedding model, real stores, real language model."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from eval.answers import folded
from tests.real.conftest import PAGE, PATIENCE, ROOT, Paperchat, Result, command, environment

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

MINFERENCE = "MInference 1.0: Accelerating Pre-filling for Long-Context LLMs via Dynamic Sparse Attention"
SPEED = "What does MInference speed up, and by how much?"


@pytest.fixture(scope="module")
def paperchat(filled: tuple[Paperchat, Result]) -> Paperchat:
    return filled[0]


@pytest.fixture(scope="module")
def answers(paperchat: Paperchat) -> dict[str, dict[str, Any]]:
    """Answers to a few questions, with the models loaded once."""
    questions = paperchat.write(
        "questions.jsonl",
        {"id": "speed", "question": SPEED},
        {
            "id": "follow-up",
            "question": "And which benchmarks was it tested on?",
            "history": [[SPEED, "MInference cuts pre-filling latency by up to 10x [1]."]],
        },
        {"id": "pie", "question": "What is the best recipe for apple pie?"},
        {"id": "hello", "question": "Hello!"},
        {"id": "list", "question": "Which papers deal with machine translation?"},
    )
    output = paperchat.folder / "answers.jsonl"
    result = paperchat("ask", "--input", questions, "--output", output)
    assert (result.code, result.out) == (0, ""), result.err
    return {answer["id"]: answer for answer in map(json.loads, output.read_text(encoding="utf-8").splitlines())}


def check_citations(answer: dict[str, Any], paperchat: Paperchat) -> None:
    """Every marker leads to a paper of the index, and every piece of evidence to a place in its abstract."""
    cited = {citation["number"]: citation for citation in answer["citations"]}
    in_sentences = {number for sentence in answer["sentences"] for number in sentence["citations"]}
    in_text = {int(number) for number in re.findall(r"\[(\d+)\]", answer["answer"])}
    assert set(cited) == in_sentences == in_text
    assert cited
    for sentence in answer["sentences"]:
        assert sentence["citations"], sentence
        assert sentence["support"]["verdict"] == "supported", sentence
        assert sentence["support"]["paper_id"] in {cited[n]["paper_id"] for n in sentence["citations"]}
    for citation in cited.values():
        abstract = paperchat("papers", "show", citation["paper_id"], "--json").value["abstract"]
        assert citation["evidence"]
        for evidence in citation["evidence"]:
            assert abstract[evidence["start"] : evidence["end"]] == evidence["text"]
    assert {row["paper_id"] for row in answer["retrieved"] if row["cited"]} == {c["paper_id"] for c in cited.values()}


def test_the_samples_are_ingested(filled: tuple[Paperchat, Result]) -> None:
    report = filled[1].value
    assert (report["read"], report["new"], report["rejected"]) == (90, 90, [])
    assert report["papers_in_index"] == 90
    assert report["chunks_in_index"] >= 90


def test_a_second_ingest_finds_everything_unchanged(copied: Paperchat) -> None:
    report = copied("ingest", "--json").value
    assert (report["read"], report["unchanged"], report["papers_in_index"]) == (90, 90, 90)
    assert report["new"] == report["updated"] == report["duplicates"] == 0


def test_one_question_as_json(paperchat: Paperchat) -> None:
    answer = paperchat("ask", SPEED, "--json").value
    assert set(answer) >= {
        "id", "question", "standalone_question", "filters", "answer", "mode", "refusal", "sentences", "citations",
        "retrieved", "timings", "model", "index",
    }  # fmt: skip
    assert answer["mode"] in ("generated", "quoted")
    assert answer["model"] == "SmolLM2-135M-Instruct + grounded"
    assert answer["index"]["papers"] == 90
    assert answer["retrieved"][0]["title"] == MINFERENCE
    assert [row["rank"] for row in answer["retrieved"]] == list(range(1, len(answer["retrieved"]) + 1))
    assert re.search(r"10\s?[x×]", answer["answer"])
    check_citations(answer, paperchat)


def test_the_same_question_gives_the_same_answer(paperchat: Paperchat, answers: dict[str, dict[str, Any]]) -> None:
    result = paperchat("ask", SPEED)
    assert result.code == 0
    for sentence in answers["speed"]["sentences"]:
        assert sentence["text"] in result.out
    assert f"  [1] {MINFERENCE} (12 authors, 2024-07-02)" in result.out.splitlines()


def test_a_follow_up_is_understood(answers: dict[str, dict[str, Any]], paperchat: Paperchat) -> None:
    answer = answers["follow-up"]
    assert answer["question"] == "And which benchmarks was it tested on?"
    assert "MInference" in answer["standalone_question"]
    assert "RULER" in answer["answer"]
    check_citations(answer, paperchat)


def test_a_listing_names_papers_on_the_topic(answers: dict[str, dict[str, Any]], paperchat: Paperchat) -> None:
    answer = answers["list"]
    titles = [citation["title"] for citation in answer["citations"]]
    on_topic = {row["title"] for row in paperchat.papers().values() if "ranslation" in row["title"]}
    # All of them, before any other; what comes after them may be beside the topic (docs/decisions/0020).
    assert len(on_topic) > 1
    assert set(titles[: len(on_topic)]) == on_topic
    check_citations(answer, paperchat)


def test_an_off_topic_question_is_refused(answers: dict[str, dict[str, Any]]) -> None:
    answer = answers["pie"]
    assert answer["mode"] == "refused"
    assert answer["refusal"]["reason"] == "off_topic"
    assert answer["refusal"]["nearest"]
    assert answer["sentences"] == answer["citations"] == []
    assert "90 abstracts" in answer["answer"]


def test_a_greeting_is_no_question(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["hello"]["refusal"]["reason"] == "small_talk"


def test_answers_come_in_the_order_of_the_questions(answers: dict[str, dict[str, Any]]) -> None:
    assert list(answers) == ["speed", "follow-up", "pie", "hello", "list"]


def test_a_killed_run_goes_on_where_it_stopped(paperchat: Paperchat, tmp_path: Path) -> None:
    questions = paperchat.write("four.jsonl", *({"id": i, "question": SPEED} for i in range(4)))
    output = tmp_path / "answers.jsonl"
    arguments = ("ask", "--input", questions, "--output", output)
    process = subprocess.Popen(
        command(*arguments),
        cwd=tmp_path,
        env=environment(PAPERCHAT_INDEX=str(paperchat.index)),
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + PATIENCE
    while not (output.exists() and b"\n" in output.read_bytes()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    before = output.read_bytes()
    done = before[: before.rindex(b"\n") + 1]
    if done.count(b"\n") == 4:
        pytest.skip("the run was over before it could be killed")
    output.write_bytes(done + b'{"id": "1", "question": "What do')
    assert paperchat(*arguments).code == 0
    after = output.read_bytes()
    assert after.startswith(done)
    assert [json.loads(line)["id"] for line in after.splitlines()] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("retriever", ["hybrid", "dense", "lexical"])
def test_a_run_of_many_queries(paperchat: Paperchat, retriever: str) -> None:
    asked = [
        json.loads(line)
        for line in (ROOT / "eval" / "questions" / "daily_papers.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    asked = [question for question in asked if question["gold"] and not question["history"]]
    queries = paperchat.write("queries.jsonl", *({"_id": q["id"], "text": q["question"]} for q in asked))
    run = paperchat.folder / f"{retriever}.trec"
    result = paperchat("search", "--input", queries, "--output", run, "--k", 20, "--retriever", retriever)
    assert (result.code, result.out) == (0, ""), result.err
    ranked: dict[str, list[str]] = defaultdict(list)
    scores: dict[str, list[float]] = defaultdict(list)
    for line in run.read_text(encoding="utf-8").splitlines():
        query, q0, paper, rank, score, tag = line.split()
        assert (q0, tag) == ("Q0", "paperchat")
        ranked[query].append(paper)
        scores[query].append(float(score))
        assert int(rank) == len(ranked[query])
    papers = paperchat.papers()
    assert set(ranked) == {question["id"] for question in asked}
    for query, found in ranked.items():
        assert len(found) <= 20
        assert len(set(found)) == len(found)
        assert set(found) <= set(papers)
        assert scores[query] == sorted(scores[query], reverse=True)
    hits = [
        bool({folded(gold) for gold in q["gold"]} & {folded(papers[i]["title"]) for i in ranked[q["id"]][:5]})
        for q in asked
    ]
    # A guard against a broken retriever, far below what each reaches.
    assert sum(hits) / len(hits) > 0.6


def test_papers_and_status(paperchat: Paperchat) -> None:
    papers = paperchat.papers()
    assert len(papers) == 90
    dates = [row["date"] for row in papers.values()]
    assert dates == sorted(dates, reverse=True)
    (record,) = [row for row in papers.values() if row["title"] == MINFERENCE]
    shown = paperchat("papers", "show", record["paper_id"], "--json").value
    assert shown["kind"] == "digest"
    assert "10x" in shown["abstract"]
    status = paperchat("status", "--json").value
    assert (status["papers"], status["embedding_model"], status["dimension"]) == (90, "all-MiniLM-L6-v2", 384)


def test_a_deleted_paper_is_gone_and_comes_back(copied: Paperchat) -> None:
    (paper_id,) = [i for i, row in copied.papers().items() if row["title"] == MINFERENCE]
    assert copied("papers", "delete", paper_id, "--json").value == {"deleted": 1, "papers_in_index": 89}
    assert paper_id not in copied.papers()
    found = copied("search", "MInference dynamic sparse attention", "--json").value
    assert found
    assert paper_id not in {row["paper_id"] for row in found}
    assert copied("ingest", "--json").value["new"] == 1
    assert copied("search", "MInference dynamic sparse attention", "--json").value[0]["paper_id"] == paper_id


def test_abstracts_take_the_place_of_digests_and_not_the_other_way_round(copied: Paperchat) -> None:
    if not PAGE.is_file():
        pytest.skip(f"{PAGE} is not here")
    report = copied("ingest", PAGE, "--json").value
    assert (report["read"], report["updated"], report["papers_in_index"]) == (90, 90, 90)
    assert copied("ingest", "--json").value["duplicates"] == 90
    assert copied("ingest", PAGE, "--json").value["unchanged"] == 90
    doctor = copied("doctor", "--json")
    (index,) = [finding for finding in json.loads(doctor.out) if finding["name"] == "Index"]
    assert index["state"] == "ready", index


def test_an_ingest_that_is_killed_is_finished_by_the_next(tmp_path: Path, copied: Paperchat) -> None:
    shutil.rmtree(copied.index)
    rows = [
        {
            "_id": f"p{i}",
            "title": f"Paper number {i}",
            "text": f"This abstract is about topic {i}, and {i * 7919}. " * 8,
        }
        for i in range(600)
    ]
    corpus = copied.write("corpus.jsonl", *rows)
    process = subprocess.Popen(
        command("ingest", corpus),
        cwd=tmp_path,
        env=environment(PAPERCHAT_INDEX=str(copied.index)),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + PATIENCE
    while True:
        status = copied("status", "--json")
        if process.poll() is not None or (status.code == 0 and json.loads(status.out)["papers"] > 0):
            break
        assert time.monotonic() < deadline
    process.kill()
    process.wait()
    report = copied("ingest", corpus, "--json").value
    assert report["new"] + report["unchanged"] == 600
    assert report["unchanged"] > 0
    assert report["papers_in_index"] == 600
    doctor = copied("doctor", "--json")
    (index,) = [finding for finding in json.loads(doctor.out) if finding["name"] == "Index"]
    assert index["state"] == "ready", index
