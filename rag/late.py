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


@dataclass(frozen=True, slots=True, eq=False)
class Interaction:
    """One question's tokens against one paper's.

    Attributes:
        score: Weighted mean, over the question's tokens, of the nearest token's cosine; 0 without tokens.
        sentences: The same for each sentence with its title, shape (sentences,).
        means: Cosine of the question's mean token and each sentence's own, shape (sentences,).
    """

    score: float
    sentences: NDArray[np.float32]
    means: NDArray[np.float32]

    @property
    def match(self) -> float:
        """How well the paper meets the question: its score and that of its best sentence with its title, halved."""
        best = float(self.sentences.max()) if self.sentences.size else self.score
        return (self.score + best) / 2


def interactions(
    question: Tokens, weight: NDArray[np.float32], papers: Sequence[Tokens], spans: Sequence[Sequence[tuple[int, int]]]
) -> list[Interaction]:
    """The question against every paper, all in one pass: twenty papers cost little more than one.

    Args:
        question: Its tokens.
        weight: What each of them counts (`weights`).
        papers: Their tokens.
        spans: The sentences of each paper's abstract, in reading order, none within another.
    """
    if not papers:
        return []
    counts = np.array([len(own) for own in spans])
    vectors = np.concatenate([paper.vectors for paper in papers])
    part, title, sentence = _parts(papers, spans, counts)
    # Each part's tokens side by side. A stable sort: chunks that overlap come one after the other.
    order = np.argsort(part, kind="stable") if (part[1:] < part[:-1]).any() else slice(None)
    part, vectors = part[order], vectors[order]
    first = np.flatnonzero(np.r_[len(part) > 0, part[1:] != part[:-1]]) if len(part) else np.zeros(0, np.intp)
    nearest = np.full((len(question.vectors), counts.sum() + 2 * len(papers)), -np.inf, np.float32)
    sums = np.zeros((nearest.shape[1], vectors.shape[1]), np.float32)
    if len(first):
        nearest[:, part[first]] = np.maximum.reduceat(question.vectors @ vectors.T, first, axis=1)
        sums[part[first]] = np.add.reduceat(vectors, first, axis=0)
    whole = _weighted(weight, np.maximum.reduceat(nearest, title, axis=1))
    with_title = np.maximum(nearest[:, sentence], np.repeat(nearest[:, title], counts, axis=1))
    matches = _weighted(weight, with_title)
    means = unit(sums[sentence]) @ unit(question.vectors.sum(axis=0))
    ends = np.cumsum(counts)
    return [
        Interaction(float(score), matches[end - count : end], means[end - count : end])
        for score, end, count in zip(whole, ends, counts, strict=True)
    ]


# Wider than any abstract: places of all papers on one line.
_APART = 1 << 32


def _parts(
    papers: Sequence[Tokens], spans: Sequence[Sequence[tuple[int, int]]], counts: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """To which part each token belongs, which parts are titles (shape (papers,)), which are sentences.

    The parts of a paper are its title, its sentences, and what stands outside of them.
    """
    title = np.concatenate([[0], np.cumsum(counts + 2)[:-1]])
    owner = np.repeat(np.arange(len(papers)), counts)
    sentence = np.arange(counts.sum()) + 2 * owner + 1
    bounds = np.array([span for own in spans for span in own], np.int64).reshape(-1, 2) + _APART * owner[:, None]
    places = np.concatenate([paper.places for paper in papers])
    paper = np.repeat(np.arange(len(papers)), [len(paper.places) for paper in papers])
    at = places + _APART * paper
    nearest = np.searchsorted(bounds[:, 0], at, side="right") - 1
    inside = (nearest >= 0) & (places >= 0)
    inside[inside] = at[inside] < bounds[nearest[inside], 1]
    part = np.where(places == IN_TITLE, title[paper], title[paper] + counts[paper] + 1)
    part[inside] = sentence[nearest[inside]]
    return part, title, sentence


def _weighted(weight: NDArray[np.float32], cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted mean over the question's tokens; 0 where there is no token on either side."""
    if not weight.size:
        return np.zeros(cosines.shape[1], np.float32)
    mean: NDArray[np.float32] = weight / weight.sum() @ cosines
    return np.where(np.isfinite(mean), mean, np.float32(0))
