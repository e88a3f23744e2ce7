"""Whether an answer is right: containment as in lost-in-the-middle, ROUGE-L, verdicts, expected facts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.answers import folded
from eval.experiments.items import Item, Measure, Passage
from eval.references import normalised, rouge_l

_VERDICT = re.compile(r"\b(support|refut|contradict)", re.IGNORECASE)
SUPPORTS, REFUTES = "supports", "refutes"


def contains(text: str, answers: Sequence[str]) -> bool:
    """Does the text hold one of the answers, after normalisation? An answer that normalises to nothing is none.

    `best_subspan_em` of lost-in-the-middle (Liu et al., TACL 2024): "2" is found in "2003" too, in answers as in
    passages, so that figures can be compared with theirs.
    """
    held = normalised(text)
    return any(wanted in held for answer in answers if (wanted := normalised(answer)))


def holds_answer(passage: Passage, item: Item) -> bool:
    """Would this passage answer the question, as far as strings can tell?"""
    return contains(passage.whole, item.wordings)


def first_line(text: str) -> str:
    """The first line with anything on it."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def verdict(text: str) -> str:
    """The first verdict word: `supports`, `refutes`, or nothing where there is none."""
    found = _VERDICT.search(text)
    if found is None:
        return ""
    return SUPPORTS if found[1].lower() == "support" else REFUTES


def quality(item: Item, measure: Measure, answer: str, source: str = "") -> float:
    """How right an answer is, in 0..1.

    Args:
        item: The question.
        measure: How it is scored.
        answer: What the reader wrote.
        source: Id of the passage it was quoted from, where it was quoted.
    """
    if measure == "containment":
        return float(contains(first_line(answer), item.answers))
    if measure == "rouge_l":
        return max((rouge_l(answer, reference) for reference in item.answers), default=0.0)
    if measure == "label":
        return float(verdict(answer) == item.label)
    if measure == "attribution":
        return float(source in item.gold_ids)
    text = folded(answer)
    found = [any(folded(wording) in text for wording in fact) for fact in item.facts]
    return sum(found) / len(found) if found else 0.0
