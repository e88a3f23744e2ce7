"""Selective answering: how well a system knows when not to answer.

The question to ask of it is twofold: are the right questions refused (precision and recall of refusals), and does
its score put answers that are wrong below those that are right (risk against coverage; El-Yaniv and Wiener, JMLR
2010; area under it, AURC: Geifman, Uziel and El-Yaniv, ICLR 2019)?

An answer is wrong where its question is unanswerable, or where none of its citations is a gold paper. Intervals
are 95 % percentile bootstrap over questions; a question asked twice, with its gold paper and without, is drawn
as one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
STEPS = 40
"""Most thresholds of a sweep."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Decision:
    """A question and what became of it.

    Attributes:
        id: Of the question as it was asked.
        group: The question it was made from.
        kind: Of question; told in the tables.
        is_answerable: Do papers of the collection answer it?
        score: How well the collection covers it; below the threshold it is refused.
        is_refused: Was it, at the threshold in use?
        by_rule: Refused whatever the score: small talk, or a number that the abstracts do not state.
        is_right: Does the answer, given or forced, cite a gold paper?
    """

    id: str
    group: str
    kind: str
    is_answerable: bool
    score: float
    is_refused: bool
    by_rule: bool
    is_right: bool


@dataclass(frozen=True, slots=True)
class Decisions:
    """The same by column, each of shape (questions,)."""

    answerable: Bools
    refused: Bools
    by_rule: Bools
    right: Bools
    scores: Floats

    @classmethod
    def of(cls, rows: Sequence[Decision]) -> Decisions:
        """Columns out of rows."""
        return cls(
            np.array([row.is_answerable for row in rows], dtype=bool),
            np.array([row.is_refused for row in rows], dtype=bool),
            np.array([row.by_rule for row in rows], dtype=bool),
            np.array([row.is_right for row in rows], dtype=bool),
            np.array([row.score for row in rows], dtype=np.float64),
        )

    def at(self, threshold: float) -> Decisions:
        """What would have been refused at another threshold."""
        return Decisions(
            self.answerable, self.by_rule | (self.scores < threshold), self.by_rule, self.right, self.scores
        )

    def taken(self, places: NDArray[np.intp]) -> Decisions:
        """Some of them, some more than once."""
        return Decisions(
            self.answerable[places],
            self.refused[places],
            self.by_rule[places],
            self.right[places],
            self.scores[places],
        )


Measure = Callable[[Decisions], float]
"""A figure; `nan` where there is nothing to count."""


def precision(d: Decisions) -> float:
    """Share of refusals that were right to refuse."""
    return _share(~d.answerable, d.refused)


def recall(d: Decisions) -> float:
    """Share of unanswerable questions that were refused."""
    return _share(d.refused, ~d.answerable)


def f1(d: Decisions) -> float:
    """Harmonic mean of the two."""
    refused_right = int((d.refused & ~d.answerable).sum())
    total = int(d.refused.sum() + (~d.answerable).sum())
    return 2 * refused_right / total if total else float("nan")


def wrong_refusals(d: Decisions) -> float:
    """Share of answerable questions that were refused."""
    return _share(d.refused, d.answerable)


def coverage(d: Decisions) -> float:
    """Share of questions that were answered."""
    return _share(~d.refused, np.ones_like(d.refused))


def risk(d: Decisions) -> float:
    """Share of the answers given that are wrong."""
    return _share(~(d.right & d.answerable), ~d.refused)


def aurc(d: Decisions) -> float:
    """Mean risk while the best scored 1, 2, ... questions are answered; those refused by rule never are.

    Equal scores are answered in random order: the expected risk is taken.
    """
    _, errors = _errors(d)
    return float(np.mean(errors / np.arange(1, len(errors) + 1))) if len(errors) else float("nan")


def best_aurc(d: Decisions) -> float:
    """The AURC of a score that puts every right answer first."""
    right = (d.right & d.answerable)[~d.by_rule].astype(np.float64)
    return aurc(Decisions(d.answerable[~d.by_rule], d.refused[~d.by_rule], d.by_rule[~d.by_rule], right > 0, right))


def auroc(d: Decisions) -> float:
    """Chance that an answerable question has a higher score than an unanswerable one; a tie is half a chance."""
    positive, negative = np.sort(d.scores[d.answerable]), d.scores[~d.answerable]
    if not len(positive) or not len(negative):
        return float("nan")
    below, up_to = (np.searchsorted(positive, negative, side=side) for side in ("left", "right"))
    return float(1 - (below + up_to).mean() / 2 / len(positive))


MEASURES: Mapping[str, Measure] = {
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "wrong_refusals": wrong_refusals,
    "coverage": coverage,
    "risk": risk,
    "auroc": auroc,
    "aurc": aurc,
}


def measure(rows: Sequence[Decision]) -> dict[str, dict[str, float]]:
    """Every measure with its interval; one that has nothing to count is left out."""
    columns = Decisions.of(rows)
    members = _groups(rows)
    rng = np.random.default_rng(0)
    drawn = [
        columns.taken(np.concatenate([members[place] for place in rng.integers(0, len(members), len(members))]))
        for _ in range(RESAMPLES)
    ]
    found: dict[str, dict[str, float]] = {}
    for name, of in MEASURES.items():
        value = of(columns)
        if np.isfinite(value):
            low, high = np.nanpercentile([of(sample) for sample in drawn], [2.5, 97.5])
            found[name] = {"value": value, "low": float(low), "high": float(high)}
    return found


def counts(rows: Sequence[Decision]) -> dict[str, int]:
    """How many questions of each sort."""
    d = Decisions.of(rows)
    return {
        "questions": len(rows),
        "answerable": int(d.answerable.sum()),
        "unanswerable": int((~d.answerable).sum()),
        "refused": int(d.refused.sum()),
        "refused_right": int((d.refused & ~d.answerable).sum()),
        "refused_wrong": int((d.refused & d.answerable).sum()),
        "refused_by_rule": int(d.by_rule.sum()),
    }


def risk_coverage(rows: Sequence[Decision]) -> list[dict[str, float]]:
    """Risk at every threshold that a question's score sets: `threshold`, `coverage`, `risk`, best scored first."""
    d = Decisions.of(rows)
    scores, errors = _errors(d)
    points = []
    for answered in range(1, len(scores) + 1):
        if answered == len(scores) or scores[answered] < scores[answered - 1]:
            value = errors[answered - 1] / answered
            points.append(
                {
                    "threshold": float(scores[answered - 1]),
                    "coverage": answered / len(rows),
                    "risk": float(value),
                }
            )
    return points


def sweep(rows: Sequence[Decision], threshold: float) -> list[dict[str, float]]:
    """Precision, recall, wrong refusals, coverage and risk at thresholds over the range of scores.

    Args:
        rows: What was decided.
        threshold: The one in use, which takes part.
    """
    d = Decisions.of(rows)
    quantiles = np.quantile(d.scores, np.linspace(0, 1, STEPS)).tolist()
    places = sorted({*(round(value, 3) for value in quantiles), threshold})
    chosen = ("precision", "recall", "wrong_refusals", "coverage", "risk")
    points = []
    for place in places:
        values = {name: MEASURES[name](d.at(place)) for name in chosen}
        points.append({"threshold": place, **{n: v for n, v in values.items() if np.isfinite(v)}})
    return points


def best_threshold(points: Sequence[Mapping[str, float]]) -> float | None:
    """Where recall exceeds wrong refusals most (Youden's J); the lowest of equals. `None` without both sorts."""
    both = [point for point in points if "recall" in point and "wrong_refusals" in point]
    return max(both, key=lambda p: (p["recall"] - p["wrong_refusals"], -p["threshold"]))["threshold"] if both else None


def _errors(d: Decisions) -> tuple[Floats, Floats]:
    """Scores, falling, and the expected number of wrong answers among the first 1, 2, ...; by rule left out."""
    scores, wrong = d.scores[~d.by_rule], ~(d.right & d.answerable)[~d.by_rule]
    order = np.argsort(-scores, kind="stable")
    scores, summed = scores[order], np.cumsum(wrong[order], dtype=np.float64)
    if not len(scores):
        return scores, summed
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    return scores, np.interp(np.arange(1, len(scores) + 1), [0, *(ends + 1)], [0.0, *summed[ends]])


def _groups(rows: Sequence[Decision]) -> list[NDArray[np.intp]]:
    members: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        members.setdefault(row.group, []).append(place)
    return [np.array(places, dtype=np.intp) for places in members.values()]


def _share(of: Bools, among: Bools) -> float:
    total = int(among.sum())
    return int((of & among).sum()) / total if total else float("nan")


def summary(rows: Sequence[Decision], threshold: float) -> dict[str, Any]:
    """Everything above about one set of questions."""
    points = sweep(rows, threshold)
    d = Decisions.of(rows)
    references = {"best": best_aurc(d), "random": risk(d.at(-np.inf))}
    return {
        "threshold": threshold,
        "counts": counts(rows),
        "measures": measure(rows),
        "aurc_references": {name: value for name, value in references.items() if np.isfinite(value)},
        "best_threshold": best_threshold(points),
        "risk_coverage": risk_coverage(rows),
        "sweep": points,
    }
