"""Scores answers against questions with gold papers and expected facts.

A fact counts where one of its wordings occurs in the answer's text; a citation counts where its
paper is one of the gold papers. Citation recall and precision are ALCE's (`eval.alce`), with these rules for
what ALCE does not know:

- A refusal makes no statement: it has no citation recall or precision. How often refusals are right is
  told beside (`refused_right`, `refused_wrong`, `refusal`).
- A quoted sentence is a statement like any other; a text entails what it holds word for word, so it fails only
  where it cites another paper. `written_recall` is over the sentences that the model wrote.
- The title put in front of a quoted sentence is no part of the statement.
- A sentence told from the records (counts, dates, authors) claims nothing of an abstract and is no statement.
- An answer that failed has recall and precision 0.

Intervals are 95 % percentile bootstrap over questions.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.alce import Cited, Entails, Statement, citation_scores
from eval.references import rests_on, rouge_l
from eval.trec import numbered_lines
from rag.errors import SourceError, UsageError
from rag.text import readable, searchable

Row = Mapping[str, float | None]
Answer = Mapping[str, Any]
RESAMPLES = 2000
RECALL_AT = 5
FORMAT = "paperchat-answers-1"
MODES = ("generated", "quoted", "refused", "error")


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Objects of a JSON lines file, plain or gzip.

    Raises:
        UsageError: It cannot be read, or a line is no JSON object.
    """
    rows = []
    try:
        for number, line in numbered_lines(path):
            row = json.loads(line)
            if not isinstance(row, dict):
                raise UsageError(f"{path}, line {number} is no JSON object. Write one JSON object a line.")
            rows.append(row)
    except SourceError as error:
        raise UsageError(str(error)) from error
    except ValueError as error:
        raise UsageError(f"{path}, line {number} is not JSON ({error}). Write one JSON object a line.") from error
    return rows


def folded(text: str) -> str:
    """Text as facts and titles are compared: LaTeX resolved, lower case, single spaces."""
    return re.sub(r"\s+", " ", searchable(readable(text)).lower()).strip()


def is_gold(paper_id: str, title: str, gold: Collection[str]) -> bool:
    """Is this paper one of those named by `gold`: by its very id, or by its title in any spelling?"""
    return paper_id in gold or folded(title) in map(folded, gold)


def gold_of(question: Mapping[str, Any]) -> frozenset[str]:
    """Ids or titles of the papers that answer a question; empty where none does.

    Raises:
        TypeError: They are no list.
    """
    if not isinstance(question["gold"], list):
        raise TypeError("gold is no list")
    return frozenset(map(str, question["gold"]))


def score(question: Mapping[str, Any], answer: Answer) -> dict[str, float | None]:
    """Measures of one answer; `None` where a measure does not apply."""
    gold = gold_of(question)
    refused = answer.get("mode") == "refused"
    if not gold:
        return {"refused_right": float(refused), "refused_wrong": None, "error": float("error" in answer)}
    if "error" in answer:
        # A question that failed is a question not answered: it counts as nothing found.
        zeros = dict.fromkeys(
            ("right_first", "recall@5", "gold_cited", "generated", "refused_wrong", "unsupported_shown"), 0.0
        )
        return {**zeros, **_beside_reference(question, None), "facts": 0.0 if question["facts"] else None, "error": 1.0}
    retrieved = [is_gold(entry["paper_id"], entry["title"], gold) for entry in answer["retrieved"]]
    text = folded(answer["answer"]) if not refused else ""
    facts = [any(folded(wording) in text for wording in fact) for fact in question["facts"]]
    papers = {c["number"]: is_gold(c["paper_id"], c["title"], gold) for c in answer["citations"]}
    cited = [papers[n] for sentence in answer["sentences"] for n in sentence["citations"] if n in papers]
    numbers = {n for sentence in answer["sentences"] for n in sentence["citations"]}
    found = sum(papers[n] for n in numbers & papers.keys())
    return {
        "right_first": float(bool(retrieved) and retrieved[0]),
        "recall@5": sum(retrieved[:RECALL_AT]) / min(RECALL_AT, len(gold)),
        "facts": float(np.mean(facts)) if facts else None,
        "cites_gold": float(np.mean(cited)) if cited else None,
        "gold_cited": min(1.0, found / len(gold)),
        "generated": float(answer["mode"] == "generated"),
        **_beside_reference(question, None if refused else answer),
        "refused_wrong": float(refused),
        "unsupported_shown": float(
            sum(sentence["support"]["verdict"] == "unsupported" for sentence in answer["sentences"])
        ),
        "first_token_s": (answer["timings"]["first_token_ms"] or 0) / 1000,
        "total_s": answer["timings"]["total_ms"] / 1000,
        "error": 0.0,
    }


def _beside_reference(question: Mapping[str, Any], answer: Answer | None) -> dict[str, float]:
    """ROUGE-L and the use of marked evidence, where the question has them; nothing said is 0."""
    measures: dict[str, float] = {}
    if references := question.get("references"):
        said = " ".join(sentence["text"] for sentence in answer["sentences"]) if answer else ""
        measures["rouge_l"] = max(rouge_l(said, reference) for reference in references)
    if marked := question.get("marked"):
        measures["evidence_used"] = float(answer is not None and rests_on(answer, marked))
    return measures


def citation_measures(answer: Answer, abstracts: Mapping[str, str], entails: Entails) -> dict[str, float | None]:
    """ALCE's scores of one answer.

    Args:
        answer: As the contract's JSON.
        abstracts: By paper id, as far as they are known; where one is not, the evidence that the answer shows of
            its paper stands for it.
        entails: phi.
    """
    if "error" in answer:
        return {"citation_recall": 0.0, "citation_precision": 0.0, "written_recall": None}
    if answer["mode"] == "refused":
        return {"citation_recall": None, "citation_precision": None, "written_recall": None}
    sentences = [s for s in answer["sentences"] if not s.get("recorded", False)]
    statements = [Statement(s["text"], tuple(s["citations"])) for s in sentences]
    scores = citation_scores(statements, passages(answer, abstracts), entails)
    if scores is None:
        told = 0.0 if not answer["sentences"] else None
        return {"citation_recall": told, "citation_precision": told, "written_recall": None}
    pairs = zip(sentences, scores.carried, strict=True)
    written = [carried for sentence, carried in pairs if not sentence.get("quoted", False)]
    return {
        "citation_recall": scores.recall,
        "citation_precision": scores.precision,
        "written_recall": float(np.mean(written)) if written else None,
    }


def passages(answer: Answer, abstracts: Mapping[str, str]) -> dict[int, Cited]:
    """What each number of an answer stands for."""
    found: dict[int, Cited] = {}
    for citation in answer["citations"]:
        paper_id = citation["paper_id"]
        shown = [e["text"] for e in citation.get("evidence", ())]
        shown += [s["support"]["evidence"] for s in answer["sentences"] if s["support"].get("paper_id") == paper_id]
        text = abstracts.get(paper_id) or " ".join(dict.fromkeys(filter(None, shown)))
        found[citation["number"]] = Cited(citation["title"], text)
    return found


def summarise(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Each measure's value, number of questions and interval."""
    measures = dict.fromkeys(name for row in rows for name in row)
    summary: dict[str, dict[str, float]] = {}
    for name in measures:
        values = np.array([row[name] for row in rows if row.get(name) is not None], dtype=float)
        if len(values):
            # A median for seconds: one slow answer says little about the others.
            middle: Callable[..., Any] = np.median if name.endswith("_s") else np.mean
            low, high = interval(values, middle)
            summary[name] = {"value": float(middle(values)), "n": len(values), "low": low, "high": high}
    return summary


def interval(values: np.ndarray[Any, Any], how: Callable[..., Any]) -> tuple[float, float]:
    """95 % percentile bootstrap, with a fixed seed so that a report can be reproduced."""
    picks = np.random.default_rng(0).integers(0, len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(how(values[picks], axis=1), [2.5, 97.5])
    return float(low), float(high)


def evaluate(
    questions: Sequence[Mapping[str, Any]],
    answers: Sequence[Answer],
    entails: Entails | None = None,
    abstracts: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Scores every question, by kind and in all; a question without an answer counts as an error.

    Args:
        questions: With `gold` and `facts`.
        answers: By `id` of their question; others are ignored.
        entails: phi of `eval.alce`; `None` leaves citation recall and precision out.
        abstracts: See `citation_measures`.

    Returns:
        `overall` and `by_kind` summaries, `modes` (share of each, by kind and in all), `refusal` and one row a
        question.
    """
    by_id = {str(answer["id"]): answer for answer in answers}
    rows = []
    for question in questions:
        answer = by_id.get(str(question["id"]), {"error": "no answer"})
        measures = score(question, answer)
        if entails is not None:
            measures |= citation_measures(answer, abstracts or {}, entails)
        row = {"id": question["id"], "kind": question["kind"], "mode": answer.get("mode", "error")}
        rows.append({**row, "question": question.get("question", ""), "measures": measures})
    kinds = dict.fromkeys(row["kind"] for row in rows)
    return {
        "format": FORMAT,
        "questions": len(rows),
        "overall": summarise([row["measures"] for row in rows]),
        "by_kind": {k: summarise([row["measures"] for row in rows if row["kind"] == k]) for k in kinds},
        "modes": {"all": _shares(rows), **{k: _shares([row for row in rows if row["kind"] == k]) for k in kinds}},
        "rows": rows,
    }


def _shares(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    counts = Counter(row["mode"] for row in rows)
    return {mode: counts[mode] / len(rows) for mode in MODES}


def table(report: Mapping[str, Any]) -> str:
    """The report as a Markdown table."""
    names = list(report["overall"])
    lines = ["| kind | n | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    for kind, summary in {**report["by_kind"], "**all**": report["overall"]}.items():
        count = int(max((entry["n"] for entry in summary.values()), default=0))
        cells = [f"{summary[name]['value']:.2f}" if name in summary else "–" for name in names]
        lines.append(f"| {kind} | {count} | " + " | ".join(cells) + " |")
    intervals = ", ".join(
        f"{name} {entry['value']:.2f} [{entry['low']:.2f}, {entry['high']:.2f}]"
        for name, entry in report["overall"].items()
    )
    return "\n".join(lines) + f"\n\nAll questions, 95 % interval: {intervals}\n"
