"""Measures of a ranking under their standard names, computed by `ir_measures` (MacAvaney et al., ECIR 2022).

Two things are settled here rather than left to whichever library computes a measure:

- Every judged query counts. One without results, or missing from the run, has the measure's value for
  an empty ranking, which is zero; so has one whose judgements name no relevant document.
- Ties are broken as trec_eval does: scores are compared in single precision, equal ones by document id,
  the larger (in bytes) first. `ir_measures` alone leaves this to its back-ends, which do not agree
  (its RR and RR@10 give two answers on one tied run).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import UsageError

DEFAULT_MEASURES = ("nDCG@10", "R@5", "R@100", "RR", "AP", "P@5")

PerQuery = Mapping[str, Mapping[str, float]]
"""Value by query id by measure name."""


@dataclass(frozen=True)
class Values:
    """A run's values for every judged query.

    Attributes:
        queries: Ids, in order.
        by_measure: Measure name to values of shape (queries,).
    """

    queries: tuple[str, ...]
    by_measure: Mapping[str, NDArray[np.float64]]

    def mean(self, measure: str) -> float:
        """The mean over all judged queries."""
        return float(self.by_measure[measure].mean())


def split_names(text: str) -> list[str]:
    """Names of measures out of one text, parted by spaces or commas; what is in brackets stays together."""
    return [name for name in re.split(r"[,\s]+(?![^(]*\))", text) if name]


def parse(names: Iterable[str]) -> list[Any]:
    """`ir_measures` measures, in order, each once.

    Raises:
        UsageError: A name is not a measure, or one that has no mean over queries.
    """
    import ir_measures

    measures: dict[str, Any] = {}
    for name in names:
        try:
            measure = ir_measures.parse_measure(name)
            measure.validate_params()
            averaged = type(measure.aggregator()).__name__ == "MeanAgg"
        except (ValueError, NameError, TypeError, AttributeError, KeyError, AssertionError) as error:
            raise UsageError(
                f"{name!r} is no measure ({error}). Write them as ir_measures does: {', '.join(DEFAULT_MEASURES)}."
            ) from error
        if not averaged:
            raise UsageError(f"{name} counts over all queries and has no value for one. Choose a measure with a mean.")
        measures[str(measure)] = measure
    if not measures:
        raise UsageError(f"No measure is given. Leave --measures out for {', '.join(DEFAULT_MEASURES)}.")
    return list(measures.values())


def cutoff(measure: Any) -> int:
    """The rank down to which a measure looks; 0 where it looks at all."""
    value = measure.params.get("cutoff", 0)
    return value if isinstance(value, int) else 0


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Document ids, best first, as trec_eval orders them."""
    with np.errstate(over="ignore"):
        single = {document: float(np.float32(score)) for document, score in scores.items()}
    return sorted(single, key=lambda document: (single[document], document.encode()), reverse=True)


def evaluate(
    run: Mapping[str, Mapping[str, float]], qrels: Mapping[str, Mapping[str, int]], measures: Sequence[Any]
) -> Values:
    """Values of `measures` for every query of `qrels`; queries that only the run has are left out.

    Args:
        run: Score by document id by query id.
        qrels: Relevance by document id by query id.
        measures: From `parse`.

    Raises:
        UsageError: A measure needs a library that is not installed, or it cannot be computed here.
    """
    import ir_measures

    queries = tuple(qrels)
    place = {query: row for row, query in enumerate(queries)}
    # Ranks in place of scores: every back-end then sees trec_eval's order, without a tie.
    ranks = {
        query: {document: float(-rank) for rank, document in enumerate(ranked(run[query]))}
        for query in queries
        if run.get(query)
    }
    values = {str(measure): np.full(len(queries), float(measure.DEFAULT)) for measure in measures}
    try:
        judged = {query: dict(documents) for query, documents in qrels.items()}
        for found in ir_measures.DefaultPipeline.evaluator(list(measures), judged).iter_calc(ranks):
            values[str(found.measure)][place[found.query_id]] = found.value
    except Exception as error:  # its back-ends call other programs, whose errors share no base class
        names = ", ".join(values)
        raise UsageError(
            f"{names} cannot be computed here ({type(error).__name__}: {error}). Leave the measure at fault out."
        ) from error
    return Values(queries, values)


def first_relevant(run: Mapping[str, float], judged: Mapping[str, int]) -> int | None:
    """Rank of the first relevant document, from 1; `None` where there is none."""
    order = ranked(run)
    return next((rank for rank, document in enumerate(order, start=1) if judged.get(document, 0) > 0), None)
