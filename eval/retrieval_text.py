"""A retrieval result as text: the per-query table, and a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.datasets import Dataset
from eval.metrics import first_relevant
from eval.systems import System

Result = Mapping[str, Any]


def per_query_table(result: Result, dataset: Dataset, measured: Sequence[System]) -> str:
    """Tab-separated: id, text, relevant papers, and for each configuration the first relevant rank and measures."""
    names = [system["name"] for system in result["systems"]]
    runs = {system.name: system.run for system in measured}
    columns = ["query_id", "query", "relevant"]
    columns += [f"{name}:{column}" for name in names for column in ("first", *result["measures"])]
    lines = ["\t".join(columns)]
    for row, query in enumerate(result["queries"]):
        judged = dataset.qrels[query]
        cells = [query, " ".join(dataset.queries[query].split()), str(sum(value > 0 for value in judged.values()))]
        for name in names:
            cells.append(str(first_relevant(runs[name].get(query, {}), judged) or ""))
            cells += [f"{result['per_query'][name][measure][row]:.4f}" for measure in result["measures"]]
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


def terminal_table(result: Result) -> str:
    """Measures and comparisons for a terminal."""
    width = max(len(system["name"]) for system in result["systems"]) + 2
    lines = [" " * width + "".join(f"{measure:>24}" for measure in result["measures"])]
    for system in result["systems"]:
        cells = "".join(f"{with_interval(m):>24}" for m in system["measures"].values())
        ms = f"   {system['ms']['median']:.1f} ms (p95 {system['ms']['p95']:.1f})" if system.get("ms") else ""
        lines.append(f"{system['name']:<{width}}{cells}{ms}")
    lines += [""] if result["comparisons"] else []
    lines += [
        f"{c['system']} against {c['baseline']}, {c['measure']}: {c['difference']:+.3f} "
        f"[{c['low']:+.3f}, {c['high']:+.3f}], p = {c['p']:.4f}, {c['p_holm']:.4f} after Holm"
        for c in result["comparisons"]
        if c["measure"] == result["measures"][0]
    ]
    return "\n".join(lines)


def with_interval(found: Mapping[str, float]) -> str:
    """A value with its interval, where it has one."""
    value = f"{found['value']:.3f}"
    return f"{value} [{found['low']:.3f}, {found['high']:.3f}]" if "low" in found else value
