"""Gradient-boosted trees on a few thousand rows (Friedman 2001), small enough to read, with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.support_model import Tree

Array = NDArray[np.float64]

TREES = 80
DEPTH = 3
RATE = 0.08
"""Share of each tree's step that is taken."""
LEAF_PENALTY = 3.0
LEAST_ROWS = 6
LEAST_GAIN = 1e-3
ROWS, COLUMNS = 0.7, 0.6
"""Shares drawn for each tree."""
CUTS = 24
"""Thresholds tried in each column."""


def boost(features: Array, truth: Array, weights: Array, seed: int = 0) -> tuple[float, list[Tree]]:
    """Trees for the log-odds of `truth`.

    Args:
        features: Shape (rows, features).
        truth: 0 or 1, shape (rows,).
        weights: Of the rows.
        seed: Of the drawing.

    Returns:
        The constant and the trees that are added to it.
    """
    rng = np.random.default_rng(seed)
    start = float(np.log((weights * truth).sum() / (weights * (1 - truth)).sum()))
    cuts = [np.unique(np.quantile(column, np.linspace(0.04, 0.96, CUTS))) for column in features.T]
    bins = np.column_stack([np.searchsorted(c, column) for c, column in zip(cuts, features.T, strict=True)])
    odds = np.full(len(truth), start)
    trees: list[Tree] = []
    for _ in range(TREES):
        probability = 1 / (1 + np.exp(-odds))
        steps = _Steps(bins, cuts, weights * (probability - truth), weights * probability * (1 - probability))
        rows = np.flatnonzero(rng.random(len(truth)) < ROWS)
        columns = rng.permutation(features.shape[1])[: int(COLUMNS * features.shape[1])]
        trees.append(_grow(steps, rows, columns, DEPTH))
        odds += grown(trees[-1], features)
    return start, trees


def grown(tree: Tree, features: Array) -> Array:
    """The value of a tree for every row."""
    if not isinstance(tree, tuple):
        return np.full(len(features), tree)
    column, threshold, below, above = tree
    is_below = features[:, column] <= threshold
    values = np.empty(len(features))
    values[is_below] = grown(below, features[is_below])
    values[~is_below] = grown(above, features[~is_below])
    return values


@dataclass(frozen=True)
class _Steps:
    """Where each value lies among its column's cuts, and the loss's first and second derivatives by row."""

    bins: NDArray[np.intp]
    cuts: list[Array]
    slopes: Array
    curves: Array


def _grow(steps: _Steps, rows: NDArray[np.intp], columns: NDArray[np.intp], depth: int) -> Tree:
    slope, curve = float(steps.slopes[rows].sum()), float(steps.curves[rows].sum())
    column, cut, gain = _best(steps, rows, columns, slope, curve) if depth else (0, 0, 0.0)
    if gain < LEAST_GAIN:
        return -slope / (curve + LEAF_PENALTY) * RATE
    is_below = steps.bins[rows, column] <= cut
    below = _grow(steps, rows[is_below], columns, depth - 1)
    above = _grow(steps, rows[~is_below], columns, depth - 1)
    return column, float(steps.cuts[column][cut]), below, above


def _best(
    steps: _Steps, rows: NDArray[np.intp], columns: NDArray[np.intp], slope: float, curve: float
) -> tuple[int, int, float]:
    """The column and cut that lower the loss most, and by how much."""
    places = (steps.bins[np.ix_(rows, columns)] + np.arange(len(columns)) * (CUTS + 1)).ravel()

    def below(values: Array) -> Array:
        added = np.bincount(places, np.repeat(values, len(columns)), len(columns) * (CUTS + 1))
        sums: Array = added.reshape(len(columns), -1).cumsum(axis=1)[:, :-1]
        return sums

    counts, s, c = below(np.ones(len(rows))), below(steps.slopes[rows]), below(steps.curves[rows])
    gains = s**2 / (c + LEAF_PENALTY) + (slope - s) ** 2 / (curve - c + LEAF_PENALTY)
    gains -= slope**2 / (curve + LEAF_PENALTY)
    gains[(counts < LEAST_ROWS) | (len(rows) - counts < LEAST_ROWS)] = 0.0
    column, cut = divmod(int(np.argmax(gains)), CUTS)
    return int(columns[column]), cut, float(gains.max())
