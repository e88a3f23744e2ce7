"""A refusal result as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval.report import Number, Plot, Point, Report, Section, Series, Table
from eval.selective import RESAMPLES
from eval.svg import figures

Result = Mapping[str, Any]

MEANINGS = {
    "precision": "Refusals that were right: share of refused questions that are unanswerable",
    "recall": "Unanswerable questions that were refused",
    "f1": "Harmonic mean of the two",
    "wrong_refusals": "Answerable questions that were refused",
    "coverage": "Questions that were answered",
    "risk": "Answers given that are wrong: the question is unanswerable, or no citation is a gold paper",
    "auroc": "Chance that an answerable question scores above an unanswerable one",
    "aurc": "Mean risk while ever more questions are answered, best scored first; the smaller the better",
}
DRAWN = 60
"""Most points of the risk-coverage curve that are drawn."""
METHOD = (
    f"Intervals are 95 % percentile bootstrap over questions ({RESAMPLES:,} samples); a question asked with and "
    "without its gold paper is drawn as one. Every question is answered whatever its score, so that the answer can "
    "be judged; the threshold is applied afterwards. Where gold papers are left out, another paper may answer the "
    "question all the same."
)


def refusal_report(result: Result) -> Report:
    """The page of one evaluation."""
    counts, measures = result["counts"], result["measures"]
    told = [
        f"{_with_interval(measures[name])} of {what}"
        for name, what in (
            ("recall", "the unanswerable questions are refused"),
            ("wrong_refusals", "the answerable ones"),
        )
        if name in measures
    ]
    facts = (
        ("Questions", f"{counts['questions']:,}"),
        ("Answerable", f"{counts['answerable']:,}"),
        ("Unanswerable", f"{counts['unanswerable']:,}"),
        ("Threshold", f"{result['threshold']:g}"),
        *((("Papers", f"{result['index']['papers']:,}"),) if "index" in result else ()),
        ("Made", result["made"]),
    )
    source = str(result["source"]).rstrip("/").rpartition("/")[2]
    return Report(
        f"Refusals on {source}",
        f"With the threshold in use, {', and '.join(told)}." if told else "",
        facts,
        (_measures(result), _by_kind(result), _risk_coverage(result), _sweep(result)),
        METHOD,
    )


def _with_interval(found: Mapping[str, float]) -> str:
    value, low, high = (figures(found[key], 3) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _measures(result: Result) -> Section:
    rows = tuple(
        (name, Number(m["value"], m["low"], m["high"]), MEANINGS[name]) for name, m in result["measures"].items()
    )
    return Section("Measures", (), (Table(("", "Value, 95 % interval", "What it is"), rows),))


def _by_kind(result: Result) -> Section:
    columns = ("questions", "answerable", "refused_wrong", "unanswerable", "refused_right", "refused_by_rule")
    rows = tuple(
        (kind or "–", *(Number(counts[column], digits=0) for column in columns))
        for kind, counts in {**result["by_kind"], "all": result["counts"]}.items()
    )
    heads = ("Kind", "Questions", "Answerable", "refused", "Unanswerable", "refused", "Refused by rule")
    text = (
        "Refused by rule, whatever the score: small talk, numbers that the abstracts do not state, conditions that no "
        "paper meets. What the records tell (counts, dates, authors) is answered whatever the score."
    )
    return Section("By kind of question", (text,), (Table(heads, rows),))


def _risk_coverage(result: Result) -> Section:
    points = result["risk_coverage"]
    step = max(1, -(-len(points) // DRAWN))
    drawn = [*points[::step], *([points[-1]] if points and (len(points) - 1) % step else [])]
    m = result["measures"]
    series = [Series("by score", tuple(Point(round(p["coverage"], 3), p["risk"]) for p in drawn))]
    if "risk" in m and "coverage" in m:
        in_use = Point(round(m["coverage"]["value"], 3), m["risk"]["value"], m["risk"]["low"], m["risk"]["high"])
        series.append(Series(f"threshold {result['threshold']:g}", (in_use,)))
    references = result["aurc_references"]
    text: tuple[str, ...] = ()
    if "aurc" in m and {"best", "random"} <= references.keys():
        text = (
            f"Area under the curve {figures(m['aurc']['value'], 3)}; a score that puts every right answer first "
            f"would have {figures(references['best'], 3)}, a random one about {figures(references['random'], 3)}.",
        )
    plot = Plot(
        title="Risk against coverage",
        description="Share of wrong answers while the best covered questions are answered; lower is better.",
        series=tuple(series),
        x_label="Coverage: share of questions answered",
        y_label="Risk",
        from_zero=True,
    )
    return Section("Does the score know?", text, (plot,))


def _sweep(result: Result) -> Section:
    points = result["sweep"]
    names = {
        "recall": "unanswerable refused",
        "wrong_refusals": "answerable refused",
        "precision": "refusals that are right",
    }
    series = tuple(
        Series(label, tuple(Point(p["threshold"], p[name]) for p in points if name in p))
        for name, label in names.items()
    )
    plot = Plot(
        title="Refusals at other thresholds",
        description="What would be refused if the threshold stood elsewhere; the table names the one in use.",
        series=series,
        kind="curve",
        x_label="Threshold (setting refuse_below)",
        y_label="Share",
        from_zero=True,
    )
    best, used = result["best_threshold"], result["threshold"]
    marked = {
        used: "in use",
        **({best: "best here" if best != used else "in use, best here"} if best is not None else {}),
    }
    chosen = [point for point in points if point["threshold"] in marked]
    columns = ("recall", "wrong_refusals", "precision", "coverage", "risk")
    rows = tuple(
        (
            f"{p['threshold']:g} ({marked[p['threshold']]})",
            *(Number(p[c]) if c in p else None for c in columns),
        )
        for p in chosen
    )
    text = (
        "The best threshold here has the largest difference between the two shares refused. It is chosen on these "
        "very questions: confirm it on others before setting refuse_below.",
    )
    heads = ("Threshold", "Unanswerable refused", "Answerable refused", "Precision", "Coverage", "Risk")
    return Section("The threshold", text, (plot, Table(heads, rows)))
