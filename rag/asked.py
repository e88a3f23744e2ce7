"""A standalone question with the filters it is asked under: which papers it is about, and what is left to look for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rag import filter_words, question
from rag.filters import NONE, Filters, nothing_matches
from rag.index import Index
from rag.question import Question
from rag.text import words
from rag.types import Refusal


@dataclass(frozen=True, slots=True)
class Asked:
    """The question without the words that became filters, and the filters."""

    question: Question
    filters: Filters


def read(text: str, index: Index, filters: Filters | None = None, today: date | None = None) -> Asked:
    """Reads filters out of a question, or takes those that are given.

    Args:
        text: The standalone question.
        index: Only authors, venues and categories that it has are read.
        filters: Exactly these hold; words that say the same are still no part of what is looked for.
            `None`: those the question names.
        today: What "the last two years" are counted from.
    """
    # Where no filter may hold, nothing has to be looked up.
    found = () if filters == NONE else filter_words.phrases(text, index, today or date.today())
    if filters is None:
        filters = NONE
        for phrase in found:
            filters &= phrase.filters
    else:
        found = tuple(phrase for phrase in found if filters.holds(phrase.filters))
    left = filter_words.without(text, found) if found else text
    return Asked(question.read(left if words(left) else text, filtered=bool(filters)), filters)


def nothing_meets(filters: Filters, index: Index) -> Refusal | None:
    """Why there is no answer where no paper meets the conditions."""
    papers = index.catalog.counts().papers
    if not filters or not papers or index.catalog.count(filters):
        return None
    alone = [index.catalog.count(part) for part, _ in filters.parts()]
    return Refusal("no_match", nothing_matches(filters, alone, papers))
