"""An evaluation of answers as a page, and its table of questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval.answers import MODES, RESAMPLES
from eval.report import Number, Plot, Point, Report, Section, Series, Table
from eval.svg import figures

Result = Mapping[str, Any]

MEANINGS = {
    "right_first": "A gold paper is ranked first",
    "recall@5": "Share of the gold papers among the first five retrieved",
    "facts": "Share of the expected facts that the answer states",
    "cites_gold": "Share of citations whose paper is a gold paper",
    "gold_cited": "Share of the gold papers that are cited",
    "citation_recall": "ALCE: share of sentences that their citations together carry",
    "citation_precision": "ALCE: share of citations that are needed by a sentence that is carried",
    "written_recall": "Citation recall of the sentences that the model wrote",
    "rouge_l": "ROUGE-L (F1) against the nearest reference answer; a refusal has 0",
    "evidence_used": "Answers that hold or show a sentence marked as evidence",
    "generated": "Answerable questions that the model answered in words of its own",
    "refused_wrong": "Answerable questions that were refused",
    "refused_right": "Unanswerable questions that were refused",
    "unsupported_shown": "Sentences shown although the program itself calls them unsupported, per question",
    "error": "Questions that failed or have no answer",
    "first_token_s": "Seconds until the first token, median",
    "total_s": "Seconds until the answer was complete, median",
}
# What stands in the tables by kind and by question; the rest is in the files.
SHOWN = ("facts", "cites_gold", "gold_cited", "citation_recall", "citation_precision", "refused_wrong", "refused_right")
LONGEST = 120
METHOD = (
    f"Intervals are 95 % percentile bootstrap over questions ({RESAMPLES:,} samples). Citation recall and precision "
    "are ALCE's (Gao et al., 2023), with this program's support checker in the place of its NLI model, as means over "
    "answers. Refusals make no statement and take no part in them; quoted sentences do. A question that failed "
    "counts as nothing found."
)


def answer_report(result: Result) -> Report:
    """The page of one evaluation."""
    source = str(result.get("questions_file", "")).rpartition("/")[2]
    facts = [("Questions", f"{result['questions']:,}")]
    if result.get("models"):
        facts.append(("Language model", ", ".join(result["models"])))
    if "passages" in result:
        sort = result["passages"]
        facts.append(("Citations checked against", f"{sort['abstracts']} abstracts, {sort['evidence']} shown evidence"))
    facts.append(("Made", str(result.get("made", ""))))
    sections = [_overall(result), _by_kind(result), _modes(result)]
    if result.get("refusal"):
        sections.append(_refusals(result))
    sections.append(_questions(result))
    return Report(f"Answers to {source}", _lead(result), tuple(facts), tuple(sections), METHOD)


def _lead(result: Result) -> str:
    overall = result["overall"]
    told = [
        f"{words} {figures(overall[name]['value'], 2)} ({figures(overall[name]['low'], 2)} to "
        f"{figures(overall[name]['high'], 2)})"
        for name, words in (
            ("facts", "expected facts stated"),
            ("citation_recall", "citation recall"),
            ("citation_precision", "citation precision"),
        )
        if name in overall
    ]
    return f"{'; '.join(told)}.".capitalize() if told else ""


def _overall(result: Result) -> Section:
    overall = result["overall"]
    rows = tuple(
        (name, Number(m["value"], m["low"], m["high"]), Number(m["n"], digits=0), MEANINGS.get(name, ""))
        for name, m in overall.items()
    )
    shares = {name: m for name, m in overall.items() if not name.endswith("_s") and name != "unsupported_shown"}
    plot = Plot(
        title="Measures with 95 % intervals",
        description="Shares over all questions to which a measure applies.",
        kind="dot",
        y_label="Share",
        series=(Series("share", tuple(Point(name, m["value"], m["low"], m["high"]) for name, m in shares.items())),),
    )
    table = Table(("", "Value, 95 % interval", "Questions", "What it is"), rows)
    return Section("Measures", (), (table, plot))


def _by_kind(result: Result) -> Section:
    kinds = result["by_kind"]
    names = [name for name in SHOWN if any(name in summary for summary in kinds.values())]
    counts = {kind: sum(row["kind"] == kind for row in result["rows"]) for kind in kinds}
    rows = tuple(
        (
            kind,
            Number(counts[kind], digits=0),
            *(
                Number(m["value"], m["low"], m["high"], digits=2) if (m := summary.get(name)) else None
                for name in names
            ),
        )
        for kind, summary in kinds.items()
    )
    return Section("By kind of question", (), (Table(("Kind", "Questions", *names), rows),))


def _modes(result: Result) -> Section:
    shares = result["modes"]
    used = [mode for mode in MODES if any(found[mode] for found in shares.values())]
    plot = Plot(
        title="How answers came about",
        description="Share of questions by mode of their answer, for each kind of question.",
        kind="bar",
        y_label="Share",
        digits=2,
        series=tuple(Series(mode, tuple(Point(kind, found[mode]) for kind, found in shares.items())) for mode in used),
    )
    return Section("Modes", ("Written by the model, quoted from abstracts, refused, or failed.",), (plot,))


def _refusals(result: Result) -> Section:
    words = {
        "precision": "refused questions that are unanswerable",
        "recall": "unanswerable questions that were refused",
        "f1": "harmonic mean of the two",
        "wrong_refusals": "answerable questions that were refused",
    }
    rows = tuple((name, Number(m["value"], m["low"], m["high"]), words[name]) for name, m in result["refusal"].items())
    text = "Risk against coverage, and other thresholds: paperchat eval refusal."
    return Section("Refusals", (text,), (Table(("", "Value, 95 % interval", "What it is"), rows),))


def _questions(result: Result) -> Section:
    names = [name for name in (*SHOWN[:5], "total_s") if name in result["overall"]]
    rows = tuple(
        (
            str(row["id"]),
            row["kind"],
            _cut(str(row["question"])),
            row["mode"],
            *(None if (value := row["measures"].get(name)) is None else Number(value, digits=2) for name in names),
        )
        for row in result["rows"]
    )
    return Section("Every question", (), (Table(("Id", "Kind", "Question", "Mode", *names), rows),))


def per_question_table(result: Result) -> str:
    """Tab-separated: id, kind, mode, question and every measure; empty where one does not apply."""
    names = list(dict.fromkeys(name for row in result["rows"] for name in row["measures"]))
    lines = ["\t".join(["id", "kind", "mode", "question", *names])]
    for row in result["rows"]:
        cells = [str(row["id"]), row["kind"], row["mode"], " ".join(str(row["question"]).split())]
        values = (row["measures"].get(name) for name in names)
        lines.append("\t".join([*cells, *("" if value is None else f"{value:.4g}" for value in values)]))
    return "\n".join(lines) + "\n"


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
