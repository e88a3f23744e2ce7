"""A first line that says which passages matter and why, for readers tuned to write it; nobody is shown it.

Jin et al. (arXiv 2410.05983, section 5.2) gain most by it with models of 9B. Ours is made from the gold evidence
itself, so it never says what no passage says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rag.text import numbers, searchable, terms, words
from rag.types import Context

ANSWER = "Answer:"
# Words of the question that a reason names.
NAMED = 4


def reason(context: Context, gold: Sequence[int]) -> str:
    """The line for a context whose passages `gold` answer the question."""
    told = []
    for passage in context.passages:
        if passage.number in gold:
            text = " ".join(evidence.text for evidence in passage.evidence)
            shared = _shared(context.question, text)
            about = f"is about {', '.join(shared)}" if shared else "is about what is asked"
            told.append(f"[{passage.number}] {about}" + (" and gives a number" if numbers(text) else ""))
    rest = [f"[{passage.number}]" for passage in context.passages if passage.number not in gold]
    if not told:
        return "Relevant: none."
    return "Relevant: " + "; ".join(told) + "." + (f" Not relevant: {', '.join(rest)}." if rest else "")


def answer_only(pieces: Iterable[str]) -> Iterator[str]:
    """What follows the reasoning; nothing where it never ends."""
    before, begun = "", False
    try:
        for piece in pieces:
            if begun:
                yield piece
                continue
            before += piece
            _, marker, after = before.partition(f"\n{ANSWER}")
            if marker:
                begun = True
                yield after.lstrip()
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


def _shared(question: str, text: str) -> list[str]:
    held = set(terms(text))
    return [w for w in dict.fromkeys(words(searchable(question))) if terms(w) and set(terms(w)) <= held][:NAMED]
