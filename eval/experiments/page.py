"""A finished experiment as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.experiments.beside import Beside, section
from eval.experiments.experiment import Experiment, Findings
from eval.experiments.items import NAMES, Item, Measure
from eval.experiments.lines import number
from eval.experiments.summary import Analysis, Comparison, Place
from eval.report import Number, Plot, Point, Report, Section, Series, Table, marked
from eval.stats import PERMUTATIONS, RESAMPLES

SHOWN = 6
"""Questions whose answers are shown."""
LONGEST = 180
METHOD = (
    f"Intervals are 95 % percentile bootstrap over questions ({RESAMPLES:,} samples). p is a two-sided paired "
    f"randomisation test ({PERMUTATIONS:,} permutations), corrected after Holm over all comparisons of this page. "
    "Prompts are instruction and documents first, question last; decoding is greedy. A prompt longer than the reader "
    "reads is counted and left out, never cut."
)


def experiment_report(
    experiment: Experiment,
    result: Mapping[str, Any],
    analysis: Analysis,
    findings: Findings,
    items: Sequence[Item],
    other: Beside | None = None,
) -> Report:
    """The page of one run, and of another reader's beside it."""
    measure: Measure = result["measure"]
    verdict = Section("What it says", tuple(result["verdicts"]), (findings.plot,))
    sections = [verdict, *_differences(experiment, analysis)]
    if other is not None:
        log_x = findings.plot.log_x
        sections.insert(1, section(other, NAMES[measure], experiment.x_label, log_x=log_x))
    if findings.more:
        sections.append(Section("Retrieval and reading", (), findings.more))
    sections.append(_reader(result, analysis, NAMES[measure]))
    sections.append(_answers(analysis, items, experiment))
    return Report(
        title=f"{experiment.title}: {result['data']}",
        lead=experiment.question,
        facts=_facts(result),
        sections=tuple(sections),
        footer=METHOD,
    )


def _facts(result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return (
        ("Reader", result["reader"]),
        ("Questions", f"{result['questions']:,} of {result['available']:,}"),
        ("Contexts read", f"{result['read']:,}"),
        ("Seed", str(result["settings"]["seed"])),
        ("Reading took", f"{result['minutes']:.1f} min"),
        ("Made", result["made"]),
    )


def _name(place: Place, experiment: Experiment) -> str:
    return f"{place[0]}, {place[1]} {experiment.x_label}" if experiment.name != "position" else f"place {place[1]}"


def _pair(first: Place, second: Place, experiment: Experiment) -> str:
    """What two conditions share is said once."""
    if experiment.name == "position":
        return f"place {first[1]} − place {second[1]}"
    if first[0] == second[0]:
        return f"{first[0]}: {first[1]} − {second[1]} passages"
    return f"{first[0]} − {second[0]}, {first[1]}"


def _differences(experiment: Experiment, analysis: Analysis) -> list[Section]:
    if not analysis.comparisons:
        return []
    named = [(_pair(c.first, c.second, experiment), c) for c in analysis.comparisons]
    plot = Plot(
        title="Differences with 95 % intervals",
        description="Right of zero the first is better. Hollow: could be chance (p after Holm's correction).",
        kind="dot",
        y_label="Difference",
        signed=True,
        series=(
            Series(
                "Difference",
                tuple(_point(name, c) for name, c in named),
            ),
        ),
    )
    rows = tuple((name, _p(c.p), _p(c.p_holm), Number(c.difference.n, digits=0)) for name, c in named)
    table = Table(("Compared", "p", "p (Holm)", "Questions"), rows, "Marked above where p after Holm is below .05")
    return [Section("Differences", (), (plot, table))]


def _point(name: str, c: Comparison) -> Point:
    found = c.difference
    mark = marked(found.value, is_told_apart=c.is_better or c.is_worse)
    return Point(name, found.value, found.low, found.high, mark)


def _p(p: float) -> Number | str:
    return Number(p) if p >= 0.001 else "< .001"


def _reader(result: Mapping[str, Any], analysis: Analysis, quality: str) -> Section:
    rows = [(name, number(found), Number(found.n, digits=0)) for name, found in analysis.baselines.items()]
    parts: list[Table | Plot] = [Table(("", quality, "Questions"), tuple(rows), "Floor and ceiling of any context")]
    unfit = [c for c in analysis.conditions if c.unfit]
    if unfit:
        left = tuple(
            (
                f"{c.series}, {c.x}",
                Number(c.unfit, digits=0),
                Number(c.tokens, digits=0),
                Number(result["context"], digits=0),
            )
            for c in unfit
        )
        columns = ("Condition", "Prompts too long", "Mean tokens", "The reader reads")
        parts.append(Table(columns, left, "Prompts that did not fit and were left out"))
    text = [f"Quality is the {result['measure_meaning']}.", *result["notes"]]
    if not unfit:
        text.append("Every prompt fitted.")
    return Section("How it was measured", tuple(text), tuple(parts))


def _answers(analysis: Analysis, items: Sequence[Item], experiment: Experiment) -> Section:
    """What was written for a few questions under the first and the last condition, the questions by chance."""
    ends = [(c.series, c.x) for c in analysis.conditions]
    chosen = list(dict.fromkeys((ends[0], ends[-1]))) if ends else []
    by_place = {(row.item, (row.series, row.x)): row for row in analysis.rows}
    rows = []
    for item in items[:SHOWN]:
        found = [by_place.get((item.id, place)) for place in chosen]
        cells = [
            "–"
            if row is None
            else "did not fit"
            if not row.fits
            else f"{_cut(row.answer) or '(nothing)'} ({row.quality:.2f})"
            for row in found
        ]
        rows.append((_cut(item.question), _cut(_wanted(item)), *cells))
    columns = ("Question", "Wanted", *(_name(place, experiment) for place in chosen))
    text = "The first questions of the sample, with the score of each answer. All are in results.jsonl."
    return Section("What was written", (text,), (Table(columns, tuple(rows)),))


def _wanted(item: Item) -> str:
    if item.label:
        return item.label
    return " / ".join(item.answers or [fact[0] for fact in item.facts if fact])


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
