"""How well scores tell true claims from false ones: area under the ROC curve, calibration, false accepts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESAMPLES = 1000
BINS = 10
ALIKE = 2
"""Words by which the lengths of two claims may differ to count as alike."""


def auc(truth: Sequence[float] | Array, scores: Sequence[float] | Array) -> float:
    """Chance that a true claim scores above a false one, ties counting half; NaN where one of them is missing."""
    true, values = np.asarray(truth) > 0, np.asarray(scores, dtype=np.float64)
    positive, negative = int(true.sum()), int((~true).sum())
    if not positive or not negative:
        return float("nan")
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((ranks[true].sum() - positive * (positive + 1) / 2) / (positive * negative))


def auc_of_like_length(truth: Array, scores: Array, lengths: Array) -> float:
    """The same over pairs of claims of nearly one length: what is left when length tells nothing."""
    true = truth > 0
    alike = np.abs(lengths[true][:, None] - lengths[~true][None]) <= ALIKE
    above = scores[true][:, None] > scores[~true][None]
    same = scores[true][:, None] == scores[~true][None]
    return float(((above + 0.5 * same) * alike).sum() / alike.sum())


def auc_interval(truth: Array, scores: Array, groups: Sequence[str], seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap interval, drawing whole groups (abstracts), since their claims are no independent."""
    if not len(truth):
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    names = sorted(set(groups))
    rows = [np.flatnonzero(np.array([group == name for group in groups])) for name in names]
    found = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        found.append(auc(truth[drawn], scores[drawn]))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)


def roc(truth: Array, scores: Array) -> list[tuple[float, float]]:
    """Share of false and of true claims above each threshold, from none to all."""
    order = np.argsort(-scores, kind="stable")
    true = truth[order] > 0
    last = np.r_[np.diff(scores[order]) != 0, True]
    true_share = np.cumsum(true)[last] / max(1, true.sum())
    false_share = np.cumsum(~true)[last] / max(1, (~true).sum())
    return [(0.0, 0.0), *zip(false_share.tolist(), true_share.tolist(), strict=True)]


def calibration(truth: Array, scores: Array) -> list[dict[str, float]]:
    """In ten bins of equal width: how many claims, their mean score, and the share of true ones."""
    place = np.minimum((scores * BINS).astype(int), BINS - 1)
    return [
        {
            "claims": int((place == i).sum()),
            "score": float(scores[place == i].mean()),
            "true": float(truth[place == i].mean()),
        }
        for i in range(BINS)
        if (place == i).any()
    ]


def calibration_error(truth: Array, scores: Array) -> float:
    """Expected calibration error (Naeini et al. 2015): mean distance of score and share of true, by claims."""
    return sum(abs(b["score"] - b["true"]) * b["claims"] for b in calibration(truth, scores)) / len(truth)
