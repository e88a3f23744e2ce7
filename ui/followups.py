"""What one could ask next, drawn from the evidence of an answer. Questions only: they claim nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rag.text import names, terms
from rag.types import Answer, NumberedPassage, Paper

LIMIT = 3
# A title in front of a colon longer than this is no name.
NAME_WORDS = 2


def follow_ups(answer: Answer, limit: int = LIMIT) -> tuple[str, ...]:
    """Questions that the cited or the next papers speak of and that were not asked yet, at most `limit`."""
    if answer.refusal is not None or not answer.cited:
        return ()
    asked = set(terms(f"{answer.question} {answer.standalone_question}"))
    found: list[str] = []
    known: list[set[str]] = []
    for subject, question in _candidates(answer):
        words = set(terms(subject))
        # "MInference 1.0" and "MInference" are one subject.
        if words and not words <= asked and not any(words <= other or other <= words for other in known):
            known.append(words)
            found.append(question)
    return tuple(found[:limit])


def _candidates(answer: Answer) -> Iterator[tuple[str, str]]:
    """Subjects with a question about each, the most telling first."""
    cited = answer.cited
    heads = [head for passage in cited if (head := method(passage.paper))]
    if len(heads) > 1:
        yield f"{heads[0]} {heads[1]}", f"How do {heads[0]} and {heads[1]} compare?"
    for head in heads[2:] if len(heads) > 1 else heads:
        yield head, f"What problem does {head} address?"
    for passage in cited:
        for name in _names(passage):
            yield name, f"What do the papers say about {name}?"
    unread = [passage for passage in answer.context.passages if passage not in cited]
    for passage in unread:
        if head := method(passage.paper):
            yield head, f"What is {head}?"


def method(paper: Paper) -> str | None:
    """The method a title of the form "Name: what it does" begins with."""
    head, colon, _ = paper.title.partition(":")
    head = head.strip()
    return head if colon and names(head) and len(head.split()) <= NAME_WORDS else None


def _names(passage: NumberedPassage) -> list[str]:
    """Names in the evidence, in order; one letter and a digit are a symbol, not a name."""
    found = [name for evidence in passage.evidence for name in names(evidence.text)]
    return [name for name in dict.fromkeys(found) if sum(map(str.isalpha, name)) > 2]
