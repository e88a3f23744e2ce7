"""Two settings over the same questions: what is asked, counted, and shown beside each other."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rag.errors import UsageError
from rag.types import Context
from tests.answers import answer, refused
from tests.ui.hostile import TEXTS
from tests.ui.test_hostile import Strict
from ui import compare, compare_markup, texts
from ui.compare import Compared, Comparison, Outcome
from ui.preferences import Preferences

SETTINGS = (Preferences(), Preferences(quotes_only=True))


def compared(*pairs: tuple[Outcome | None, Outcome | None]) -> Comparison:
    return Comparison(SETTINGS, tuple(Compared(f"Question {n}?", pair) for n, pair in enumerate(pairs, 1)))


def test_questions_are_lines_or_json_lines_each_once() -> None:
    text = 'What is new?\n\n  {"id": 3, "question": "How  fast?"}\n{"text": "Why?"}\nWhat is new?\n'
    assert compare.questions(text) == ["What is new?", "How fast?", "Why?"]


@pytest.mark.parametrize(
    ("text", "said"), [("", "no question"), (" \n", "no question"), ('One?\n{"id": 1}', "Line 2"), ("{", "Line 1")]
)
def test_what_is_no_question_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        compare.questions(text)


def test_a_form_becomes_a_setting_and_nonsense_is_as_started() -> None:
    own = Preferences(model="http://127.0.0.1:1", history=False)
    sent = {"k": "12", "profile": "fast", "ordering": "reorder", "support": "lenient", "answers": "quotes"}
    chosen = Preferences(12, "reorder", "lenient", own.model, quotes_only=True, profile="fast")
    assert compare.setting(sent, own) == chosen
    odd = {"k": "-1", "profile": "slow", "ordering": "random", "support": ["x"], "answers": {}}
    assert compare.setting(odd, own) == Preferences(model=own.model)
    assert compare.setting({"k": 10**9}, own).k == 50


def test_sums_and_how_alike_the_papers_are() -> None:
    full = answer()
    fewer = replace(full, mode="quoted", context=Context("q", full.context.passages[:1]), withheld=())
    value = compared((Outcome(full), Outcome(fewer)), (Outcome(refused()), Outcome(error="It failed.")))
    first, second = value.summary(0), value.summary(1)
    assert (first["generated"], first["refused"], first["failed"]) == (1, 1, 0)
    assert (second["quoted"], second["failed"]) == (1, 1)
    assert first["supported"] < first["sentences"] == len(full.sentences)
    assert value.rows[0].shared() == pytest.approx(1 / len(full.context.passages))
    assert value.shared() == value.rows[0].shared()
    assert compared((None, Outcome(full))).shared() is None


def test_answers_stand_beside_each_other_with_what_only_one_read() -> None:
    full = answer()
    fewer = replace(full, context=Context("q", full.context.passages[:1]))
    html = compare_markup.results(compared((Outcome(full), Outcome(fewer)), (Outcome(full), None), (None, None)))
    assert html.count('class="pc-one"') == 4  # nothing yet of the third
    assert html.count(texts.COMPARE_ONLY.format(side="A")) == len(full.context.passages) - 1
    assert texts.COMPARE_ONLY.format(side="B") not in html
    assert texts.COMPARE_WAITING in html
    assert "It is ten times faster." in html
    assert texts.WEAKLY_SUPPORTED in html


def test_what_is_taken_along_holds_every_answer() -> None:
    value = compared((Outcome(answer()), Outcome(error="It failed.")))
    data = json.loads(json.dumps(value.as_dict()))
    assert data["settings"][1]["quotes_only"] is True
    assert data["rows"][0]["answers"][0]["mode"] == "generated"
    assert data["rows"][0]["errors"] == [None, "It failed."]


@pytest.mark.parametrize("text", TEXTS[::7])
def test_it_is_text(text: str) -> None:
    full = answer()
    evil = replace(full.sentences[0], text=text, lead=text)
    value = replace(full, sentences=(evil,), question=text)
    rows = (Compared(text, (Outcome(value), Outcome(error=text))),)
    links = frozenset(("https://doi.org/10.1/fast", *(p.paper.url or "" for p in full.context.passages)))
    Strict(compare_markup.results(Comparison(SETTINGS, rows)), links)
    Strict(compare_markup.progress(1, 2, text), frozenset())
    Strict(compare_markup.finished(text), frozenset())
