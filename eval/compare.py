"""Which of two configurations is better, and could that be chance?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics import Values
from eval.stats import Array, holm, interval, randomisation_test
from rag.errors import SourceError, UsageError

RESULT = "retrieval.json"
FORMAT = "paperchat-retrieval-1"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One configuration against another under one measure, query by query.

    Attributes:
        system: The one.
        baseline: The other.
        measure: Name of the measure.
        difference: Mean of system minus baseline.
        low: Lower end of the difference's 95 % interval.
        high: Upper end.
        p: Two-sided, paired randomisation test.
        p_holm: The same, corrected for the comparisons under this measure.
        better: Queries on which the system is better.
        worse: Queries on which it is worse; on the rest the two are equal.
    """

    system: str
    baseline: str
    measure: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    better: int
    worse: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def compare(
    values: Mapping[str, Values], pairs: Sequence[tuple[str, str]], measures: Iterable[str]
) -> list[Comparison]:
    """Every pair (system, baseline) under every measure; Holm's correction within a measure.

    Args:
        values: By name; all for the same queries in the same order.
        pairs: Which with which.
        measures: Names.
    """
    compared: list[Comparison] = []
    for measure in measures:
        found = [
            _comparison(s, b, measure, values[s].by_measure[measure], values[b].by_measure[measure]) for s, b in pairs
        ]
        adjusted = holm([comparison.p for comparison in found])
        compared += [replace(c, p_holm=p) for c, p in zip(found, adjusted, strict=True)]
    return compared


def _comparison(system: str, baseline: str, measure: str, ours: Array, theirs: Array) -> Comparison:
    difference = ours - theirs
    low, high = interval(difference)
    p = randomisation_test(ours, theirs)
    better, worse = int(np.count_nonzero(difference > 0)), int(np.count_nonzero(difference < 0))
    return Comparison(system, baseline, measure, float(difference.mean()), low, high, p, p, better, worse)


# --- saved reports ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Saved:
    """A `retrieval.json`, read."""

    path: Path
    result: Mapping[str, Any]

    @property
    def systems(self) -> list[str]:
        """Names of its configurations."""
        return [system["name"] for system in self.result["systems"]]

    def values(self, system: str, queries: Sequence[str], measures: Sequence[str]) -> Values:
        """A configuration's values for these queries."""
        place = {query: row for row, query in enumerate(self.result["queries"])}
        rows = [place[query] for query in queries]
        columns = self.result["per_query"][system]
        return Values(tuple(queries), {m: np.array(columns[m], dtype=np.float64)[rows] for m in measures})


def read_saved(path: Path) -> Saved:
    """A report's JSON file, or the folder that holds it.

    Raises:
        SourceError: It cannot be read or is not such a report.
    """
    path = path / RESULT if path.is_dir() else path
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["format"] != FORMAT:
            raise ValueError(result["format"])
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{path} is not a report of 'paperchat eval retrieval'. Give its {RESULT} or its folder."
        ) from error
    return Saved(path, result)


def compare_saved(first: Saved, second: Saved, chosen: Sequence[str] = ()) -> dict[str, Any]:
    """The second report against the first, configuration by configuration, over the queries they share.

    Args:
        first: The baseline.
        second: What is compared with it.
        chosen: `NAME`, or `NAME_IN_FIRST=NAME_IN_SECOND`; none: every name that both have, or the only
            configuration of each.

    Returns:
        `first`, `second` (paths), `queries`, `left_out` (queries that only one has), `measures`, `pairs`
        (name in first, name in second, and both means) and `comparisons`.

    Raises:
        UsageError: The two share no configuration, query or measure, or a name is unknown.
    """
    pairs = _pairs(first, second, chosen)
    measures = [name for name in first.result["measures"] if name in second.result["measures"]]
    if not measures:
        raise UsageError("The two reports share no measure. Run both with the same --measures.")
    theirs = set(second.result["queries"])
    queries = [query for query in first.result["queries"] if query in theirs]
    if not queries:
        raise UsageError("The two reports share no query. Compare reports on the same data set.")
    values: dict[str, Values] = {}
    named = []
    for a, b in pairs:
        values[f"A: {a}"] = first.values(a, queries, measures)
        values[f"B: {b}"] = second.values(b, queries, measures)
        named.append((f"B: {b}", f"A: {a}"))
    return {
        "format": "paperchat-comparison-1",
        "first": str(first.path),
        "second": str(second.path),
        "dataset": first.result["dataset"],
        "queries": len(queries),
        "left_out": len(first.result["queries"]) + len(theirs) - 2 * len(queries),
        "measures": measures,
        "systems": [
            {"name": name, "measures": {m: {"value": found.mean(m)} for m in measures}}
            for name, found in values.items()
        ],
        "comparisons": [comparison.as_dict() for comparison in compare(values, named, measures)],
    }


def _pairs(first: Saved, second: Saved, chosen: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [(a, b or a) for a, _, b in (name.partition("=") for name in chosen)]
    for saved, side in ((first, 0), (second, 1)):
        for pair in pairs:
            if pair[side] not in saved.systems:
                raise UsageError(
                    f"{saved.path} has no configuration {pair[side]!r}. It has {', '.join(saved.systems)}."
                )
    if pairs:
        return pairs
    shared = [name for name in first.systems if name in second.systems]
    if shared:
        return [(name, name) for name in shared]
    if len(first.systems) == len(second.systems) == 1:
        return [(first.systems[0], second.systems[0])]
    raise UsageError(
        f"The two reports share no configuration ({', '.join(first.systems)}; {', '.join(second.systems)}). "
        "Say which to compare: --system NAME_IN_FIRST=NAME_IN_SECOND."
    )
