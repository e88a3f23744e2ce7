"""Filters read out of a question, where its words can mean nothing else.

"Papers since 2024 on pruning" asks for a range of dates; "trained on ImageNet 2012" does not. A phrase is a
filter only where it stands by a word for papers that opens the question, or ends a question that asks for
papers; an author, a venue or a category only if the collection has one of that name. What is missed can be
given as a condition; what is taken wrongly would lose papers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from rag.facets import Facet
from rag.filters import Filters, named
from rag.index import Index
from rag.paper_words import asked_noun, asks_what_was_published
from rag.time_words import time_at, year_before

_PUBLISHED = r"(?:published|written|released|submitted|posted|presented|accepted|appear(?:ing|ed|s)?|dated|dating)"
_STATED = re.compile(r"\b(?:published|presented|accepted|appear\w*)\s+$", re.IGNORECASE)
_WAS_PUBLISHED = re.compile(
    r"(?:(?:that|which)\s+)?(?:(?:were|was|are|is|have\s+been|has\s+been|came|come)\s+)(?:out|" + _PUBLISHED + r")\s+"
    r"|(?:(?:that|which)\s+)?(?:appeared|appear)\s+",
    re.IGNORECASE,
)
_PUBLISHED_BEFORE = re.compile(
    rf"(?:(?:that|which)\s+)?(?:(?:were|was|are|is|have been|has been)\s+)?{_PUBLISHED}\s+$", re.I
)
_AFTER_NOUN = re.compile(
    rf"\s+(?:(?:that|which)\s+)?(?:(?:were|was|are|is|have\s+been)\s+)?(?:{_PUBLISHED}\s+)?"
    r"(?:(?:co-?)?(?:authored|written)\s+)?",
    re.IGNORECASE,
)
# A phrase ends here, so that "papers from 2019 elections" is about elections.
_BOUNDARY = re.compile(
    r"\s*(?:$|[?.,;:!)])|\s+(?:on|about|by|that|which|who|whose|with|using|uses?|are|is|were|was|do|does|did|deal(?:s|ing)?"
    r"|stud(?:y|ies)|discuss(?:es|ing)?|propos(?:e|es|ing)|mention(?:s|ing)?|there|from|in|at|of|for|and|or|concerning"
    r"|regarding|related|published|written|ha(?:ve|s)|address(?:es|ing)?|describ(?:e|es|ing)|cover(?:s|ing)?|apply"
    r"|introduc(?:e|es|ing)|present(?:s|ing)?|compar(?:e|es|ing)|since|before|after|between|say|show|report|not|it|per"
    r"|save|improve|reduce|train|learn|build|test|evaluate|measure|analy[sz]e|explore|investigate|examine|find|achieve"
    r"|claim|argue|support|treat|combine|extend|consider|focus|look|try|make|take|give|help|work|want|need|can)\b",
    re.IGNORECASE,
)
# "Which papers since 2022 save memory": after these a verb may follow at once.
_STRONG = re.compile(r"(?:since|after|before|until|prior|between|in the|of the|within|over)\b", re.IGNORECASE)
# What changes or happens has times of its own, and "since 1990" after it may be one of them.
_CHANGES = re.compile(
    r"\b(?:chang|trend|increas|decreas|declin|grow|evolution of|evolv|rise|rising|rose|fall|emission|temperature"
    r"|epidemic|pandemic|election|crisis|wars?\b|histor|collect|observ|measure[sd]|diagnos|treated|born|trained"
    r"|developed|outbreak"
    r"|published|happen|occur|market|price|stock|policies|reform|disaster|earthquake|migrat|deforest|sales|crime"
    r"|accident|mortality|surviv|progress|years?\b)",
    re.IGNORECASE,
)
# Data come from a time: "tweets between 2016 and 2018", "novels published in 1850".
_DATA = re.compile(
    r"\b(?:data|tweet|post(?:s|ed)|news|record|report|patient|cases?\b|event|sample|survey|census|season|novel|book|film"
    r"|movie|song|image|photo|video|corpus|corpora|benchmark|challenge|competition|version|release|model|student|law)",
    re.IGNORECASE,
)
_MORE_TIMES = re.compile(r"\s*(?:,|/|and|or)\s*(?:(?:19|20)\d\d\b|later\b|earlier\b|newer\b|older\b)", re.IGNORECASE)
_LINK = re.compile(r"\s*,?\s*(?:and|or|,|&)\s+", re.IGNORECASE)
_ET_AL = re.compile(r"\s*,?\s*et\.?\s+al\b\.?", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|never|nor|\w+n['’]t|other than|except)(?:\s+\w+){0,2}\s*$", re.IGNORECASE)
_DONE = re.compile(
    r"\b(?!(?:published|released|submitted|posted|presented|accepted|authored|co-?authored)\b)"
    r"(?:\w+ed|made|built|shown|given|found|led|run)\s+$",
    re.IGNORECASE,
)
# What has been so since a time of its own.
_LASTING = re.compile(
    r"\b(?:built|spoken|known|born|founded|found|used|enacted|adopted|discovered|in (?:force|effect|use|service))\s*$",
    re.I,
)
_A_YEAR = re.compile(r"\b(?:per|each|every|by|in each)\s+year\b", re.IGNORECASE)
_PARTICLE = r"(?:van|von|de|der|den|del|della|di|da|dos|du|la|le|el|al|ter|ten|bin|ibn)"
_WORD = re.compile(r"[^\s,;?!()“”\"]+")
_TRAILING = re.compile(r"\b(?:by|from|at|in|since|before|after|between|until|prior|over|within|of|published)\b", re.I)
_CLASS = re.compile(
    r"(?:\b(?:in|from|under|of)\s+)?(?:the\s+)?(?:arxiv\s+)?(?:categor(?:y|ies)\s+|class\s+)?"
    r"\b(?P<name>(?:cs|math|stat|eess|econ|physics|q-bio|q-fin|astro-ph|cond-mat|nlin)\.[A-Za-z-]{2,})(?![\w.]*\w)",
    re.IGNORECASE,
)
_LONGEST_NAME = 6
# A topic longer than this is a sentence of its own, with times of its own.
_LONGEST_TOPIC = 8


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of a question, in characters, and the condition they are."""

    start: int
    end: int
    filters: Filters


def phrases(text: str, index: Index, today: date) -> tuple[Phrase, ...]:
    """The phrases of a question that can only be filters, in reading order."""
    return tuple(sorted(_Reader(text, index, today).read(), key=lambda phrase: phrase.start))


def without(text: str, found: tuple[Phrase, ...]) -> str:
    """The question without these phrases: what is retrieved with."""
    for phrase in sorted(found, key=lambda phrase: -phrase.start):
        text = f"{text[: phrase.start]} {text[phrase.end :]}"
    text = re.sub(r"\s+([?.,;!])", r"\1", " ".join(text.split()))
    text = re.sub(r"^[\s,;]+|(?:\s+(?:and|or)|[\s,;])+(?=[?.!]*$)", "", text)
    return text[:1].upper() + text[1:]


class _Reader:
    """One reading: what is understood is blanked out, so that places stay and nothing is read twice."""

    def __init__(self, text: str, index: Index, today: date) -> None:
        self._text = text
        self._index = index
        self._today = today
        self._found: list[Phrase] = []

    def read(self) -> list[Phrase]:
        self._classes()
        opened = asks_what_was_published(self._text)
        noun = asked_noun(self._text)
        if noun is None and opened is None:
            return self._found
        if noun is not None:
            self._leading(noun)
            self._before(noun)
            self._after(noun.end())
        self._published()
        head = noun or opened
        assert head is not None
        while self._trailing(head.end(), weak=opened is not None):
            pass
        return self._found

    def _take(self, start: int, end: int, filters: Filters) -> None:
        self._found.append(Phrase(start, end, filters))
        self._text = self._text[:start] + " " * (end - start) + self._text[end:]

    def _classes(self) -> None:
        for match in list(_CLASS.finditer(self._text)):
            if self._index.catalog.named("category", match["name"]):
                self._take(match.start(), match.end(), named("categories", match["name"]))

    def _leading(self, noun: re.Match[str]) -> None:
        start = len(self._text) - len(self._text.lstrip())
        found = time_at(self._text, start, self._today, weak=True)
        if found and self._text[found[0] :].lstrip().startswith(",") and found[0] < noun.start():
            self._take(start, self._text.index(",", found[0]) + 1, found[1])

    def _before(self, noun: re.Match[str]) -> None:
        """Reads `2023 papers`, `ICLR 2023 papers` and `Bengio’s papers`."""
        place = len(self._text[: noun.start()].rstrip())
        if match := re.search(
            r"((?:[^\s,;?!]+\s+){0,4}?[^\s,;?!]+)['’]s?(?:\s+(?:newest|latest|recent|own|first))?$", self._text[:place]
        ):
            for start in _word_starts(match[1]):
                name = match[1][start:]
                if name[:1].isupper() and self._author(name, rare="" if " " in name else name):
                    self._take(match.start(1) + start, match.end(), named("authors", name))
                    return
        if found := year_before(self._text, place, self._today):
            self._take(found[0], place, found[1])
            place = len(self._text[: found[0]].rstrip())
        venue = re.search(r"[^\s,;?!]+$", self._text[:place])
        if venue and re.search(r"[A-Z].*[A-Z]", venue[0]) and len(venue[0]) >= 4 and self._venue(venue[0], weak=True):
            self._take(venue.start(), venue.end(), named("venues", venue[0]))

    def _after(self, place: int) -> None:
        """Whatever follows the word for papers at once, one after the other."""
        while True:
            match = _AFTER_NOUN.match(self._text, place)
            found = match and self._here(match.end(), place, sure=True)
            if not found:
                return
            place = found

    def _published(self) -> None:
        for match in _WAS_PUBLISHED.finditer(self._text):
            self._here(match.end(), match.start(), sure=True)

    def _trailing(self, head: int, *, weak: bool) -> bool:
        """The phrase that ends the question."""
        for match in _TRAILING.finditer(self._text, head):
            topic = _A_YEAR.sub("", self._text[head : match.start()])
            published = _PUBLISHED_BEFORE.search(self._text[head : match.start()])
            start = head + published.start() if published else match.start()
            if published:
                before = self._text[head:start].split()
                dated = bool(before) and bool(_CHANGES.search(before[-1]) or _DATA.search(before[-1]))
            else:
                lasting = match[0].lower() in ("since", "after", "before", "until", "prior")
                dated = bool(_CHANGES.search(topic) or _LASTING.search(topic) or (not lasting and _DATA.search(topic)))
            if len(topic.split()) > _LONGEST_TOPIC:
                return False
            if self._here(match.start(), start, sure=False, ends=True, dated=dated, weak=weak or published is not None):
                return True
        return False

    def _here(
        self, place: int, start: int, *, sure: bool, ends: bool = False, dated: bool = False, weak: bool = False
    ) -> int:
        """Takes the time, authors, venue or class that begin at `place`; says where they end, or 0.

        Args:
            place: Where the phrase begins.
            start: From where the words go if it is one.
            sure: It stands by the word for papers.
            ends: It has to end the question.
            dated: The topic may have a date of its own.
            weak: "In 2019" may be read too.
        """
        if _DENIED.search(self._text[:start]):  # "not published in 2023": there is no filter that says so
            return 0
        if (
            not dated
            and (found := time_at(self._text, place, self._today, weak=sure or weak))
            and ((sure and _STRONG.match(self._text, place)) or self._bounded(found[0], ends))
        ):
            self._take(start, found[0], found[1])
            return found[0]
        word = re.compile(r"(by|from|at|in)\s+", re.IGNORECASE).match(self._text, place)
        if word is None:
            return 0
        if word[1].lower() == "by":
            if _DONE.search(self._text[:place]):  # "proposed by Kingma": what is, not the papers
                return 0
            return self._authors(word.end(), start, sure, ends)
        stated = _STATED.search(self._text[start:place]) is not None
        return self._venues(word.end(), start, stated or (sure and word[1].lower() != "in"), ends, stated=stated)

    def _bounded(self, place: int, ends: bool) -> bool:
        if _MORE_TIMES.match(self._text, place):  # none rather than half
            return False
        if ends:
            return not self._text[place:].strip(" ?.!,;")
        return _BOUNDARY.match(self._text, place) is not None

    def _authors(self, place: int, start: int, sure: bool, ends: bool) -> int:
        names, end = self._linked(
            place, lambda name: self._author(name, rare="" if sure or " " in name else name), sure, behind=_ET_AL
        )
        if not names or not self._bounded(end, ends):
            return 0
        self._take(start, end, Filters(authors=tuple(names)))
        return end

    def _venues(self, place: int, start: int, sure: bool, ends: bool, *, stated: bool) -> int:
        if article := re.compile(r"the\s+", re.IGNORECASE).match(self._text, place):
            place = article.end()
        names, end = self._linked(place, lambda name: self._venue(name, weak=not sure, stated=stated), sure)
        if not names or not self._bounded(end, ends):
            return 0
        found = Filters()
        for name in names:
            found &= self._at(name)
        self._take(start, end, found)
        return end

    def _at(self, name: str) -> Filters:
        """A venue, perhaps with its year."""
        parts = re.fullmatch(r"(.*\D)\s+((?:19|20)\d\d)", name)
        if parts and not self._index.catalog.named("venue", name):
            return named("venues", parts[1].strip()) & Filters(parts[2], parts[2])
        return named("venues", name)

    def _linked(
        self, place: int, known: Callable[[str], bool], sure: bool, behind: re.Pattern[str] | None = None
    ) -> tuple[list[str], int]:
        """The known names from `place` on, linked by commas, "and" or "or", and where they end.

        Args:
            place: In characters.
            known: Is there such a name?
            sure: As in `_longest`.
            behind: What may stand behind a name and belongs to it.
        """
        names: list[str] = []
        end = place
        while (got := self._longest(place, known, sure)) is not None:
            names.append(self._text[place:got])
            more = behind.match(self._text, got) if behind else None
            end = more.end() if more else got
            link = _LINK.match(self._text, end)
            if link is None:
                break
            place = link.end()
        return names, end

    def _longest(self, place: int, known: Callable[[str], bool], sure: bool) -> int | None:
        """Where the longest known name that begins at `place` ends."""
        ends: list[int] = []
        for match in _WORD.finditer(self._text, place):
            between = self._text[ends[-1] if ends else place : match.start()]
            if between.strip() or len(ends) == _LONGEST_NAME or _ET_AL.match(self._text, match.start()):
                break
            ends.append(match.end())
        for end in reversed(ends):
            name = self._text[place:end].rstrip(".?!")
            capital = name[:1].isupper() or re.match(_PARTICLE + r"\s+[A-Z]", name)
            if (capital or (sure and " " in name)) and known(name):
                return place + len(name)
        return None

    def _author(self, name: str, rare: str) -> bool:
        """Is there such an author, and, where only `rare` names it, is that a name rather than a topic?"""
        if not re.search(r"[^\W\d_]{2}", name) or not (known := self._index.catalog.named("author", name)):
            return False
        return not rare or not self._is_topic(rare, Filters(authors=tuple(known[:50])))

    def _venue(self, name: str, *, weak: bool, stated: bool = False) -> bool:
        bare = re.sub(r"\s+(?:19|20)\d\d$", "", name)
        if not re.search(r"[^\W\d_]{2}", bare) or not (self._named("venue", name) or self._named("venue", bare)):
            return False
        if weak and (" " in bare or not re.search(r"[A-Z].*[A-Z]", bare)):
            return False
        return stated or " " in bare or not self._is_topic(bare, named("venues", bare))

    def _named(self, facet: Facet, name: str) -> bool:
        return bool(self._index.catalog.named(facet, name))

    def _is_topic(self, word: str, filters: Filters) -> bool:
        """Do more abstracts speak of the word than papers have it as a name?"""
        frequency = max((count for _, count in self._index.terms.document_frequency(word)), default=0)
        return frequency > self._index.catalog.count(filters)


def _word_starts(text: str) -> list[int]:
    return [match.start() for match in re.finditer(r"\S+", text)]
