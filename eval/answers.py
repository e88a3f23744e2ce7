"""Scores answers against questions with gold papers and expected facts.

A fact counts where one of its wordings occurs in the answer's text; a citation counts where its
paper is one of the gold papers. Intervals are 95 % percentile bootstrap over questions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import UsageError
from rag.text import readable, searchable

Row = Mapping[str, float | None]
RESAMPLES = 2000
RECALL_AT = 5


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Objects of a JSON lines file.

    Raises:
        UsageError: It cannot be read or a line is no JSON object.
    """
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON lines ({error}).") from error
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{path} holds a line that is no JSON object.")
    return rows


def folded(text: str) -> str:
    """Text as facts and titles are compared: LaTeX resolved, lower case, single spaces."""
    return re.sub(r"\s+", " ", searchable(readable(text)).lower()).strip()


def score(question: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, float | None]:
    """Measures of one answer; `None` where a measure does not apply."""
    gold = {folded(entry) for entry in question["gold"]}
    refused = answer.get("mode") == "refused"
    if not gold:
        return {"refused_right": float(refused), "refused_wrong": None, "error": float("error" in answer)}
    if "error" in answer:
        # A question that failed is a question not answered: it counts as nothing found.
        zeros = dict.fromkeys(("right_first", "recall@5", "generated", "refused_wrong", "unsupported_shown"), 0.0)
        return {**zeros, "facts": 0.0 if question["facts"] else None, "error": 1.0}

    def is_gold(entry: Mapping[str, Any]) -> bool:
        return folded(entry["paper_id"]) in gold or folded(entry["title"]) in gold

    retrieved = [is_gold(entry) for entry in answer["retrieved"]]
    text = folded(answer["answer"]) if not refused else ""
    facts = [any(folded(wording) in text for wording in fact) for fact in question["facts"]]
    papers = {c["number"]: is_gold(c) for c in answer["citations"]}
    cited = [papers[n] for sentence in answer["sentences"] for n in sentence["citations"]]
    return {
        "right_first": float(bool(retrieved) and retrieved[0]),
        "recall@5": sum(retrieved[:RECALL_AT]) / min(RECALL_AT, len(gold)),
        "facts": float(np.mean(facts)) if facts else None,
        "cites_gold": float(np.mean(cited)) if cited else None,
        "generated": float(answer["mode"] == "generated"),
        "refused_wrong": float(refused),
        "unsupported_shown": float(
            sum(sentence["support"]["verdict"] == "unsupported" for sentence in answer["sentences"])
        ),
        "first_token_s": (answer["timings"]["first_token_ms"] or 0) / 1000,
        "total_s": answer["timings"]["total_ms"] / 1000,
        "error": 0.0,
    }


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


def evaluate(questions: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Scores every question, by kind and in all; a question without an answer counts as an error.

    Returns:
        `overall` and `by_kind` summaries and one row a question.
    """
    by_id = {str(answer["id"]): answer for answer in answers}
    rows = []
    for question in questions:
        answer = by_id.get(str(question["id"]), {"error": "no answer"})
        row = {"id": question["id"], "kind": question["kind"], "mode": answer.get("mode", "error")}
        rows.append({**row, "measures": score(question, answer)})
    kinds = dict.fromkeys(row["kind"] for row in rows)
    return {
        "questions": len(rows),
        "overall": summarise([row["measures"] for row in rows]),
        "by_kind": {k: summarise([row["measures"] for row in rows if row["kind"] == k]) for k in kinds},
        "rows": rows,
    }


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
