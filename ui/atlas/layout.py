"""Places papers on a plane so that neighbours stay neighbours. Numpy only; the same for the same vectors.

The vectors are reduced to their principal components. Among these each paper is tied to its nearest ones, with
the weights and the curve of UMAP (McInnes, Healy and Melville, 2018, arXiv:1802.03426), and what is tied is drawn
together while random pairs are pushed apart. Unlike in UMAP every tie pulls in every step, in proportion to its
weight, so that a step is a handful of array operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Vectors

Reals = NDArray[np.float32]
AnyReals = NDArray[np.floating[Any]]
Places = NDArray[np.int64]
Progress = Callable[[float], None]

COMPONENTS = 20
NEIGHBOURS = 15
STEPS = 200
# Random pairs drawn for each paper in each step; UMAP lets five push for each that pulls.
DRAWN, PUSHES = 8, 5
# UMAP's curve 1 / (1 + a d^2b), for a smallest distance of 0.1 and a spread of 1.
CURVE_A, CURVE_B = 1.577, 0.895
# Of one pull or push, of all of a paper's in a step, and of a step as a whole.
LONGEST, LONGEST_SUM, PACE = 4.0, 40.0, 0.1
BLOCK = 1024
SEED = 0


def components(vectors: Vectors) -> Reals:
    """The principal components of these vectors, the strongest first.

    Args:
        vectors: Shape (papers, dimension).

    Returns:
        Shape (papers, up to `COMPONENTS`). The largest loading of each is positive, so that no map is mirrored.
    """
    centred = vectors - vectors.mean(axis=0)
    if len(vectors) < vectors.shape[1]:
        axes = np.linalg.svd(centred, full_matrices=False)[2].T
    else:  # the same, cheaper for many papers
        axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    chosen = axes[:, : min(COMPONENTS, len(vectors) - 1)]
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])])
    reduced: Reals = (centred @ chosen).astype(np.float32)
    return reduced


def place(reduced: Reals, told: Progress = lambda share: None) -> Reals:
    """Where each paper stands.

    Args:
        reduced: What `components` gives, of at least three papers.
        told: Called with the share that is done, 0..1.

    Returns:
        Shape (papers, 2), within 0..1.
    """
    heads, tails, weights = _ties(*neighbours(reduced, min(NEIGHBOURS, len(reduced) - 1)))
    return _fitted(_drawn(_start(reduced), heads, tails, weights, told))


def neighbours(points: Reals, count: int) -> tuple[Places, Reals]:
    """The nearest others of each point and how far they are, nearest first; both of shape (points, count)."""
    squares = np.einsum("ij,ij->i", points, points)
    near = np.empty((len(points), count), np.int64)
    distances = np.empty((len(points), count), np.float32)
    for start in range(0, len(points), BLOCK):
        block = slice(start, start + BLOCK)
        rows = np.arange(len(points[block]))
        away = squares[block, None] + squares[None] - 2 * points[block] @ points.T
        away[rows, start + rows] = np.inf
        some = np.argpartition(away, count - 1, axis=1)[:, :count]
        order = np.argsort(away[rows[:, None], some], axis=1, kind="stable")
        near[block] = some[rows[:, None], order]
        distances[block] = np.sqrt(np.maximum(away[rows[:, None], near[block]], 0))
    return near, distances


def _ties(near: Places, distances: Reals) -> tuple[Places, Places, Reals]:
    """Each pair of neighbours once, and how strongly the two belong together, 0..1."""
    papers, count = near.shape
    beyond = distances - distances[:, :1]
    # The scale of each neighbourhood, by bisection: its weights sum to log2 of their number.
    low, high = np.zeros((papers, 1), np.float32), np.full((papers, 1), 1e3, np.float32)
    wanted = np.log2(max(count, 2))
    for _ in range(40):
        middle = (low + high) / 2
        enough = np.exp(-beyond / np.maximum(middle, 1e-6)).sum(axis=1, keepdims=True) > wanted
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    weights = np.exp(-beyond / np.maximum(high, 1e-6)).ravel()
    heads, tails = np.repeat(np.arange(papers), count), near.ravel()
    keys = np.minimum(heads, tails) * papers + np.maximum(heads, tails)
    pairs, places = np.unique(keys, return_inverse=True)
    # What one says of the other and the other of the one, joined as fuzzy sets: a + b - ab.
    unlike = np.ones(len(pairs), np.float32)
    np.multiply.at(unlike, places, 1 - weights)
    return pairs // papers, pairs % papers, 1 - unlike


def _start(reduced: Reals) -> Reals:
    flat = np.zeros((len(reduced), 2), np.float32)
    flat[:, : reduced.shape[1]] = reduced[:, :2]
    flat *= 10 / max(float(np.abs(flat).max()), 1e-6)
    # Two papers of the same text would never come apart.
    return (flat + np.random.default_rng(SEED).normal(scale=1e-3, size=flat.shape)).astype(np.float32)


def _drawn(plane: Reals, heads: Places, tails: Places, weights: Reals, told: Progress) -> Reals:
    papers, random = len(plane), np.random.default_rng(SEED)
    ends, others = np.concatenate([heads, tails]), np.concatenate([tails, heads])
    pull = np.concatenate([weights, weights])
    everyone = np.repeat(np.arange(papers), DRAWN)
    push = np.bincount(ends, pull, papers).astype(np.float32)[everyone] * PUSHES / DRAWN
    for step in range(STEPS):
        away, squared = _apart(plane, ends, others)
        near = CURVE_A * np.maximum(squared, 1e-8) ** (CURVE_B - 1)
        moved = _summed(away, -2 * CURVE_B * near / (1 + near * squared), pull, ends, papers)
        away, squared = _apart(plane, everyone, random.integers(papers, size=len(everyone)))
        far = 2 * CURVE_B / ((0.001 + squared) * (1 + CURVE_A * squared**CURVE_B))
        moved += _summed(away, far, push, everyone, papers)
        plane = plane + (1 - step / STEPS) * PACE * np.clip(moved, -LONGEST_SUM, LONGEST_SUM)
        told((step + 1) / STEPS)
    return plane


def _apart(plane: Reals, ones: Places, others: Places) -> tuple[Reals, Reals]:
    away = plane[ones] - plane[others]
    return away, np.einsum("ij,ij->i", away, away)


def _summed(away: Reals, factor: AnyReals, strength: AnyReals, movers: Places, papers: int) -> Reals:
    """All moves of each paper together, shape (papers, 2)."""
    moves = np.clip(factor[:, None] * away, -LONGEST, LONGEST) * strength[:, None]
    return np.stack([np.bincount(movers, moves[:, axis], papers) for axis in (0, 1)], axis=1).astype(np.float32)


def _fitted(plane: Reals) -> Reals:
    """Within 0..1 each way; the few that lie far out do not squeeze the rest together."""
    low, high = np.percentile(plane, [0.5, 99.5], axis=0)
    fitted = np.clip((plane - low) / np.maximum(high - low, 1e-6), -0.03, 1.03)
    within: Reals = ((fitted + 0.03) / 1.06).astype(np.float32)
    return within
