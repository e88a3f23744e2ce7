"""What the sentences of an abstract are and hold, whatever is asked: where they stand, their terms, their numbers.

A catalog keeps it, because reading fifty abstracts takes longer than finding them.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rag.injection import statement_spans
from rag.text import numbers, terms
from rag.types import Paper

# Of the rules by which an abstract is read: where they change, what a catalog keeps is read again.
RULES = 3
# Of a catalog that keeps none, about 4 kB each.
REMEMBERED = 2048
# What a sentence does in an abstract, by its words: a contribution, a result, background.
_CUES = (
    re.compile(
        r"\bwe (propose|present|introduce|show|find|prove|describe|develop|study|demonstrate)\b"
        r"|\bthis (paper|work|article)\b|\bour (method|approach|results?|experiments?)\b"
    ),
    re.compile(r"\b(results?|experiment|outperform|improv|achiev|show|demonstrat|evaluat)"),
    re.compile(r"^(however|although|despite|while|in recent|recently|traditional|existing|many|most)\b"),
)
_COLUMNS = 3 + len(_CUES)


@dataclass(frozen=True, slots=True, eq=False)
class Sentences:
    """The sentences of one abstract that say something about the world, in reading order.

    Attributes:
        places: First character, last character (exclusive), whether it states a number, and whether it has words of a
            contribution, of a result, of background, shape (sentences, 6).
        held: The content terms of the title and of each sentence, a line each.
    """

    places: NDArray[np.int32]
    held: str

    @property
    def spans(self) -> NDArray[np.int32]:
        """First and last character (exclusive) of each, shape (sentences, 2)."""
        return self.places[:, :2]

    @property
    def numbers(self) -> NDArray[np.int32]:
        """1 for those that state a number, shape (sentences,)."""
        return self.places[:, 2]

    @property
    def cues(self) -> NDArray[np.int32]:
        """1 where it has words of a contribution, of a result, of background, shape (sentences, 3)."""
        return self.places[:, 3:]

    @property
    def title(self) -> str:
        """The terms of the title, between blanks: `" prun cach "`, so that a term's own blanks find it."""
        return self.held.partition("\n")[0]

    @property
    def terms(self) -> list[str]:
        """The terms of each, likewise."""
        return self.held.split("\n")[1:]


def of(paper: Paper) -> Sentences:
    """Those of a paper; the last ones asked for are remembered."""
    return _read(paper.title, paper.abstract)


@lru_cache(maxsize=REMEMBERED)
def _read(title: str, abstract: str) -> Sentences:
    spans = statement_spans(abstract)
    texts = [abstract[start:end] for start, end in spans]
    cues = [[cue.search(text.lower()) is not None for cue in _CUES] for text in texts]
    places = [(*span, bool(numbers(text)), *own) for span, text, own in zip(spans, texts, cues, strict=True)]
    return Sentences(np.array(places, np.int32).reshape(-1, _COLUMNS), "\n".join(map(_terms, (title, *texts))))


def _terms(text: str) -> str:
    return f" {' '.join(dict.fromkeys(terms(text)))} "


def pack(own: Sentences) -> bytes:
    """Sentences as bytes, with the rules they were read by."""
    return struct.pack("<II", RULES, len(own.places)) + own.places.astype("<i4").tobytes() + own.held.encode()


def unpack(data: bytes) -> Sentences | None:
    """What `pack` made, without reading its terms; nothing where other rules made it.

    Raises:
        ValueError: The bytes are not whole.
    """
    if len(data) < 8:
        raise ValueError("sentences are cut off")
    rules, count = struct.unpack_from("<II", data)
    if rules != RULES:
        return None
    end = 8 + 4 * _COLUMNS * count
    places = np.frombuffer(data[8:end], "<i4").reshape(count, _COLUMNS)
    return Sentences(places, data[end:].decode())
