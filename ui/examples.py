"""Example questions drawn from the reader's own collection, each of which retrieval can answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from rag import refuse
from rag.pipeline import Pipeline
from rag.text import STOPWORDS, names, numbers, sentences, words
from rag.types import Paper

SUGGESTIONS = 4
SCANNED_PAPERS = 400
# Papers looked at for whether an example can be answered; as many as an answer looks at.
LOOKED_AT = 10
# Words of a title that name no topic in a collection about language models.
EVERYWHERE = frozenset("large language model models learning approach based towards".split())


def answerable(pipeline: Pipeline, questions: Sequence[str], below: float) -> tuple[str, ...]:
    """Those of the questions that would not be refused."""
    found = []
    for question in questions:
        search = pipeline.search(question, LOOKED_AT)
        if refuse.decide(search.question, search.ranked, search.evidence, pipeline.index.identity(), below) is None:
            found.append(question)
    return tuple(found)


def suggest(papers: Sequence[Paper]) -> tuple[str, ...]:
    """Questions that the collection's own abstracts answer: on a figure, on two methods, on its main topic."""
    named = [(head, paper) for paper in papers if (head := _method(paper.title))]
    measured = [head for head, paper in named if _has_gain(head, paper.abstract)]
    others = [head for head, _ in named if head not in measured]
    questions = [f"By how much does {head} improve results?" for head in measured[:2]]
    questions += [f"What is {head} and which problem does it address?" for head in others[:1]]
    if topic := _topic([paper.title for paper in papers]):
        questions.append(f"Which papers deal with {topic}?")
    return tuple(questions[:SUGGESTIONS])


def _method(title: str) -> str | None:
    """The method a title of the form "Name: what it does" begins with."""
    head, colon, _ = title.partition(":")
    return head.strip() if colon and names(head) and len(head.split()) == 1 else None


def _has_gain(method: str, abstract: str) -> bool:
    return any(method in s and any(n.endswith(("%", "x")) for n in numbers(s)) for s in sentences(abstract))


def _topic(titles: Sequence[str]) -> str | None:
    """The pair of neighbouring content words that most titles share."""
    pairs: Counter[str] = Counter()
    for title in titles:
        found = [word.lower() for word in words(title)]
        plain = [word if word not in STOPWORDS | EVERYWHERE else "" for word in found]
        pairs.update({f"{a} {b}" for a, b in pairwise(plain) if len(a) > 3 and len(b) > 3})
    return next((pair for pair, count in pairs.most_common() if count > 1), None)
