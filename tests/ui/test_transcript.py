"""What one takes along: Markdown, JSON, references; always with question, model and index."""

from __future__ import annotations

import json
import re

import pytest

from tests.answers import answer, refused
from ui import transcript
from ui.conversations import Conversation, StoredTurn

HOSTILE = "![x](http://evil.test/a.png) <img src=//evil.test> [a](javascript:1) `code` # head | $x$"


def conversation(*turns: StoredTurn) -> Conversation:
    return Conversation("c0ffee", "How fast?", 1.7e9, 1.7e9, turns)


def test_an_answer_as_markdown_has_its_numbers_references_and_provenance() -> None:
    text = transcript.answer_markdown(answer())
    assert "It is ten times faster. [1]" in text
    assert "> **BlockKern:** “BlockKern skips most of the matrix.” [2] *(weakly supported)*" in text
    assert (
        "[1] Ada One, Bo Two (2024) [MInference: Pre-filling by Sparse Attention](https://doi.org/10.1/fast)." in text
    )
    assert "doi:10.1/fast" in text
    for part in ("How fast is it?", "How fast is pre-filling?", "model: SmolLM2", "index: 2-m-3-3-7 (3 papers)"):
        assert part in text
    assert "It is free." not in text


def test_a_refusal_is_copied_with_the_nearest_papers() -> None:
    text = transcript.answer_markdown(refused())
    assert text.startswith("Nothing here is about that.\n- Another Paper\n")


def test_markdown_from_papers_fetches_and_formats_nothing() -> None:
    value = answer()
    sentence = value.sentences[0]
    evil = type(sentence)(HOSTILE, (1,), sentence.support)
    text = transcript.answer_markdown(answer(sentences=(evil,), question=HOSTILE, model=HOSTILE))
    own = text.replace("<sub>", "").replace("</sub>", "")
    assert not re.search(r"(?<!\\)(!\[|<|\[a|`|\$|\|)", own)


def test_a_conversation_as_markdown_marks_what_was_cut_off() -> None:
    turns = (StoredTurn("One?", "done", answer()), StoredTurn("Two?", "failed", None, "It failed."))
    text = transcript.conversation(conversation(*turns, StoredTurn("Three?", "incomplete", answer())), "markdown")
    assert text.startswith("# How fast?\n\n*2023-11-14*\n\n## One?\n")
    assert "It failed." in text
    assert text.count("Cut off while it was written") == 1


def test_a_conversation_as_json_is_the_answers_own_json() -> None:
    turn = StoredTurn("One?", "done", answer(), asked=1.7e9, thumb=-1, comment="no")
    data = json.loads(transcript.conversation(conversation(turn), "json"))
    assert data["turns"][0]["answer"]["citations"][0]["paper_id"] == "p1"
    assert data["turns"][0]["feedback"] == {"thumb": -1, "comment": "no"}
    assert data["turns"][0]["asked"] == "2023-11-14T22:13:20+00:00"


@pytest.mark.parametrize(("form", "begin"), [("bibtex", "@"), ("ris", "TY  - ")])
def test_cited_papers_each_once(form: str, begin: str) -> None:
    turns = (StoredTurn("One?", "done", answer()), StoredTurn("Two?", "done", answer()))
    text = transcript.conversation(conversation(*turns), form)
    assert sum(line.startswith(begin) for line in text.splitlines()) == 2
    assert "MInference" in text
    assert "Another Paper" not in text
    if form == "bibtex":
        assert "% Question: How fast is it?" in text
        assert "model: SmolLM2" in text
    else:  # each record says which answers cite it, and made with what
        notes = [line for line in text.splitlines() if line.startswith("N1  - paperchat: Question: How fast is it?")]
        assert len(notes) == 4
        assert all("model: SmolLM2" in note and "index: 2-m-3-3-7 (3 papers)" in note for note in notes)


def test_feedback_becomes_questions_to_measure_with() -> None:
    turns = (
        StoredTurn("One?", "done", answer(), thumb=1),
        StoredTurn("Two?", "done", answer(), thumb=-1, comment="wrong paper"),
    )
    value = conversation(*turns)
    good, bad = (json.loads(line) for line in transcript.evaluation_set([(value, 0), (value, 1)]).splitlines())
    assert (good["question"], good["history"], good["gold"]) == ("One?", [], ["p1", "p2"])
    assert bad["history"] == [["One?", answer().text]]
    assert "gold" not in bad
    assert bad["feedback"] == {"thumb": -1, "comment": "wrong paper"}
    assert good["id"] != bad["id"]
