"""What the sentences of an abstract are and hold, whatever is asked: where they stand, their terms, their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rag.injection import statement_spans
from rag.text import numbers, terms
from rag.types import Paper

# About 4 kB each.
KEPT = 2048


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences of one abstract that say something about the world, in reading order.

    Attributes:
        spans: First and last character (exclusive) of each.
        terms: The content terms of each, between blanks: `" prun cach "`, so that a term's own blanks find it.
        numbers: Which of them state a number.
        title: The terms of the title, likewise.
    """

    spans: tuple[tuple[int, int], ...]
    terms: tuple[str, ...]
    numbers: tuple[bool, ...]
    title: str


def of(paper: Paper) -> Sentences:
    """Those of a paper; the last ones asked for are kept."""
    return _read(paper.title, paper.abstract)


@lru_cache(maxsize=KEPT)
def _read(title: str, abstract: str) -> Sentences:
    spans = tuple(statement_spans(abstract))
    texts = [abstract[start:end] for start, end in spans]
    return Sentences(spans, tuple(map(_terms, texts)), tuple(bool(numbers(text)) for text in texts), _terms(title))


def _terms(text: str) -> str:
    return f" {' '.join(dict.fromkeys(terms(text)))} "
