"""Answers to questions about the collection, out of its records: counted and looked up, never by likeness."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from rag.collection import About, Asked
from rag.facets import Facet
from rag.filters import NONE, Filters, named
from rag.index import Index
from rag.text import names, searchable, terms, words
from rag.types import (
    Chunk,
    Context,
    NumberedPassage,
    Paper,
    Refusal,
    ScoredPassage,
    Sentence,
    Support,
    Verdict,
)

LISTED = 5
NAMED = 10
MOST_LISTED = 50
MOST_NAMES = 30
# Titles looked at for the one that was meant; a name is seldom in more.
MOST_TITLES = 500
_HOW = " Inflected words count; papers that say it in other words do not."
_PAPER_BEFORE = re.compile(
    r"^(?:the |a |this |that )?(?:(?:paper|article|preprint|study)\s+)?(?:(?:called|titled|named|entitled|on|about) )?",
    re.IGNORECASE,
)
# "The paper on discourse boundaries" may say so in its abstract alone.
_PAPER_ON = re.compile(r"^(?:the |a |this )?(?:paper|article|preprint|study) (?:on|about) (.+)$", re.IGNORECASE)
_TITLE_OF_PERSON = re.compile(r"^(?:(?:dr|prof|professor)\b\.?\s*)+", re.IGNORECASE)
_PAPER_AFTER = re.compile(r"\s+(?:paper|article|preprint|study|abstract)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Told:
    """What the records say: sentences and the papers they cite, or why there is nothing to say."""

    sentences: tuple[Sentence, ...] = ()
    papers: tuple[Paper, ...] = ()
    refusal: Refusal | None = None

    @property
    def passages(self) -> tuple[ScoredPassage, ...]:
        """The cited papers in the order of their numbers; no stage scored them."""
        whole = (Chunk(paper, 0, len(paper.abstract)) for paper in self.papers)
        return tuple(ScoredPassage(chunk, 0.0, rank) for rank, chunk in enumerate(whole, start=1))

    def context(self, question: str) -> Context:
        """The cited papers, numbered."""
        return Context(question, tuple(NumberedPassage(p.rank, p, (), p.rank) for p in self.passages))


def answer(asked: Asked, filters: Filters, index: Index) -> Told | None:
    """Answers from the records; `None` where the question names no paper of the collection after all."""
    if asked.who:
        who = _TITLE_OF_PERSON.sub("", asked.who)
        if not index.catalog.named("author", who):
            return _nobody(who, index)
        filters &= named("authors", who)
    match asked.about:
        case About.COUNT:
            return _count(asked, filters, index)
        case About.NEWEST | About.OLDEST | About.LIST:
            return _list(asked, filters, index)
        case About.YEARS | About.PER_YEAR:
            return _years(asked, filters, index)
        case About.FREQUENT:
            return _frequent(asked, filters, index)
        case _:
            return _of_title(asked, filters, index)


def _nobody(who: str, index: Index) -> Told:
    papers = index.catalog.counts().papers
    return Told(
        refusal=Refusal("no_match", f"No author “{who}” in this collection; {_papers(papers)} without that filter.")
    )


def _count(asked: Asked, filters: Filters, index: Index) -> Told:
    everything = index.catalog.counts().papers
    found = _holding(asked.topic, filters, index) if asked.topic else None
    number = index.catalog.count(filters) if found is None else len(found)
    if not (asked.topic or filters):
        return Told((_record(f"This collection holds {_papers(number)}."),))
    one = number == 1
    states = [f"{'is' if one else 'are'} {filters.describe().replace('; ', ', ')}"] if filters else []
    states += [f"{'holds' if one else 'hold'} all words of “{asked.topic}” in title or abstract"] if asked.topic else []
    text = f"{number:,} of the {_papers(everything)} in this collection {' and '.join(states)}."
    first = _record(text + (_HOW if asked.topic else ""), f"{number:,} of {everything:,} meet it")
    ids = index.catalog.matching(filters, found, limit=LISTED)
    return _listing([first], ids, number, index)


def _list(asked: Asked, filters: Filters, index: Index) -> Told:
    found = _holding(asked.topic, filters, index) if asked.topic else None
    number = index.catalog.count(filters) if found is None else len(found)
    which = _which(asked.topic, filters)
    if asked.topic and not number:
        message = (
            f"No paper {which}, so there is nothing to put in order of date. "
            f"Ask for papers on “{asked.topic}” to search by meaning."
        )
        return Told(refusal=Refusal("not_covered", message.replace("No paper holding", "No paper holds")))
    if not number:
        return Told(refusal=Refusal("empty_index", "The index holds no papers yet."))
    oldest = asked.about is About.OLDEST
    wanted = min(asked.number or LISTED, MOST_LISTED)
    ids = index.catalog.matching(filters, found, oldest=oldest, limit=wanted)
    records = index.catalog.get(ids[:1])
    if asked.about is not About.LIST and not any(paper.date for paper, _ in records.values()):
        return Told(refusal=Refusal("not_stated", "The records of these papers give no dates, so none is the newest."))
    order = "oldest" if oldest else "newest"
    shown = f"The {order} {len(ids)} of {_papers(number)}" if number > len(ids) else _papers(number)
    rest = f", {order} first" if number <= len(ids) and number > 1 else ""
    first = _record(f"{shown}{' ' + which if which else ''}{rest}:", f"{number:,} records meet it")
    return _listing([first], ids, number, index, rest=False)


def _years(asked: Asked, filters: Filters, index: Index) -> Told:
    if asked.topic:
        found = index.catalog.get(_holding(asked.topic, filters, index))
        dates = [(paper.date or "")[:4] for paper, _ in found.values()]
        years = sorted((year, dates.count(year)) for year in set(dates))
    else:
        years = index.catalog.years(filters)
    undated = sum(count for year, count in years if not year)
    dated = [(year, count) for year, count in years if year]
    if not dated:
        return Told(refusal=Refusal("not_stated", "The records of these papers give no dates."))
    which = _which(asked.topic, filters)
    without = f" {_papers(undated)} without a date." if undated else ""
    if asked.about is About.PER_YEAR:
        listed = ", ".join(f"{year}: {count:,}" for year, count in reversed(dated))
        return Told((_record(f"Papers{' ' + which if which else ''} per year: {listed}.{without}"),))
    total = sum(count for _, count in dated)
    text = f"{_papers(total)}{' ' + which if which else ''} from {dated[0][0]} to {dated[-1][0]}.{without}"
    return Told((_record(text),))


def _frequent(asked: Asked, filters: Filters, index: Index) -> Told:
    facet = cast(Facet, asked.facet)
    found = index.catalog.frequent(facet, filters, min(asked.number or NAMED, MOST_LISTED))
    plural = {"author": "authors", "venue": "venues", "category": "categories"}[facet]
    if not found:
        return Told(refusal=Refusal("not_stated", f"The records of these papers name no {plural}."))
    listed = ", ".join(f"{name} ({count:,})" for name, count in found)
    which = f" among the papers {filters.describe().replace('; ', ', ')}" if filters else ""
    return Told((_record(f"The most frequent {plural}{which}, with their numbers of papers: {listed}."),))


def _of_title(asked: Asked, filters: Filters, index: Index) -> Told | None:
    found = _titled(asked.title, filters, index)
    if not found and (topic := _PAPER_ON.match(asked.title)):
        found = [paper for paper, _ in index.catalog.get(_holding(topic[1], filters, index)[:MOST_TITLES]).values()]
    if not found:
        if not _says_paper(asked.title):
            return None
        message = f"No paper of this collection has a title with all words of “{_bare_title(asked.title)}”."
        return Told(refusal=Refusal("no_match", message))
    papers = found[:LISTED]
    rows = [_about(paper, number, _say(asked.about, paper)) for number, paper in enumerate(papers, start=1)]
    if len(found) > len(papers):
        rows.append(_record(f"{len(found) - len(papers):,} more papers hold these words."))
    return Told(tuple(rows), tuple(papers))


def _say(what: About, paper: Paper) -> str:
    match what:
        case About.AUTHORS:
            return _authors(paper)
        case About.AUTHOR_COUNT:
            return _author_count(paper)
        case About.DATE:
            return f"dated {paper.date}" if paper.date else "its record gives no date"
        case _:
            return f"its record names {paper.venue}" if paper.venue else "its record names no venue"


def _titled(text: str, filters: Filters, index: Index) -> list[Paper]:
    """Papers that a title in a question means: the one of that title, those that begin with it, those that hold it."""
    bare = _bare_title(text)
    ids = _known(index.terms.holding(bare, title=True)[:MOST_TITLES], filters, index)
    papers = [paper for paper, _ in index.catalog.get(ids).values()]
    wanted = _folded(bare)
    for same in (
        [paper for paper in papers if _folded(paper.title) == wanted],
        [paper for paper in papers if _folded(re.split(r"[:–—]| - ", paper.title, maxsplit=1)[0]) == wanted],
    ):
        if same:
            return same
    # "Who wrote the code": a common word of a title is no title.
    telling = _says_paper(text) or bool(names(bare)) or len(terms(bare)) > 2
    return papers if telling else []


def _says_paper(text: str) -> bool:
    return bool(re.search(r"\b(?:paper|article|preprint|study)\b|[“\"]", text, re.IGNORECASE))


def _bare_title(text: str) -> str:
    if quoted := re.search(r"[“\"](.+)[”\"]", text):
        return quoted[1]
    text = _PAPER_BEFORE.sub("", text)
    return _PAPER_AFTER.sub("", text).strip(" ?“”\"'")


def _folded(text: str) -> str:
    return " ".join(words(searchable(text).casefold()))


def _authors(paper: Paper) -> str:
    if paper.authors:
        shown = list(paper.authors[:MOST_NAMES])
        more = len(paper.authors) - len(shown)
        return "by " + ", ".join(shown) + (f" and {more:,} more" if more else "")
    if paper.author_count:
        return f"its record gives the number of authors, {paper.author_count}, and no names"
    return f"its record names {paper.organization}" if paper.organization else "its record names no authors"


def _author_count(paper: Paper) -> str:
    number = paper.author_count or len(paper.authors)
    if not number:
        return "its record does not say how many authors it has"
    least = "at least " if any(re.search(r"\bet al\b", name) for name in paper.authors) else ""
    return f"{least}{number} author{'' if number == 1 else 's'}"


def _listing(first: Sequence[Sentence], ids: Sequence[str], number: int, index: Index, *, rest: bool = True) -> Told:
    papers = [paper for paper, _ in index.catalog.get(ids).values()]
    rows = [_about(paper, place, _details(paper)) for place, paper in enumerate(papers, start=1)]
    more = number - len(papers)
    last = [_record(f"And {more:,} more.")] if rest and more > 0 and papers else []
    return Told((*first, *rows, *last), tuple(papers))


def _details(paper: Paper) -> str:
    who = ", ".join(paper.authors[:3]) + (" and others" if len(paper.authors) > 3 else "")
    if not who and paper.author_count:
        who = f"{paper.author_count} author{'' if paper.author_count == 1 else 's'}"
    elif who or paper.organization:
        who = f"by {who or paper.organization}"
    return "; ".join(part for part in (paper.date or "no date", who, paper.venue or "") if part)


def _about(paper: Paper, number: int, text: str) -> Sentence:
    support = Support(Verdict.SUPPORTED, 1.0, f"Record: {text}", paper.id)
    return Sentence(text, (number,), support, lead=paper.title, recorded=True)


def _record(text: str, evidence: str = "") -> Sentence:
    support = Support(Verdict.SUPPORTED, 1.0, f"Records: {evidence or text}")
    return Sentence(text, (), support, recorded=True)


def _holding(topic: str, filters: Filters, index: Index) -> list[str]:
    return _known(index.terms.holding(topic), filters, index)


def _known(ids: Sequence[str], filters: Filters, index: Index) -> list[str]:
    return index.catalog.matching(filters or NONE, ids) if ids else []


def _which(topic: str, filters: Filters) -> str:
    held = f"holding all words of “{topic}”" if topic else ""
    return ", ".join(filter(None, (held, filters.describe().replace("; ", ", "))))


def _papers(number: int) -> str:
    return f"{number:,} paper{'' if number == 1 else 's'}"
