"""What the sentences of an abstract are and hold, whatever is asked: where they stand, their terms, their numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rag.injection import statement_spans
from rag.text import numbers, terms
from rag.types import Paper

# About 4 kB each.
KEPT = 2048
# What a sentence does in an abstract, by its words.
_CUES = {
    "contribution": re.compile(
        r"\bwe (propose|present|introduce|show|find|prove|describe|develop|study|demonstrate)\b"
        r"|\bthis (paper|work|article)\b|\bour (method|approach|results?|experiments?)\b"
    ),
    "result": re.compile(r"\b(results?|experiment|outperform|improv|achiev|show|demonstrat|evaluat)"),
    "background": re.compile(r"^(however|although|despite|while|in recent|recently|traditional|existing|many|most)\b"),
}


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences of one abstract that say something about the world, in reading order.

    Attributes:
        spans: First and last character (exclusive) of each.
        terms: The content terms of each, between blanks: `" prun cach "`, so that a term's own blanks find it.
        numbers: Which of them state a number.
        cues: Whether each has words of a contribution, of a result, of background.
        title: The terms of the title, likewise.
    """

    spans: tuple[tuple[int, int], ...]
    terms: tuple[str, ...]
    numbers: tuple[bool, ...]
    cues: tuple[tuple[bool, ...], ...]
    title: str


def of(paper: Paper) -> Sentences:
    """Those of a paper; the last ones asked for are kept."""
    return _read(paper.title, paper.abstract)


@lru_cache(maxsize=KEPT)
def _read(title: str, abstract: str) -> Sentences:
    spans = tuple(statement_spans(abstract))
    texts = [abstract[start:end] for start, end in spans]
    return Sentences(
        spans,
        tuple(map(_terms, texts)),
        tuple(bool(numbers(text)) for text in texts),
        tuple(tuple(bool(cue.search(text.lower())) for cue in _CUES.values()) for text in texts),
        _terms(title),
    )


def _terms(text: str) -> str:
    return f" {' '.join(dict.fromkeys(terms(text)))} "
