"""Late interaction: every content token of a question looks for its nearest token in an abstract.

The score of ColBERT (Khattab and Zaharia, arXiv 2004.12832), with two differences: the token vectors come from the
same forward pass of the embedding model that makes the chunk vectors, without training, and each token of the
question counts by the rarity of its word. Vectors are projected to few dimensions and kept in four bits each, so
that an abstract takes about 5 kB on disk (docs/decisions/0006).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.text import terms, words_at
from rag.types import Chunk

IN_TITLE = -1
"""In `Tokens.places`: the token stands in the title."""
# A word that is in every paper still counts for a little, so that a question of such words alone has a score.
LEAST_WEIGHT = 1e-3
_LEVELS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Content tokens of a text.

    Attributes:
        vectors: Shape (tokens, dimensions), rows of unit length.
        places: Shape (tokens,). Where each token begins, in characters: of the text that was embedded, or of the
            abstract (`IN_TITLE` for the title's) once it is a paper's.
    """

    vectors: NDArray[np.float32]
    places: NDArray[np.int32]


def empty(dimensions: int) -> Tokens:
    """No token at all."""
    return Tokens(np.zeros((0, dimensions), np.float32), np.zeros(0, np.int32))


def of_papers(chunks: Sequence[Chunk], tokens: Sequence[Tokens]) -> dict[str, Tokens]:
    """The tokens of chunks' `embedded_text` as tokens of their papers, by paper id; each title once."""
    parts: dict[str, list[Tokens]] = {}
    for chunk, own in zip(chunks, tokens, strict=True):
        place = own.places - chunk.embedded_at
        kept = slice(None) if chunk.paper.id not in parts else place >= 0
        abstract = np.where(place < 0, IN_TITLE, place + chunk.start).astype(np.int32)
        parts.setdefault(chunk.paper.id, []).append(Tokens(own.vectors[kept], abstract[kept]))
    return {
        key: Tokens(np.concatenate([t.vectors for t in own]), np.concatenate([t.places for t in own]))
        for key, own in parts.items()
    }


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to length 1; rows of zeros stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


def pack(tokens: Tokens) -> bytes:
    """Four bits a dimension: each row by its own largest value, which the unit length gives back."""
    count, dimensions = tokens.vectors.shape
    largest = np.abs(tokens.vectors).max(axis=1, keepdims=True, initial=1e-9)
    levels = (np.rint(tokens.vectors / largest * _LEVELS) + _LEVELS).astype(np.uint8)
    halves = levels[:, 0::2] << 4 | levels[:, 1::2]
    return b"".join((struct.pack("<II", count, dimensions), tokens.places.astype("<i4").tobytes(), halves.tobytes()))


def unpack(data: bytes) -> Tokens:
    """What `pack` made, with its loss.

    Raises:
        ValueError: The bytes are not whole.
    """
    if len(data) < 8:
        raise ValueError("token vectors are cut off")
    count, dimensions = struct.unpack_from("<II", data)
    if len(data) != 8 + count * (4 + dimensions // 2):
        raise ValueError("token vectors are cut off")
    places = np.frombuffer(data, "<i4", count, 8).astype(np.int32)
    halves = np.frombuffer(data, np.uint8, count * (dimensions // 2), 8 + 4 * count).reshape(count, dimensions // 2)
    vectors = _BOTH[halves].reshape(count, dimensions)
    return Tokens(unit(vectors), places)


# A byte to its two values.
_BOTH = np.array([[high - _LEVELS, low - _LEVELS] for high in range(16) for low in range(16)], np.float32)


def weights(text: str, tokens: Tokens, idf: Mapping[str, float]) -> NDArray[np.float32]:
    """What each token of a question counts: the rarity of the word it stands in.

    Args:
        text: The question.
        tokens: Its tokens.
        idf: Rarity by term.
    """
    spans = words_at(text)
    starts = np.array([start for start, _ in spans], np.int32)
    counts = []
    for place in np.searchsorted(starts, tokens.places, side="right") - 1:
        word = text[slice(*spans[place])] if place >= 0 else ""
        counts.append(max((idf.get(term, 0.0) for term in terms(word)), default=0.0))
    return np.maximum(np.array(counts, np.float32), LEAST_WEIGHT)


class Interaction:
    """One question's tokens against one paper's: cosines of every pair, computed once."""

    def __init__(self, question: Tokens, weight: NDArray[np.float32], paper: Tokens) -> None:
        self._cosines = question.vectors @ paper.vectors.T
        self._weight = weight / weight.sum() if weight.size else weight
        self._places = paper.places
        self._title = paper.places == IN_TITLE
        self._paper = paper.vectors
        self._whole = unit(question.vectors.sum(axis=0))
        # Asked for twice: to rank the paper, and to choose evidence from it.
        self._sentences: dict[tuple[int, int], tuple[float, float]] = {}

    def score(self) -> float:
        """Weighted mean, over the question's tokens, of the nearest token's cosine; 0 without tokens."""
        return self._score(np.ones(len(self._places), bool))

    def match(self, sentences: Sequence[tuple[int, int]]) -> float:
        """How well the paper meets the question: its score and that of its best sentence with its title, halved."""
        whole = self.score()
        best = max((self.sentence(*span)[0] for span in sentences), default=whole)
        return (whole + best) / 2

    def sentence(self, start: int, end: int) -> tuple[float, float]:
        """The same for one sentence with its title, and the cosine of the two texts' mean tokens."""
        if (start, end) not in self._sentences:
            self._sentences[start, end] = self._sentence(start, end)
        return self._sentences[start, end]

    def _sentence(self, start: int, end: int) -> tuple[float, float]:
        inside = (self._places >= start) & (self._places < end)
        mean = float(unit(self._paper[inside].sum(axis=0)) @ self._whole) if inside.any() else 0.0
        return self._score(inside | self._title), mean

    def _score(self, tokens: NDArray[np.bool_]) -> float:
        if not self._weight.size or not tokens.any():
            return 0.0
        return float(self._cosines[:, tokens].max(axis=1) @ self._weight)
