"""What the sentences of an abstract are and hold, whatever is asked: where they stand, their terms, their numbers.

A catalog keeps it, because reading fifty abstracts takes longer than finding them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rag.injection import statement_spans
from rag.text import numbers, terms
from rag.types import Paper

# Of the rules by which an abstract is read: where they change, what a catalog keeps is read again.
RULES = 1
# Of a catalog that keeps none, about 4 kB each.
REMEMBERED = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Sentences:
    """The sentences of one abstract that say something about the world, in reading order.

    Attributes:
        spans: First and last character (exclusive) of each, shape (sentences, 2).
        numbers: Which of them state a number, shape (sentences,).
        terms: The content terms of each, between blanks: `" prun cach "`, so that a term's own blanks find it.
        title: The terms of the title, likewise.
    """

    spans: NDArray[np.int32]
    numbers: NDArray[np.bool_]
    terms: tuple[str, ...]
    title: str


def of(paper: Paper) -> Sentences:
    """Those of a paper; the last ones asked for are remembered."""
    return _read(paper.title, paper.abstract)


@lru_cache(maxsize=REMEMBERED)
def _read(title: str, abstract: str) -> Sentences:
    spans = statement_spans(abstract)
    texts = [abstract[start:end] for start, end in spans]
    return Sentences(
        np.array(spans, np.int32).reshape(-1, 2),
        np.array([bool(numbers(text)) for text in texts], bool),
        tuple(map(_terms, texts)),
        _terms(title),
    )


def _terms(text: str) -> str:
    return f" {' '.join(dict.fromkeys(terms(text)))} "


def pack(own: Sentences) -> bytes:
    """Sentences as bytes, with the rules they were read by."""
    where = np.column_stack((own.spans, own.numbers)).astype("<i4")
    return struct.pack("<II", RULES, len(where)) + where.tobytes() + "\n".join((own.title, *own.terms)).encode()


def unpack(data: bytes) -> Sentences | None:
    """What `pack` made; nothing where other rules made it.

    Raises:
        ValueError: The bytes are not whole.
    """
    if len(data) < 8:
        raise ValueError("sentences are cut off")
    rules, count = struct.unpack_from("<II", data)
    if rules != RULES:
        return None
    end = 8 + 12 * count
    title, *held = data[end:].decode().split("\n")
    if len(data) < end or len(held) != count:
        raise ValueError("sentences are cut off")
    where = np.frombuffer(data, "<i4", 3 * count, 8).reshape(count, 3)
    return Sentences(where[:, :2], where[:, 2] > 0, tuple(held), title)
