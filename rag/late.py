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


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Content tokens as an index keeps them: four bits a dimension, each row by its own largest value.

    Attributes:
        levels: Shape (tokens, dimensions / 2). Each byte holds two neighbouring dimensions.
        places: As those of `Tokens`.
    """

    levels: NDArray[np.uint8]
    places: NDArray[np.int32]


def pack(tokens: Tokens) -> bytes:
    """Tokens as bytes, with the loss that four bits are; the length of a row is known to be 1."""
    count, dimensions = tokens.vectors.shape
    largest = np.abs(tokens.vectors).max(axis=1, keepdims=True, initial=1e-9)
    levels = (np.rint(tokens.vectors / largest * _LEVELS) + _LEVELS).astype(np.uint8)
    halves = levels[:, 0::2] << 4 | levels[:, 1::2]
    return b"".join((struct.pack("<II", count, dimensions), tokens.places.astype("<i4").tobytes(), halves.tobytes()))


def packed(data: bytes) -> Packed:
    """What `pack` made, without a copy.

    Raises:
        ValueError: The bytes are not whole.
    """
    if len(data) < 8:
        raise ValueError("token vectors are cut off")
    count, dimensions = struct.unpack_from("<II", data)
    if len(data) != 8 + count * (4 + dimensions // 2):
        raise ValueError("token vectors are cut off")
    levels = np.frombuffer(data, np.uint8, count * (dimensions // 2), 8 + 4 * count)
    return Packed(levels.reshape(count, dimensions // 2), np.frombuffer(data, "<i4", count, 8))


def unpack(data: bytes) -> Tokens:
    """What `pack` made, as vectors again.

    Raises:
        ValueError: The bytes are not whole.
    """
    return opened(packed(data))


def opened(kept: Packed) -> Tokens:
    """Tokens as vectors again."""
    vectors = np.empty((len(kept.levels), 2 * kept.levels.shape[1]), np.float32)
    vectors[:, 0::2], vectors[:, 1::2] = np.split(_side_by_side(kept.levels), 2, axis=1)
    return Tokens(unit(vectors), kept.places.astype(np.int32))


def _side_by_side(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Rows in units of their own, shape (tokens, dimensions): the even dimensions first, then the odd ones."""
    halves = np.concatenate((levels >> 4, levels & 15), axis=1).view(np.int8)
    halves -= _LEVELS
    return halves.astype(np.float32)


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
    """

    score: float
    sentences: NDArray[np.float32]

    @property
    def match(self) -> float:
        """How well the paper meets the question: its score and that of its best sentence with its title, halved."""
        best = float(self.sentences.max()) if self.sentences.size else self.score
        return (self.score + best) / 2


def interactions(
    question: Tokens, weight: NDArray[np.float32], papers: Sequence[Packed], spans: Sequence[NDArray[np.int32]]
) -> list[Interaction]:
    """The question against every paper, all in one pass: twenty papers cost little more than one.

    Args:
        question: Its tokens.
        weight: What each of them counts (`weights`).
        papers: Their tokens.
        spans: The sentences of each paper's abstract, shape (sentences, 2), in reading order, none within another.
    """
    if not papers:
        return []
    rows = _Rows.of(papers, spans)
    cosines = rows.vectors @ _halved(question.vectors).T
    cosines /= rows.lengths[:, None]
    nearest = rows.reduced(np.maximum, cosines, -np.inf)
    whole = _weighted(weight, np.maximum.reduceat(nearest, rows.titles))
    with_title = np.maximum(nearest[rows.sentences], np.repeat(nearest[rows.titles], rows.counts, axis=0))
    matches = np.split(_weighted(weight, with_title), np.cumsum(rows.counts)[:-1])
    return [Interaction(score, own) for score, own in zip(whole.tolist(), matches, strict=True)]


def means(question: Tokens, papers: Sequence[Packed], spans: Sequence[NDArray[np.int32]]) -> list[NDArray[np.float32]]:
    """Cosine of the question's mean token and each sentence's own, by paper, shape (sentences,); see `interactions`."""
    if not papers:
        return []
    rows = _Rows.of(papers, spans)
    sums = rows.reduced(np.add, rows.vectors / rows.lengths[:, None], 0)
    cosines = unit(sums[rows.sentences]) @ unit(_halved(question.vectors).sum(axis=0))
    return np.split(cosines, np.cumsum(rows.counts)[:-1])


# Wider than any abstract: places of all papers on one line.
_APART = 1 << 32


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The tokens of some papers in reading order, and the parts they stand in.

    The parts of a paper are its title and its sentences, each followed by what stands behind it and in no sentence.

    Attributes:
        vectors: Shape (tokens, dimensions), halved as `_halved` does; rows in units of their own.
        lengths: Of those, shape (tokens,).
        starts: First token of each part.
        titles: Which parts are titles, shape (papers,).
        sentences: Which parts are sentences.
        counts: Sentences of each paper, shape (papers,).
    """

    vectors: NDArray[np.float32]
    lengths: NDArray[np.float32]
    starts: NDArray[np.intp]
    titles: NDArray[np.intp]
    sentences: NDArray[np.intp]
    counts: NDArray[np.intp]

    @staticmethod
    def of(papers: Sequence[Packed], spans: Sequence[NDArray[np.int32]]) -> _Rows:
        numbered = np.arange(len(papers)) * _APART
        counts = np.array([len(own) for own in spans])
        at = np.concatenate([paper.places for paper in papers])
        at = at + np.repeat(numbered, [len(paper.places) for paper in papers])
        levels = np.concatenate([paper.levels for paper in papers])
        if (at[1:] < at[:-1]).any():  # chunks that overlap
            order = np.argsort(at, kind="stable")
            at, levels = at[order], levels[order]
        ends = np.cumsum(2 * counts + 2)
        titles = ends - 2 * counts - 2
        edges = np.empty(ends[-1], np.int64)
        edges[titles], edges[titles + 1] = numbered + IN_TITLE, numbered
        sentences = np.arange(counts.sum()) * 2 + 2 * np.repeat(np.arange(1, len(papers) + 1), counts)
        bounds = np.concatenate(spans) + np.repeat(numbered, counts)[:, None]
        edges[sentences], edges[sentences + 1] = bounds[:, 0], bounds[:, 1]
        vectors = _side_by_side(levels)
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        lengths[lengths == 0] = 1
        return _Rows(vectors, lengths, np.searchsorted(at, edges), titles, sentences, counts)

    def reduced(self, how: np.ufunc, values: NDArray[np.float32], nothing: float) -> NDArray[np.float32]:
        """A value a token as one a part; `nothing` for parts without a token."""
        parts = np.full((len(self.starts), values.shape[1]), nothing, np.float32)
        held = np.diff(self.starts, append=len(values)) > 0
        if held.any():
            parts[held] = how.reduceat(values, self.starts[held])
        return parts


def _halved(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Dimensions in the order of `_side_by_side`."""
    return np.concatenate((vectors[:, 0::2], vectors[:, 1::2]), axis=1)


def _weighted(weight: NDArray[np.float32], cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted mean over the question's tokens, shape (parts,); 0 where there is no token on either side."""
    if not weight.size:
        return np.zeros(len(cosines), np.float32)
    mean: NDArray[np.float32] = cosines @ (weight / weight.sum())
    return np.where(np.isfinite(mean), mean, np.float32(0))
