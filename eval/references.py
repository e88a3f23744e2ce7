"""How much of a reference answer an answer says, and whether it rests on the sentences that were marked as evidence."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

from rag.text import terms

# A marked sentence counts as used where one sentence holds this share of its terms: cuts and quotes differ a little.
SAME_SENTENCE = 0.8
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation + "’‘“”–—")


def normalised(text: str) -> str:
    """Lower case, without punctuation and articles, single spaces (SQuAD's normalisation)."""
    bare = "".join(char for char in text.lower() if char not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def rouge_l(text: str, reference: str) -> float:
    """F1 over the longest common subsequence of normalised words (Lin 2004, beta = 1)."""
    a, b = normalised(text).split(), normalised(reference).split()
    if not a or not b:
        return 0.0
    row = [0] * (len(b) + 1)
    for word in a:
        before = 0
        for place, other in enumerate(b, start=1):
            above = row[place]
            row[place] = before + 1 if word == other else max(above, row[place - 1])
            before = above
    common = row[-1]
    return 2 * common / (len(a) + len(b))


def rests_on(answer: Mapping[str, Any], marked: Sequence[str]) -> bool:
    """Does a sentence of the answer, or the evidence shown with it, hold one of the marked sentences?

    Args:
        answer: As the contract's JSON.
        marked: Sentences of the papers that bear the reference answer.
    """
    shown = [
        frozenset(terms(text)) for s in answer["sentences"] for text in (s["text"], s["support"]["evidence"] or "")
    ]
    wanted = [frozenset(terms(sentence)) for sentence in marked]
    return any(
        len(held & sentence) >= SAME_SENTENCE * len(sentence) for sentence in wanted if sentence for held in shown
    )
