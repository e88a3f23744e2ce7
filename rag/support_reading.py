"""A claim or a sentence of evidence as the support check reads it: words, numbers, names, and cues of meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rag.protocols import TokenVectors, Vectors
from rag.text import STOPWORDS, names, numbers, searchable, stem

_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*(?:['’][a-z]+)?|%", re.UNICODE)

NEGATORS = frozenset(
    """not no never without cannot neither nor nothing nobody none fails fail failed failing hardly lack lacks lacking
    unable impossible free""".split()
)
HEDGES = frozenset(
    """may might could can possibly potentially suggests suggest suggested suggesting likely appears appear appeared
    seems seem perhaps probably expected expect indicate indicates assume presumably should would promising
    potential""".split()
)
STRONG = frozenset(
    """always never every all any entire entirely completely fully certainly certainty definitely prove proves proven
    proved guarantee guarantees guaranteed beyond doubt eliminate eliminates best exact exactly whatsoever must ever
    any nothing whole full cannot perfect everything identical optimal""".split()
)
RESTRICTING = frozenset("only alone solely just merely exclusively restricted limited except but purely".split())
PARTIAL = frozenset("some most many majority partly partial partially part often usually sometimes few several".split())
BOUNDING = frozenset(
    "least most up over under above below than nearly almost exactly about around approximately".split()
)
TIMES = frozenset(
    """after before first firstly second secondly then later earlier afterwards previously finally last initially early
    late during until already yet beforehand prior subsequent subsequently""".split()
)
PRONOUNS = frozenset("it they this these those he she its their".split())
COMPARING = frozenset(
    """than outperform outperforms outperformed outperforming exceeds exceed surpasses surpass beats beat versus
    prefer prefers preferred better worse instead""".split()
)
CUES = {
    "negated": NEGATORS, "hedged": HEDGES, "strong": STRONG, "restricted": RESTRICTING, "partial": PARTIAL,
    "bounded": BOUNDING, "timed": TIMES, "compared": COMPARING,
}  # fmt: skip

_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_PREFIXES = ("un", "in", "im", "non", "dis", "ir", "il", "mis")


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, read once.

    Attributes:
        text: What was read, with LaTeX resolved.
        words: Every word in order, lower case.
        stems: Their stems.
        content: Places of the content words.
        figures: Canonical numbers, by the place of their word.
        names: Names and acronyms.
        cues: Words of each group of cues (negation, hedging ...) that occur.
        vectors: Unit vector of each word in its context, shape (words, dimension); `None` without a token embedder.
        pooled: The text's own unit vector.
    """

    text: str
    words: tuple[str, ...]
    stems: tuple[str, ...]
    content: tuple[int, ...]
    figures: tuple[tuple[int, str], ...]
    names: tuple[str, ...]
    cues: dict[str, frozenset[str]]
    vectors: Vectors | None = None
    pooled: Vectors | None = None

    def terms(self) -> set[str]:
        """Stems of the content words."""
        return {self.stems[i] for i in self.content}


def read(text: str, tokens: TokenVectors | None = None) -> Reading:
    """Reads a text; `tokens` must be of `searchable(text)`."""
    text = searchable(text)
    matches = list(_WORD.finditer(text))
    words = tuple(match[0].lower() for match in matches)
    content = tuple(i for i, word in enumerate(words) if _is_content(word))
    held = frozenset(words)
    negated = {word for word in held if word.endswith(("n't", "n’t"))}
    cues = {name: held & group for name, group in CUES.items()}
    cues["negated"] = cues["negated"] | negated
    return Reading(
        text=text,
        words=words,
        stems=tuple(stem(word) for word in words),
        content=content,
        figures=tuple(_figures(text, matches, words)),
        names=tuple(names(text)),
        cues=cues,
        vectors=None if tokens is None else _word_vectors(matches, tokens),
        pooled=None if tokens is None else tokens.pooled,
    )


def join(readings: Sequence[Reading]) -> Reading:
    """Several sentences as one text."""
    if len(readings) == 1:
        return readings[0]
    starts = np.cumsum([0] + [len(r.words) for r in readings]).tolist()
    pairs = list(zip(starts, readings, strict=False))
    vectors = [r.vectors for r in readings if r.vectors is not None]
    pooled = [r.pooled for r in readings if r.pooled is not None]
    whole = None
    if len(pooled) == len(readings):
        total = np.sum(pooled, axis=0)
        whole = (total / np.linalg.norm(total)).astype(np.float32)
    return Reading(
        text=" ".join(r.text for r in readings),
        words=tuple(word for r in readings for word in r.words),
        stems=tuple(word for r in readings for word in r.stems),
        content=tuple(start + i for start, r in pairs for i in r.content),
        figures=tuple((start + i, figure) for start, r in pairs for i, figure in r.figures),
        names=tuple(name for r in readings for name in r.names),
        cues={name: frozenset().union(*(r.cues[name] for r in readings)) for name in CUES},
        vectors=np.concatenate(vectors) if len(vectors) == len(readings) else None,
        pooled=whole,
    )


@lru_cache(maxsize=16_384)
def prefix_opposite(a: str, b: str) -> bool:
    """Is one word the other with a negating prefix ("consistent", "inconsistent")?"""
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return len(shorter) > 3 and any(longer == prefix + shorter for prefix in _PREFIXES)


def _is_content(word: str) -> bool:
    return word not in STOPWORDS and (len(word) > 1 or word.isdigit())


def _figures(text: str, matches: list[re.Match[str]], words: tuple[str, ...]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    skip = -1
    for i, (match, word) in enumerate(zip(matches, words, strict=True)):
        if i <= skip:
            continue
        if word in _TENS and i + 1 < len(words) and numbers(words[i + 1]) and not words[i + 1][0].isdigit():
            unit = numbers(words[i + 1])[0]
            if len(unit) == 1:
                found.append((i, str(int(numbers(word)[0]) + int(unit))))
                skip = i + 1
                continue
        # With its unit, which may stand in the next word.
        end = matches[i + 1].end() if i + 1 < len(matches) else match.end()
        near = text[match.start() : end] if word[0].isdigit() else word
        if figures := numbers(near)[:1]:
            found.append((i, figures[0]))
    return found


def _word_vectors(matches: list[re.Match[str]], tokens: TokenVectors) -> Vectors:
    """Mean of the tokens that lie in each word; a word that was cut off has a zero vector."""
    dimension = tokens.pooled.shape[0]
    found = np.zeros((len(matches), dimension), np.float32)
    place = 0
    for i, match in enumerate(matches):
        while place < len(tokens.spans) and tokens.spans[place][1] <= match.start():
            place += 1
        last = place
        while last < len(tokens.spans) and tokens.spans[last][0] < match.end():
            last += 1
        if last > place:
            vector = tokens.vectors[place:last].mean(axis=0)
            found[i] = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return found
