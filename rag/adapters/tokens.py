"""Which tokens of a text have content, and the few dimensions their vectors are projected to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Vectors
from rag.text import STOPWORDS

FITTED = Path(__file__).parent / "minilm_tokens.npz"
# Random directions keep less than fitted ones, so a model without fitted ones gets twice as many.
RANDOM_DIMENSIONS = 128
_SEED = 20261121
# How the tokenizers of common models mark a word's beginning or continuation.
_MARKS = "Ġ▁"


@dataclass(frozen=True, slots=True)
class Projection:
    """`(token - mean) @ basis`.

    Attributes:
        mean: Shape (dimension of the model,): the mean content token of abstracts.
        basis: Shape (dimension of the model, dimensions), orthonormal columns.
    """

    mean: Vectors
    basis: Vectors

    @property
    def dimensions(self) -> int:
        """Length of a projected vector."""
        return int(self.basis.shape[1])


def projection(dimension: int, *, bundled: bool) -> Projection:
    """The fitted projection of the bundled model (`eval/fit_tokens.py`), random directions for any other."""
    if bundled:
        with np.load(FITTED, allow_pickle=False) as fitted:
            return Projection(fitted["mean"].astype(np.float32), fitted["basis"].astype(np.float32))
    width = min(RANDOM_DIMENSIONS, dimension // 2 * 2)
    drawn = np.random.default_rng(_SEED).normal(size=(dimension, width))
    return Projection(np.zeros(dimension, np.float32), np.linalg.qr(drawn)[0].astype(np.float32))


def whole(dimension: int) -> Projection:
    """No projection at all."""
    return Projection(np.zeros(dimension, np.float32), np.eye(dimension, dtype=np.float32))


def skipped(tokenizer: Any) -> NDArray[np.bool_]:
    """By token id: special tokens, stop words, and tokens without a letter or a digit."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    without = np.zeros(max(vocabulary.values()) + 1, bool)
    for token, number in vocabulary.items():
        bare = token.removeprefix("##").lstrip(_MARKS)
        without[number] = re.search(r"[^\W_]", bare) is None or token.lstrip(_MARKS).lower() in STOPWORDS
    without[tokenizer.all_special_ids] = True
    return without
