"""How sure a mean over queries is: bootstrap intervals, paired randomisation tests, Holm's correction.

Everything is seeded: the same values give the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESAMPLES = 2000
PERMUTATIONS = 10_000
# Up to this many differences all sign patterns are fewer than the permutations drawn: all are tried.
EXACT = 13
# Numbers held at once while resampling: 32 MB.
BLOCK = 4_000_000


def interval(
    values: Sequence[float] | NDArray[Any], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron and Tibshirani 1993, chapter 13).

    Args:
        values: One value a query, shape (queries,).
        level: Coverage, in 0..1.
        resamples: How many samples are drawn.
        seed: Of the generator.

    Raises:
        ValueError: There is no value.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample):
        raise ValueError("an interval needs at least one value")
    if np.ptp(sample) == 0:
        return float(sample[0]), float(sample[0])
    rng = np.random.default_rng(seed)
    picks = (rng.integers(0, len(sample), size=(rows, len(sample))) for rows in _blocks(resamples, len(sample)))
    means = np.concatenate([sample[picked].mean(axis=1) for picked in picks])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def randomisation_test(
    first: Sequence[float] | NDArray[Any],
    second: Sequence[float] | NDArray[Any],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> float:
    """Two-sided p-value of the difference of two means over the same queries.

    Fisher's paired randomisation test, as Smucker, Allan and Carterette (CIKM 2007) recommend it for
    retrieval: under the null hypothesis the two systems could be exchanged on any query. The sample
    itself counts as one permutation, so that p is never 0 (Phipson and Smyth 2010). With few queries
    that differ, all sign patterns are tried and p is exact.

    Args:
        first: Values of one system, shape (queries,).
        second: Values of the other, in the same order of queries.
        permutations: How many are drawn.
        seed: Of the generator.

    Raises:
        ValueError: The two are not of one length.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"a paired test needs pairs, not {a.shape} and {b.shape}")
    differences = (a - b)[a != b]
    if not len(differences):
        return 1.0
    # Sums of the same numbers in another order differ in their last bits.
    observed = abs(differences.sum()) * (1 - 1e-12)
    if len(differences) <= EXACT:
        signs = 2.0 * ((np.arange(2 ** len(differences))[:, None] >> np.arange(len(differences))) & 1) - 1
        return float(np.mean(np.abs(signs @ differences) >= observed))
    rng = np.random.default_rng(seed)
    extreme = 0
    for rows in _blocks(permutations, len(differences)):
        signs = 2.0 * rng.integers(0, 2, size=(rows, len(differences)), dtype=np.int8) - 1
        extreme += int(np.count_nonzero(np.abs(signs @ differences) >= observed))
    return (extreme + 1) / (permutations + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values when several hypotheses are tested (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = largest
    return adjusted


def _blocks(rows: int, columns: int) -> list[int]:
    size = max(1, BLOCK // columns)
    return [min(size, rows - start) for start in range(0, rows, size)]
