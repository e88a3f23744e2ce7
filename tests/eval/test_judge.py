"""A judge of two systems, played by fakes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from eval.cli import app
from eval.judge import Judgement, Pair, judged, messages, pairs_of, parse_scores, summary, verdict
from rag import build
from rag.errors import UsageError
from rag.protocols import GenerationLimits, Message
from tests.eval.test_datasets import no_bar
from tests.fakes import FakeGenerator


class FakeJudge(FakeGenerator):
    """Writes what `said` makes of the two answers in the order shown."""

    name = "fake-judge"

    def __init__(self, said: Callable[[str, str], str], **options: Any) -> None:
        super().__init__(**options)
        self.said = said

    def stream(self, messages: Sequence[Message], limits: GenerationLimits, cancel: threading.Event) -> Iterator[str]:
        self.prompts.append(list(messages))
        shown = [messages[1]["content"].split(f"Assistant {n}'s Answer]\n")[1].split("\n\n[The End")[0] for n in (1, 2)]
        yield from self.said(*shown)


def by_length(first: str, second: str) -> str:
    """Fair: the longer answer is the better one, wherever it stands."""
    return f"{min(10, len(first))} {min(10, len(second))}\nBecause it is longer."


PAIRS = [Pair("1", "Q1?", "short", "longer one"), Pair("2", "Q2?", "the same", "the same")]


def test_the_prompt_has_judgelms_marks_in_order() -> None:
    system, user = messages("Why?", "First.", "Second.", "Reference.")
    assert system["role"] == "system"
    parts = [
        "[Question]\nWhy?",
        "[Reference Answer]\nReference.",
        "[The Start of Assistant 1's Answer]\nFirst.",
        "[The End of Assistant 1's Answer]",
        "[The Start of Assistant 2's Answer]\nSecond.",
        "[The End of Assistant 2's Answer]",
        "[System]\n",
        "### Response:",
    ]
    places = [user["content"].index(part) for part in parts]
    assert places == sorted(places)
    assert "[Reference Answer]" not in messages("Why?", "First.", "Second.")[1]["content"]


@pytest.mark.parametrize(
    ("said", "scores"),
    [
        ("8 7\nThe first is better.", (8.0, 7.0)),
        ("8,7", (8.0, 7.0)),
        ("8.5, 10", (8.5, 10.0)),
        ("\n 9  9 \n", (9.0, 9.0)),
        ("Assistant 1: 8, Assistant 2: 7", None),
        ("8", None),
        ("8 7 6", None),
        ("8/10 7/10", None),
        ("11 5", None),
        ("0 5", None),
        ("-3 5", None),
        ("nan inf", None),
        ("The first is better.\n8 7", None),
        ("", None),
    ],
)
def test_scores_are_read_or_not_and_never_guessed(said: str, scores: tuple[float, float] | None) -> None:
    assert parse_scores(said) == scores


def test_every_pair_is_judged_in_both_orders_and_scores_stay_with_their_answer() -> None:
    judge = FakeJudge(by_length)
    found = judged(PAIRS, judge, no_bar)
    assert [(j.forward, j.backward) for j in found] == [((5, 10), (5, 10)), ((8, 8), (8, 8))]
    assert len(judge.prompts) == 4
    told = summary(found)
    assert told["wins"] == {"a": 0, "b": 1, "tie": 1, "contradictory": 0}
    assert told["consistency"]["value"] == 1.0
    assert told["margin"]["value"] == -2.5


def test_a_judge_that_favours_a_place_is_found_out() -> None:
    told = summary(judged(PAIRS, FakeJudge(lambda first, second: "9 3"), no_bar))
    assert told["consistency"]["value"] == 0.0
    assert told["favours_first"]["value"] == 1.0
    assert told["wins"]["contradictory"] == 2
    assert told["margin"]["value"] == 0.0
    assert summary(judged(PAIRS, FakeJudge(lambda a, b: "3 9"), no_bar))["favours_second"]["value"] == 1.0


def test_one_tie_does_not_undo_a_win_but_costs_consistency() -> None:
    assert verdict((8, 7), (7, 7)) == verdict((7, 7), (8, 7)) == "a"
    assert verdict((7, 8), (8, 7)) == "contradictory"
    assert verdict((7, 7), (5, 5)) == "tie"
    told = summary([Judgement("1", (8, 7), (7, 7), ("", ""))])
    assert (told["consistency"]["value"], told["favours_first"]["value"]) == (0.0, 1.0)


def test_what_cannot_be_read_is_counted_and_left_out() -> None:
    found = [
        Judgement("1", (8, 7), None, ("8 7", "Both are fine.")),
        Judgement("2", None, None, ("", "")),
        Judgement("3", (4, 6), (4, 6), ("4 6", "6 4")),
    ]
    told = summary(found)
    assert (told["pairs"], told["judged"], told["unparsable"]) == (3, 1, 3)
    assert told["score_a"]["value"] == 4.0
    nothing = summary(found[:2])
    assert nothing["judged"] == 0
    assert "consistency" not in nothing


def test_a_pair_that_the_judge_cannot_read_is_told_before_any_is_judged() -> None:
    judge = FakeJudge(by_length, context_tokens=200)
    with pytest.raises(UsageError, match="longer context"):
        judged([*PAIRS, Pair("3", "Q?", "word " * 300, "b")], judge, no_bar)
    assert judge.prompts == []


def test_pairs_are_the_questions_that_both_answered() -> None:
    pairs = pairs_of({"1": "Q1", "2": "Q2"}, {"1": "a1", "2": "a2"}, {"2": "b2", "3": "b3"}, {"2": "r2"})
    assert pairs == [Pair("2", "Q2", "a2", "b2", "r2")]


# --- the command --------------------------------------------------------------------------------


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_two_files_of_answers_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = FakeJudge(lambda a, b: "no idea" if "odd" in a + b else by_length(a, b))
    monkeypatch.setattr(build, "build_generator", lambda config: judge)
    asked = {name: {"id": name, "question": f"<Q{name}>?"} for name in "1234"}
    a = written(
        tmp_path / "a.jsonl",
        {**asked["1"], "answer": "short"},
        {**asked["2"], "answer": "odd"},
        {**asked["3"], "error": "It failed."},
        {**asked["4"], "answer": "only here"},
    )
    b = written(
        tmp_path / "b.jsonl",
        *({**asked[name], "answer": text} for name, text in zip("123", ("longer", "b", "c"), strict=True)),
    )
    references = written(tmp_path / "r.jsonl", {"_id": "1", "answer": "the reference"})
    arguments = ["judge", str(a), str(b), "--references", str(references), "--report", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.exception
    printed = json.loads(result.stdout)
    assert (printed["pairs"], printed["judged"], printed["unparsable"], printed["left_out"]) == (2, 1, 2, 2)
    assert printed["wins"]["b"] == 1
    assert printed["with_reference"] == 1
    assert ["the reference" in prompt[1]["content"] for prompt in judge.prompts] == [True, True, False, False]
    rows = [json.loads(line) for line in (tmp_path / "out" / "judgements.jsonl").read_text().splitlines()]
    assert [(row["id"], row["verdict"]) for row in rows] == [("1", "b"), ("2", None)]
    page = ElementTree.fromstring((tmp_path / "out" / "report.html").read_text().removeprefix("<!DOCTYPE html>\n"))
    assert "unparsable" in "".join(page.itertext())
    assert "B wins 1" in CliRunner().invoke(app, arguments).stdout


def test_files_that_cannot_be_judged_are_told(tmp_path: Path) -> None:
    a = written(tmp_path / "a.jsonl", {"id": "1", "question": "Q?", "answer": "A."})
    b = written(tmp_path / "b.jsonl", {"id": "2", "question": "Q?", "answer": "B."})
    for arguments, told in (
        ((a, b), "share no answered question"),
        ((a, written(tmp_path / "c.jsonl", {"id": "1"})), "it needs"),
        ((a, a, "--references", written(tmp_path / "d.jsonl", {"id": "1"})), "no reference answer"),
    ):
        error = CliRunner().invoke(app, ["judge", *map(str, arguments)]).exception
        assert isinstance(error, UsageError), error
        assert told in str(error)
