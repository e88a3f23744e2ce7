"""Fits the weights of `rag.support_model` and writes them into `rag/support_model.json`.

    python -m eval.fit_support --data ../shared/data

Trains on the written training pairs, SciFact's training claims and generated pairs (`eval.support_data`); prints
cross-validated figures, folds by paper. The written test pairs are never read.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval import support_data
from eval.support_data import Pair
from eval.support_measures import auc
from eval.trees import boost, grown
from rag import build, support_model
from rag.config import Config
from rag.support import SupportChecker
from rag.support_reading import read

Array = NDArray[np.float64]

FOLDS = 5
PENALTY = 10.0
SHARE = {"written": 1.0, "scifact": 0.7, "generated": 0.5}
"""Weight of a pair by where it comes from: what a person wrote counts most."""
LENGTHS = (8, 10, 12, 14, 17, 20, 25)
"""Bounds, in words, of the groups of claims within which true and false ones weigh the same."""
FALSE_SUPPORTED = 0.02
FALSE_WEAK = 0.4
"""Shares of false written claims that pass the two thresholds under cross-validation."""
# They tell how long a claim is, or how much of the evidence it leaves out: not whether it is true.
LEFT_OUT = frozenset({"words", "window_covered", "window_aligned", "names", "figures", "exact_mean"})
RARITY_TERMS = 2500
"""Stems in the table of rarity."""


@dataclass(frozen=True)
class Table:
    """Pairs as numbers: features (pairs, features), truth, weights, folds, and which are written by hand."""

    features: Array
    truth: Array
    weights: Array
    folds: NDArray[np.intp]
    written: NDArray[np.bool_]


def main() -> None:
    """Fits both sets of weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=support_data.DATA)
    data = parser.parse_args().data
    sources = {
        "written": support_data.written("train", data),
        "scifact": support_data.scifact(data)[:300],
        "generated": support_data.generated(data),
    }
    embedder = build.build_embedder(Config.load())
    stored = fit_all(SupportChecker(embedder), sources, embedder.name)
    support_model.FILE.write_text(json.dumps(stored, separators=(",", ":")), encoding="utf-8")


def fit_all(checker: SupportChecker, sources: dict[str, list[Pair]], embedder: str) -> dict[str, Any]:
    """Both sets of weights, as they are stored."""
    rows = [
        (source, pair, scored.features)
        for source, pairs in sources.items()
        for pair in pairs
        if (scored := checker.score(pair.claim, pair.evidence, pair.title))
    ]
    everything = sorted({name for _, _, features in rows for name in features} - LEFT_OUT)
    from rag.support_features import ALIGNED

    alone = [name for name in everything if name not in ALIGNED]
    rarity = json.loads(support_model.FILE.read_text(encoding="utf-8"))["rarity"]
    return {
        "embedder": embedder,
        "aligned": fit(table(rows, everything), everything, "aligned"),
        "words": fit(table(rows, alone), alone, "words"),
        "rarity": rarity,
    }


def table(rows: Sequence[tuple[str, Pair, dict[str, float]]], names: Sequence[str]) -> Table:
    """Pairs as numbers, false and true claims of one length weighing the same."""
    features = np.array([[found.get(name, 0.0) for name in names] for _, _, found in rows])
    truth = np.array([float(pair.supported) for _, pair, _ in rows])
    places = folds([pair.paper for _, pair, _ in rows], FOLDS)
    lengths = np.digitize([len(pair.claim.split()) for _, pair, _ in rows], LENGTHS)
    sources = np.array([source for source, _, _ in rows])
    weights = np.array([SHARE[source] for source in sources])
    for source in SHARE:
        for length in range(len(LENGTHS) + 1):
            group = (sources == source) & (lengths == length)
            for value in (0.0, 1.0):
                same = group & (truth == value)
                if same.any():
                    weights[same] *= min(6.0, group.sum() / (2 * same.sum()))
    own = np.array([places[pair.paper] for _, pair, _ in rows])
    return Table(features, truth, weights, own, sources == "written")


def folds(papers: Sequence[str], count: int) -> dict[str, int]:
    """The fold of each paper, by chance, the same every time."""
    found = sorted(set(papers))
    return dict(zip(found, (np.random.default_rng(0).permutation(len(found)) % count).tolist(), strict=True))


def threshold(false: Array, share: float) -> float:
    """The score that no more than this share of false claims is above."""
    ordered = np.sort(false)
    return float(ordered[math.ceil((1 - share) * len(ordered)) - 1])


def fit(data: Table, names: Sequence[str], title: str) -> dict[str, Any]:
    """Weights, trees, calibration and thresholds of one model."""
    odds = np.zeros(len(data.truth))
    for fold in range(FOLDS):
        kept, held = data.folds != fold, data.folds == fold
        odds[held] = _odds(data.features[held], *_both(data, kept))
    slope, shift = _platt(odds[data.written], data.truth[data.written])
    probability = 1 / (1 + np.exp(-(slope * odds + shift)))
    false = probability[data.written & (data.truth == 0)]
    true = probability[data.written & (data.truth == 1)]
    supported, weak = threshold(false, FALSE_SUPPORTED), threshold(false, FALSE_WEAK)
    for name, mask in (("written", data.written), ("others", ~data.written)):
        print(title, name, "cross-validated AUC", round(auc(data.truth[mask], odds[mask]), 3))  # noqa: T201
    kept_share = float((true > supported).mean())
    print(title, f"supported at {supported:.3f} keeps {kept_share:.2f} of true claims, weak at {weak:.3f}")  # noqa: T201
    (weights, bias), (start, trees) = _both(data, np.ones(len(data.truth), bool))
    return {
        "names": list(names), "weights": np.round(weights, 4).tolist(), "bias": round(bias, 4),
        "trees": _rounded(trees),
        "start": round(start, 4), "slope": round(slope, 4), "shift": round(shift, 4),
        "supported_at": round(supported + 0.0005, 3), "weak_at": round(weak, 3),
    }  # fmt: skip


def _both(data: Table, kept: NDArray[np.bool_]) -> tuple[tuple[Array, float], tuple[float, list[Any]]]:
    features, truth, weights = data.features[kept], data.truth[kept], data.weights[kept]
    return logistic(features, truth, weights), boost(features, truth, weights)


def _odds(features: Array, linear: tuple[Array, float], trees: tuple[float, list[Any]]) -> Array:
    forest = trees[0] + sum((grown(tree, features) for tree in trees[1]), np.zeros(len(features)))
    mean: Array = (features @ linear[0] + linear[1] + forest) / 2
    return mean


def logistic(features: Array, truth: Array, weights: Array, penalty: float = PENALTY) -> tuple[Array, float]:
    """Weights and bias by Newton's method, L2 penalty on standardised features."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    x = np.column_stack([(features - mean) / spread, np.ones(len(features))])
    ridge = np.r_[np.full(features.shape[1], penalty), 1e-9]
    found = np.zeros(x.shape[1])
    for _ in range(30):
        probability = 1 / (1 + np.exp(-(x @ found)))
        slope = x.T @ (weights * (probability - truth)) + ridge * found
        curve = (x * (weights * probability * (1 - probability))[:, None]).T @ x + np.diag(ridge)
        found -= np.linalg.solve(curve, slope)
    return found[:-1] / spread, float(found[-1] - (found[:-1] * mean / spread).sum())


def _platt(odds: Array, truth: Array) -> tuple[float, float]:
    weights, bias = logistic(odds[:, None], truth, np.ones(len(truth)), penalty=1e-3)
    return float(weights[0]), bias


def _rounded(tree: Any) -> Any:
    if isinstance(tree, list | tuple):
        return [_rounded(part) for part in tree]
    return tree if isinstance(tree, int) else round(tree, 4)


def rarity(abstracts: Sequence[str]) -> dict[str, float]:
    """Rarity of the most frequent stems: what is not among them is rarer."""
    counts: Counter[str] = Counter()
    for abstract in abstracts:
        counts.update(read(abstract).terms())
    frequent = [(stem, count) for stem, count in counts.most_common(RARITY_TERMS) if stem.isalpha()]
    return {stem: round(math.log(len(abstracts) / count), 1) for stem, count in frequent}


if __name__ == "__main__":
    main()
