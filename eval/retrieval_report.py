"""A retrieval result, and a comparison of two, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.datasets import Dataset
from eval.metrics import first_relevant
from eval.report import Number, Plot, Point, Report, Section, Series, Table, marked
from eval.stats import PERMUTATIONS, RESAMPLES
from eval.svg import figures
from eval.systems import System

Result = Mapping[str, Any]

SIGNIFICANT = 0.05
SHOWN = 10
"""Queries shown on each side of the comparison by query."""
LONGEST = 160
FASTEST = 0.01
"""Milliseconds; what is faster is shown as this."""
METHOD = (
    f"Intervals are 95 % percentile bootstrap over queries ({RESAMPLES:,} samples). p is a two-sided paired "
    f"randomisation test ({PERMUTATIONS:,} permutations), corrected after Holm for the comparisons under one measure. "
    "A query without results counts as zero. Ties are broken as trec_eval does."
)


def retrieval_report(result: Result, dataset: Dataset, measured: Sequence[System]) -> Report:
    """The page of one evaluation."""
    about = result["dataset"]
    split = f", {about['split']}" if about["split"] else ""
    sections = [_overview(result)]
    if len(result["systems"]) > 1:
        sections.append(_differences(result))
    sections.append(_recall(result))
    if any(system["ms"] for system in result["systems"]):
        sections.append(_speed(result))
    sections += _by_query(result, dataset, measured)
    return Report(
        title=f"Retrieval on {_short(about['name'])}{split}",
        lead=_lead(result),
        facts=_facts(result),
        sections=tuple(sections),
        footer=METHOD,
    )


def _lead(result: Result) -> str:
    measure = result["measures"][0]
    best = _best(result)
    found = best["measures"][measure]
    value, low, high = (figures(found[key], 3) for key in ("value", "low", "high"))
    lead = f"{best['name']} scores highest: {measure} {value} (95 % interval {low} to {high})."
    for c in result["comparisons"]:
        if c["system"] == best["name"] and c["measure"] == measure:
            p = f"p = {c['p_holm']:.3f}" if c["p_holm"] >= 0.001 else "p < .001"
            verdict = "is more than chance" if c["p_holm"] < SIGNIFICANT else "could be chance"
            difference = figures(c["difference"], 3, signed=True)
            lead += f" Its difference from {c['baseline']}, {difference}, {verdict} ({p})."
    return lead


def _best(result: Result) -> Mapping[str, Any]:
    measure = result["measures"][0]
    found: Mapping[str, Any] = max(result["systems"], key=lambda system: system["measures"][measure]["value"])
    return found


def _facts(result: Result) -> tuple[tuple[str, str], ...]:
    about, index = result["dataset"], result["index"]
    facts = [("Queries", f"{about['queries']:,}"), ("Relevant judgements", f"{about['relevant']:,}")]
    if index:
        facts += [("Papers", f"{index['papers']:,}"), ("Embedding model", index["embedding_model"])]
    return (*facts, ("Papers asked for", f"{result['depth']}"), ("Made", result["made"]))


def _overview(result: Result) -> Section:
    measure = result["measures"][0]
    meanings = [(s["name"], s["meaning"]) for s in result["systems"] if s["meaning"]]
    bars = Plot(
        title=f"{measure} with 95 % intervals",
        description=f"A bar a configuration; the longer the better. The baseline is {result['baseline']}.",
        kind="bar",
        y_label=measure,
        series=(Series(measure, _points(result, measure)),),
    )
    text = (result["dataset"]["note"],) if result["dataset"]["note"] else ()
    parts: tuple[Table | Plot, ...] = (measures_table(result), bars)
    if meanings:
        parts = (*parts, Table(("Configuration", "What it is"), tuple(meanings)))
    return Section("Measures", text, parts)


def _points(result: Result, measure: str) -> tuple[Point, ...]:
    found = ((system["name"], system["measures"][measure]) for system in result["systems"])
    return tuple(Point(name, m["value"], m.get("low"), m.get("high")) for name, m in found)


def measures_table(result: Result) -> Table:
    """Configurations by measures, the best of each column marked."""
    best: dict[str, float | None] = {}
    for name in result["measures"]:
        values = [system["measures"][name]["value"] for system in result["systems"]]
        best[name] = max(values) if len(set(values)) > 1 else None
    rows = []
    for system in result["systems"]:
        cells = [
            Number(m["value"], m.get("low"), m.get("high"), is_best=m["value"] == best[name])
            for name, m in system["measures"].items()
        ]
        rows.append((system["name"], *cells))
    return Table(("", *result["measures"]), tuple(rows), "Means over queries, with 95 % intervals")


def _differences(result: Result) -> Section:
    measure, baseline = result["measures"][0], result["baseline"]
    compared = [c for c in result["comparisons"] if c["measure"] == measure]
    return Section(
        f"Against {baseline}",
        ("Where an interval holds zero, these queries cannot tell the two apart.",),
        (differences_plot(compared, f"Difference in {measure} from {baseline}"), comparisons_table(result)),
    )


def differences_plot(compared: Sequence[Result], title: str) -> Plot:
    """A dot with its interval for each comparison."""
    points = tuple(
        Point(c["system"], c["difference"], c["low"], c["high"], marked(c["difference"], is_told_apart=_told_apart(c)))
        for c in compared
    )
    return Plot(
        title=title,
        description="Mean over queries with its 95 % interval; right of zero is better. Hollow: could be chance.",
        kind="dot",
        y_label="Difference",
        signed=True,
        series=(Series("Difference", points),),
    )


def comparisons_table(result: Result) -> Table:
    """Configurations by measures: difference, interval and corrected p; marked where p is below .05."""
    names = list(dict.fromkeys(c["system"] for c in result["comparisons"]))
    found = {(c["system"], c["measure"]): c for c in result["comparisons"]}
    rows = tuple((name, *(_difference(found[name, measure]) for measure in result["measures"])) for name in names)
    caption = (
        "Differences with 95 % intervals; coloured, for better or worse, where p after Holm's correction is below .05"
    )
    return Table(("", *result["measures"]), rows, caption)


def _difference(c: Result) -> Number:
    p = f"p = {c['p_holm']:.3f}" if c["p_holm"] >= 0.001 else "p < .001"
    mark = marked(c["difference"], is_told_apart=_told_apart(c))
    best, worse = mark == "better", mark == "worse"
    return Number(c["difference"], c["low"], c["high"], is_best=best, is_worse=worse, signed=True, note=p)


def _told_apart(c: Result) -> bool:
    return bool(c["p_holm"] < SIGNIFICANT)


def _recall(result: Result) -> Section:
    series = tuple(
        Series(name, tuple(Point(at["k"], at["value"], at["low"], at["high"]) for at in curve))
        for name, curve in result["recall_curve"].items()
    )
    plot = Plot(
        title="Recall by rank",
        description="Share of the relevant papers among the first k, mean over queries with 95 % intervals.",
        series=series,
        x_label="k (logarithmic)",
        y_label="R@k",
        log_x=True,
    )
    return Section("How far down the relevant papers are", (), (plot,))


def _speed(result: Result) -> Section:
    timed = [system for system in result["systems"] if system["ms"]]
    embedding = result.get("query_embedding_ms")
    told = "One query at a time, without the embedding of the query"
    if embedding:
        told += f" (median {embedding['median']:.1f} ms, 95th percentile {embedding['p95']:.1f} ms)"
    plot = Plot(
        title="Milliseconds per query",
        description="Median and 95th percentile of each configuration, on a logarithmic axis; to the left is faster.",
        kind="dot",
        y_label="Milliseconds (logarithmic)",
        log_x=True,
        digits=1,
        series=tuple(
            Series(label, tuple(Point(system["name"], max(FASTEST, system["ms"][key])) for system in timed))
            for label, key in (("median", "median"), ("95th percentile", "p95"))
        ),
    )
    return Section("Speed", (f"{told}. Measured on {result['machine']}.",), (plot,))


def _by_query(result: Result, dataset: Dataset, measured: Sequence[System]) -> list[Section]:
    """Where the best configuration gains and loses most against the baseline."""
    measure, baseline = result["measures"][0], result["baseline"]
    best = _best(result)["name"]
    others = [system["name"] for system in result["systems"] if system["name"] != baseline]
    if not others:
        return []
    best = best if best != baseline else others[-1]
    ours, theirs = (result["per_query"][name][measure] for name in (best, baseline))
    runs = {system.name: system.run for system in measured}
    differences = sorted((a - b, query) for a, b, query in zip(ours, theirs, result["queries"], strict=True) if a != b)
    tables = []
    for caption, chosen in (
        (f"Queries on which {best} gains most", [d for d in reversed(differences) if d[0] > 0][:SHOWN]),
        (f"Queries on which {best} loses most", [d for d in differences if d[0] < 0][:SHOWN]),
    ):
        rows = tuple(
            (
                _cut(dataset.queries[query]),
                Number(difference, signed=True),
                _rank(first_relevant(runs[best].get(query, {}), dataset.qrels[query])),
                _rank(first_relevant(runs[baseline].get(query, {}), dataset.qrels[query])),
            )
            for difference, query in chosen
        )
        columns = ("Query", measure, f"First relevant, {best}", f"First relevant, {baseline}")
        if rows:
            tables.append(Table(columns, rows, caption))
    better, worse = sum(d > 0 for d, _ in differences), sum(d < 0 for d, _ in differences)
    text = (
        f"Under {measure}, {best} is better than {baseline} on {better:,} queries, worse on {worse:,} and equal on "
        f"{len(ours) - better - worse:,}. Every query is in queries.tsv.",
    )
    return [Section(f"Query by query: {best} and {baseline}", text, tuple(tables))]


def _rank(rank: int | None) -> Number | None:
    return None if rank is None else Number(rank, digits=0)


def comparison_report(result: Result) -> Report:
    """The page of two saved reports compared."""
    measure = result["measures"][0]
    named = [{**c, "system": f"{c['system']} against {c['baseline']}"} for c in result["comparisons"]]
    compared = [c for c in named if c["measure"] == measure]
    table = comparisons_table({**result, "comparisons": named})
    facts = (("A", result["first"]), ("B", result["second"]), ("Queries in both", f"{result['queries']:,}"))
    left_out = (
        (f"{result['left_out']:,} queries are in one of the two only and left out.",) if result["left_out"] else ()
    )
    sections = (
        Section("Measures", left_out, (measures_table(result),)),
        Section("B against A", (), (differences_plot(compared, f"Difference in {measure}"), table)),
    )
    return Report(f"Two evaluations on {_short(result['dataset']['name'])}", "", facts, sections, METHOD)


def _short(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2] if not name.startswith("ir_datasets:") else name


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
