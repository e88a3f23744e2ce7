"""The trained part of the support check: a logistic model and small trees over `rag.support_features`.

Both were fitted by `eval/fit_support.py`, which writes `support_model.json`: numbers, nothing to execute. Their
mean log-odds are calibrated to a probability (Platt 1999). One set of weights reads token vectors of the bundled
embedder, the other words alone: vectors of other models have another scale.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rag.support_comparison import Comparison, Thresholds, networks
from rag.support_features import Rarity

FILE = Path(__file__).parent / "support_model.json"
Tree = float | tuple[int, float, "Tree", "Tree"]
"""A leaf's value, or (feature, threshold, tree where the feature is at most that, tree elsewhere)."""


@dataclass(frozen=True, slots=True)
class SupportModel:
    """Weights over features.

    Attributes:
        names: Features, in the order of the weights.
        weights: Of the logistic model, on features as they come.
        bias: Its constant.
        trees: Added up, with `start`.
        start: Log-odds before the first tree.
        slope: Of the calibration.
        shift: Of the calibration.
        supported_at: Probability from which a claim counts as supported.
        weak_at: Probability from which it counts as weakly supported.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float
    trees: tuple[Tree, ...]
    start: float
    slope: float
    shift: float
    supported_at: float
    weak_at: float

    @property
    def thresholds(self) -> Thresholds:
        """Where the verdicts begin."""
        return Thresholds(self.supported_at, self.weak_at)

    def log_odds(self, features: Mapping[str, float]) -> float:
        """That the evidence carries the claim, between -30 and 30."""
        values = [features.get(name, 0.0) for name in self.names]
        linear = self.bias + sum(weight * value for weight, value in zip(self.weights, values, strict=True))
        grown = self.start + sum(_grown(tree, values) for tree in self.trees)
        return max(-30.0, min(30.0, self.slope * (linear + grown) / 2 + self.shift))


@dataclass(frozen=True, slots=True)
class SupportModels:
    """Both sets of weights, the embedder that one of them needs with its networks, and how rare words are."""

    embedder: str
    aligned: SupportModel
    words: SupportModel
    rarity: Rarity
    comparison: Comparison


@lru_cache(maxsize=1)
def load() -> SupportModels:
    """The weights that ship."""
    stored: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    rarity = Rarity(stored["rarity"])
    return SupportModels(
        stored["embedder"], _model(stored["aligned"]), _model(stored["words"]), rarity, Comparison(*networks(), rarity)
    )


def _model(stored: Mapping[str, Any]) -> SupportModel:
    values = {**stored, "names": tuple(stored["names"]), "weights": tuple(stored["weights"])}
    return SupportModel(**{**values, "trees": tuple(_tree(tree) for tree in stored["trees"])})


def _tree(stored: float | Sequence[Any]) -> Tree:
    if isinstance(stored, int | float):
        return float(stored)
    feature, threshold, below, above = stored
    return int(feature), float(threshold), _tree(below), _tree(above)


def _grown(tree: Tree, values: Sequence[float]) -> float:
    while isinstance(tree, tuple):
        feature, threshold, below, above = tree
        tree = below if values[feature] <= threshold else above
    return tree
