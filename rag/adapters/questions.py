"""Moves the vectors of a question nearer to the abstracts that answer it.

People ask in other words than authors write. The bundled model was trained to find texts that say the same; these maps
were fitted on questions worded far from the abstracts that answer them (`eval/fit_questions.py`, docs/decisions/0019).
Vectors of abstracts stay as they are, so an index needs nothing, and a question costs no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.late import unit
from rag.protocols import Vectors

FITTED = Path(__file__).parent / "minilm_questions.npz"


@dataclass(frozen=True, slots=True, eq=False)
class QuestionMaps:
    """What is added to a question's vectors before they are scaled to length 1 again.

    Attributes:
        whole: Shape (dimension, dimension), for the vector of the whole question.
        shift: Shape (dimension,), likewise.
        tokens: Shape (token dimensions, token dimensions), for its projected content tokens.
    """

    whole: Vectors
    shift: Vectors
    tokens: Vectors

    def moved(self, vector: Vectors) -> Vectors:
        """The vector to search with, shape (dimension,)."""
        return unit(vector + vector @ self.whole + self.shift)

    def moved_tokens(self, tokens: Vectors) -> Vectors:
        """The tokens to search with, shape (tokens, token dimensions)."""
        return unit(tokens + tokens @ self.tokens)


def fitted() -> QuestionMaps:
    """The maps of the bundled model."""
    with np.load(FITTED, allow_pickle=False) as stored:
        return QuestionMaps(*(stored[name].astype(np.float32) for name in ("whole", "shift", "tokens")))
