"""A claim and its evidence compared word by word, by a small network that was fitted on true and false claims.

Decomposable attention (Parikh et al. 2016) on words as the bundled embedder reads them in context: each word of the
claim is set beside what the evidence has in its place, and the other way round; what comes of all words together says
whether the claim still means the same. `eval/fit_comparison.py` fits it and writes `support_comparison.npz`; here it
is read with numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.support_features import RARE, Rarity
from rag.support_reading import CUES, Reading

Floats = NDArray[np.float32]

FILE = Path(__file__).parent / "support_comparison.npz"
MARKS = 4 + len(CUES)
"""What is told of a word beside its vector."""
STEP = 10.0
"""Words that count as one step from a place to the next; more than two steps count as two."""
OTHER_FIGURE = 0.5
"""Likeness of the same number with another unit."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A claim and its evidence as the network takes them.

    Attributes:
        claim: Unit vectors of the claim's words, shape (words, dimension).
        claim_marks: Of the same words, shape (words, `MARKS`).
        evidence: Unit vectors of the evidence's words.
        evidence_marks: Of the same words.
        same: Whether a word of the claim is the evidence's word, 0..1, shape (words of the claim, of the evidence).
    """

    claim: Floats
    claim_marks: Floats
    evidence: Floats
    evidence_marks: Floats
    same: Floats


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities from which a claim counts as supported, and as weakly supported."""

    supported: float
    weak: float


@dataclass(frozen=True, slots=True)
class Combination:
    """How the networks' log-odds and those of the model over features become one.

    Attributes:
        features: Weight of the model over features.
        networks: Weight of the networks.
        shift: Constant.
        thresholds: For what comes of it.
    """

    features: float
    networks: float
    shift: float
    thresholds: Thresholds


class Comparison:
    """Several networks of one form; their mean counts."""

    def __init__(self, networks: Sequence[Mapping[str, Floats]], combination: Combination, rarity: Rarity) -> None:
        self._networks = networks
        self._combination = combination
        self._rarity = rarity

    @property
    def thresholds(self) -> Thresholds:
        """For `combined`."""
        return self._combination.thresholds

    def combined(self, odds: float, claim: Reading, evidence: Reading, *, contradicted: bool = False) -> float:
        """The log-odds of the model over features, with what the networks say.

        Args:
            odds: Of the model over features.
            claim: The claim as it was read.
            evidence: Its evidence, likewise.
            contradicted: A rule speaks against the claim: then the networks can only make it less likely.
        """
        weights, said = self._combination, self.log_odds(claim, evidence)
        both = weights.features * odds + weights.networks * (min(0.0, said) if contradicted else said) + weights.shift
        return max(-30.0, min(30.0, both))

    def log_odds(self, claim: Reading, evidence: Reading) -> float:
        """That the evidence carries the claim; 0 where either has no words."""
        taken = compared(claim, evidence, self._rarity)
        if taken is None:
            return 0.0
        return float(np.mean([_log_odds(taken, network) for network in self._networks]))


@lru_cache(maxsize=1)
def networks() -> tuple[tuple[dict[str, Floats], ...], Combination]:
    """The networks that ship, and how they count."""
    with np.load(FILE, allow_pickle=False) as stored:
        arrays = {name: stored[name].astype(np.float32) for name in stored.files}
    features, of_networks, shift, supported, weak = arrays.pop("combination").tolist()
    found = tuple({name: own[n] for name, own in arrays.items()} for n in range(len(arrays["out.bias"])))
    return found, Combination(features, of_networks, shift, Thresholds(supported, weak))


def compared(claim: Reading, evidence: Reading, rarity: Rarity) -> Compared | None:
    """The two as the network takes them; `None` where either has no words.

    Raises:
        ValueError: They were read without token vectors.
    """
    if claim.vectors is None or evidence.vectors is None:
        raise ValueError("Words are compared by their vectors, and these texts were read without them.")
    if not claim.words or not evidence.words:
        return None
    return Compared(
        claim.vectors, _marks(claim, rarity), evidence.vectors, _marks(evidence, rarity), _same(claim, evidence)
    )


def _marks(reading: Reading, rarity: Rarity) -> Floats:
    content, figures = set(reading.content), {place for place, _ in reading.figures}
    names = {word for name in reading.names for word in name.lower().split()}
    return np.array(
        [
            [
                i in content, i in figures, rarity.of(stem) / RARE, word in names,
                *(word in group for group in CUES.values()),
            ]
            for i, (word, stem) in enumerate(zip(reading.words, reading.stems, strict=True))
        ],
        np.float32,
    )  # fmt: skip


def _same(claim: Reading, evidence: Reading) -> Floats:
    same: Floats = (np.array(claim.stems)[:, None] == np.array(evidence.stems)[None]).astype(np.float32)
    for i, mine in claim.figures:
        for j, theirs in evidence.figures:
            same[i, j] = 1.0 if mine == theirs else min(same[i, j], OTHER_FIGURE)
    return same


def _log_odds(taken: Compared, network: Mapping[str, Floats]) -> float:
    cosines = taken.claim @ taken.evidence.T
    claim = taken.claim @ network["projection.weight"].T + network["projection.bias"]
    evidence = taken.evidence @ network["projection.weight"].T + network["projection.bias"]
    sharpness = network["sharpness"] * cosines + network["sameness"] * taken.same
    there = _beside(claim, evidence, taken.claim_marks, taken.evidence_marks, cosines, taken.same, sharpness)
    back = _beside(evidence, claim, taken.evidence_marks, taken.claim_marks, cosines.T, taken.same.T, sharpness.T)
    pooled = [*_pooled(_layer(there, network, "there")), *_pooled(_layer(back, network, "back"))]
    hidden = _layer(np.concatenate(pooled), network, "hidden")
    return float((hidden @ network["out.weight"].T + network["out.bias"])[0])


def _beside(
    own: Floats, other: Floats, own_marks: Floats, other_marks: Floats, cosines: Floats, same: Floats, sharpness: Floats
) -> Floats:
    """Each word with what the other text has in its place, shape (words, 4 * width + 5 + 2 * MARKS)."""
    attention = np.exp(sharpness - sharpness.max(axis=1, keepdims=True))
    attention /= attention.sum(axis=1, keepdims=True)
    found = attention @ other
    steps = np.clip(np.diff(attention @ np.arange(len(other), dtype=np.float32)) / STEP, -2, 2)
    spread = -(attention * np.log(attention + 1e-9)).sum(axis=1)
    told = [cosines.max(axis=1), same.max(axis=1), np.r_[0.0, steps], np.r_[steps, 0.0], spread]
    beside: Floats = np.concatenate(
        [own, found, own - found, own * found, np.stack(told, axis=1), own_marks, attention @ other_marks], axis=1
    ).astype(np.float32)
    return beside


def _layer(values: Floats, network: Mapping[str, Floats], name: str) -> Floats:
    out: Floats = np.maximum(values @ network[f"{name}.weight"].T + network[f"{name}.bias"], 0.0)
    return out


def _pooled(words: Floats) -> list[Floats]:
    return [words.mean(axis=0), words.max(axis=0)]
