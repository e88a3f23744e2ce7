"""`eval judge`: two files of answers before a judge, and the report folder."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval import judge
from eval.answers import read_jsonl
from eval.report import Number, Plot, Point, Report, Section, Series, Table, write_html
from eval.retrieval import progress
from eval.svg import figures
from rag import build
from rag.config import Config
from rag.errors import UsageError
from rag.files import whole_text

FORMAT = "paperchat-judge-1"
LONGEST = 140


@dataclass(frozen=True)
class Options:
    """What is to be judged.

    Attributes:
        a: Answers of the one system, JSON lines with `id`, `question` and `answer`.
        b: Answers of the other.
        report: Folder to write.
        references: JSON lines with `id` and `reference` (or `answer`, a text or a list of texts): shown to the judge.
        limit: At most so many pairs, the first.
        explain: Let the judge write its reasons.
    """

    a: Path
    b: Path
    report: Path
    references: Path | None = None
    limit: int | None = None
    explain: bool = False


def run(options: Options, config: Config) -> dict[str, Any]:
    """Judges and writes `judge.json`, `judgements.jsonl` and `report.html`.

    Raises:
        UsageError: A file cannot be used, or the two share no question.
        ModelError: The judge cannot be loaded or reached.
        GenerationError: The judge failed.
    """
    questions, a = _answers(options.a)
    _, b = _answers(options.b)
    references = _references(options.references) if options.references else {}
    pairs = judge.pairs_of(questions, a, b, references)[: options.limit]
    if not pairs:
        raise UsageError(f"{options.a} and {options.b} share no answered question. Give answers to the same questions.")
    model = build.build_generator(config)
    judgements = judge.judged(pairs, model, progress, explain=options.explain)
    result = {
        "format": FORMAT,
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "a": str(options.a),
        "b": str(options.b),
        "judge": model.name,
        "with_reference": sum(bool(pair.reference) for pair in pairs),
        "left_out": len(questions.keys() | b.keys()) - len(pairs),
        **judge.summary(judgements),
    }
    rows = judge.as_rows(pairs, judgements)
    try:
        options.report.mkdir(parents=True, exist_ok=True)
        for name, lines in (
            ("judge.json", [json.dumps(result, indent=1)]),
            ("judgements.jsonl", map(json.dumps, rows)),
        ):
            with whole_text(options.report / name) as file:
                file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise UsageError(f"{options.report} cannot be written ({error.strerror}). Check the folder.") from error
    write_html(_page(result, rows), options.report / "report.html")
    return result


def _answers(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Questions and answers by id; failed answers are left out."""
    questions: dict[str, str] = {}
    answers: dict[str, str] = {}
    for number, row in enumerate(read_jsonl(path), start=1):
        if "error" in row:
            continue
        if not all(isinstance(row.get(name), str) for name in ("question", "answer")) or "id" not in row:
            raise UsageError(f'{path}, answer {number}: it needs "id", "question" and "answer".')
        questions[str(row["id"])], answers[str(row["id"])] = row["question"], row["answer"]
    return questions, answers


def _references(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in read_jsonl(path):
        value = row.get("reference", row.get("answers", row.get("answer")))
        text = value[0] if isinstance(value, list) and value else value
        name = row.get("id", row.get("_id"))
        if isinstance(text, str) and text.strip() and name is not None:
            found[str(name)] = text
    if not found:
        raise UsageError(f'{path} holds no reference answer. A line looks like {{"id": "1", "reference": "..."}}.')
    return found


def terminal_table(result: Mapping[str, Any]) -> str:
    """The outcome for a terminal."""
    wins = result["wins"]
    lines = [
        f"A = {result['a']}\nB = {result['b']}\njudge {result['judge']}: {result['judged']} of {result['pairs']} pairs "
        f"judged in both orders, {result['unparsable']} judgements unparsable",
    ]
    if result["judged"]:
        lines.append(
            f"A wins {wins['a']}, B wins {wins['b']}, tie {wins['tie']}, contradictory {wins['contradictory']}"
        )
        lines += [
            f"{name:<16}{_with_interval(result[name])}" for name in ("consistency", "score_a", "score_b", "margin")
        ]
        lines.append(f"{'p':<16}{result['p']:.4f}")
    return "\n".join(lines)


def _with_interval(found: Mapping[str, float]) -> str:
    value, low, high = (figures(found[key], 3) for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _page(result: Mapping[str, Any], rows: list[dict[str, Any]]) -> Report:
    facts = (
        ("A", result["a"]),
        ("B", result["b"]),
        ("Judge", result["judge"]),
        ("Pairs", f"{result['pairs']:,}"),
        ("Unparsable judgements", f"{result['unparsable']:,}"),
    )
    sections = [] if not result["judged"] else [_outcome(result)]
    method = (
        "Each pair is judged in both orders, in JudgeLM's format. An answer wins where it wins in both orders, or in "
        "one with a tie in the other. Consistency is the share of pairs in which both orders name the same winner. "
        "Intervals are 95 % percentile bootstrap over pairs; p is a paired randomisation test of the mean scores. "
        "Pairs with an unparsable judgement are left out."
    )
    return Report("Two systems before a judge", _lead(result), facts, (*sections, _pairs(rows)), method)


def _lead(result: Mapping[str, Any]) -> str:
    if not result["judged"]:
        return "No judgement could be read."
    wins = result["wins"]
    return (
        f"A wins {wins['a']}, B wins {wins['b']} of {result['judged']} pairs; consistency under swapping "
        f"{_with_interval(result['consistency'])}."
    )


def _outcome(result: Mapping[str, Any]) -> Section:
    names = ("a", "b", "tie", "contradictory")
    bars = Plot(
        title="Verdicts",
        description="Pairs by verdict; contradictory where the two orders name different winners.",
        kind="bar",
        y_label="Pairs",
        digits=0,
        series=(Series("pairs", tuple(Point(name, result["wins"][name]) for name in names)),),
    )
    rows = tuple(
        (words, Number(result[name]["value"], result[name]["low"], result[name]["high"], signed=name == "margin"))
        for name, words in (
            ("score_a", "Mean score of A"),
            ("score_b", "Mean score of B"),
            ("margin", "A less B"),
            ("consistency", "Consistency"),
            ("favours_first", "First place favoured"),
            ("favours_second", "Second place favoured"),
        )
    )
    text = (f"Difference of the mean scores: p = {result['p']:.4f}.",)
    return Section("Outcome", text, (bars, Table(("", "Value, 95 % interval"), rows)))


def _pairs(rows: list[dict[str, Any]]) -> Section:
    def shown(scores: tuple[float, float] | None) -> str:
        return "unparsable" if scores is None else f"{scores[0]:g} : {scores[1]:g}"

    cells = tuple(
        (
            str(row["id"]),
            row["question"][:LONGEST],
            shown(row["forward"]),
            shown(row["backward"]),
            row["verdict"] or "–",
        )
        for row in rows
    )
    return Section("Every pair", (), (Table(("Id", "Question", "A first, A : B", "B first, A : B", "Verdict"), cells),))
