"""Answers and refusals measured over the sample papers, with the real embedding model and stores."""

from __future__ import annotations

import json

import pytest

from tests.real.conftest import Paperchat, Result

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

MINFERENCE = "MInference 1.0: Accelerating Pre-filling for Long-Context LLMs via Dynamic Sparse Attention"
QUESTIONS = [
    {
        "id": "speed",
        "kind": "fact",
        "question": "What does MInference speed up, and by how much?",
        "gold": [MINFERENCE],
        "facts": [["pre-fill"], ["10x"]],
    },
    {"id": "pie", "kind": "absent", "question": "What is the best recipe for apple pie?", "gold": [], "facts": []},
    {"id": "hello", "kind": "talk", "question": "Hello!", "gold": [], "facts": []},
]


def test_answers_are_asked_and_their_citations_checked(filled: tuple[Paperchat, Result]) -> None:
    paperchat = filled[0]
    questions = paperchat.write("eval.jsonl", *QUESTIONS)
    result = paperchat("eval", "answers", questions, "--no-generate", "--json").value
    overall = {name: found["value"] for name, found in result["overall"].items()}
    # Quotes stand in the abstracts they cite.
    assert overall["citation_recall"] == overall["citation_precision"] == 1.0
    assert (overall["facts"], overall["gold_cited"], overall["refused_right"]) == (1.0, 1.0, 1.0)
    assert result["passages"]["evidence"] == 0
    # Another's numbers in the same answer: the citation no longer carries the sentence.
    made = paperchat.folder / "reports" / "answers" / "answers.jsonl"
    rows = [json.loads(line) for line in made.read_text(encoding="utf-8").splitlines()]
    for sentence in rows[0]["sentences"]:
        sentence["text"] = sentence["text"].replace("10x", "70x")
    changed = paperchat.write("changed.jsonl", *rows)
    worse = paperchat("eval", "answers", questions, "--answers", changed, "--report", "changed", "--json").value
    assert worse["overall"]["citation_recall"]["value"] < 1.0


def test_refusals_are_measured_with_and_without_the_gold_paper(filled: tuple[Paperchat, Result]) -> None:
    paperchat = filled[0]
    questions = paperchat.write("eval.jsonl", *QUESTIONS)
    result = paperchat("eval", "refusal", questions, "--leave-gold-out", "--report", "refusal", "--json").value
    saved = json.loads((paperchat.folder / "refusal" / "refusal.json").read_text(encoding="utf-8"))
    rows = {row["id"]: row for row in saved["rows"]}
    assert rows["speed"]["is_right"]
    assert not rows["speed"]["is_refused"]
    assert rows["pie"]["is_refused"]
    assert rows["hello"]["by_rule"]
    assert rows["speed without gold"]["score"] < rows["speed"]["score"]
    assert result["counts"]["answerable"] == 1
    assert (paperchat.folder / "refusal" / "report.html").is_file()
