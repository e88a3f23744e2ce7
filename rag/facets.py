"""When a paper is by an author, of a venue or in a category: names as people write them, compared as they mean them.

Case, accents and punctuation never matter. A given name may be an initial on either side; a venue is found
by its whole name, by its acronym or by two words of it; an archive (`cs`) holds its classes (`cs.CL`).
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from rag.filters import Filters, first_day, last_day
from rag.text import searchable, words
from rag.types import Paper

Facet = Literal["author", "venue", "category"]
FACETS: tuple[Facet, ...] = get_args(Facet)
# Papers without a date lie outside every range.
NO_DAYS = ("", "")

_PARTICLES = frozenset(
    "van von vom vander de del della dello der den di da das dos do du la le las los el al ter ten te zu zum zur"
    " af av bin ibn ben st".split()
)
_NOT_NAMES = re.compile(r"[,\s]*\bet\.? al\b\.?|[,\s]*\band others\b", re.IGNORECASE)
_SUFFIX = re.compile(r"^(?:jr|sr|ii|iii|iv|phd|md)$")
_ARXIV_CLASS = re.compile(r"([a-z-]+)\.[a-z-]{2,}")
# (given names, family name), folded. A name with a particle has two readings: van der Maaten, Maaten.
_Reading = tuple[tuple[str, ...], str]


def values(paper: Paper, facet: Facet) -> tuple[str, ...]:
    """The paper's own authors, venue or categories, as its source wrote them."""
    if facet == "author":
        names = paper.authors or ((paper.organization,) if paper.organization else ())
        return tuple(dict.fromkeys(bare for name in names if (bare := _NOT_NAMES.sub("", name).strip())))
    if facet == "venue":
        return (paper.venue,) if paper.venue else ()
    return tuple(dict.fromkeys(paper.categories))


def days(paper: Paper) -> tuple[str, str]:
    """First and last day that the paper's date may mean."""
    return (first_day(paper.date), last_day(paper.date)) if paper.date else NO_DAYS


def asked_for(filters: Filters, facet: Facet) -> tuple[str, ...]:
    """The values a filter names, one of which a paper must have; empty: any."""
    return {"author": filters.authors, "venue": filters.venues, "category": filters.categories}[facet]


def meets(paper: Paper, filters: Filters) -> bool:
    """Does the paper meet the conditions? What every store's own way of filtering must agree with."""
    first, last = days(paper)
    if (filters.since and last < first_day(filters.since)) or (filters.until and first > last_day(filters.until)):
        return False
    if filters.until and not first:
        return False
    return all(
        any(same(facet, asked, value) for asked in wanted for value in values(paper, facet))
        for facet in FACETS
        if (wanted := asked_for(filters, facet))
    )


def same(facet: Facet, asked: str, value: str) -> bool:
    """Does `asked` name this author, venue or category?"""
    if not (wanted := _folded(asked)):
        return False
    if wanted == _folded(value):
        return True
    if facet == "author":
        return any(_same_person(one, other) for one in _readings(asked) for other in _readings(value))
    if facet == "venue":
        return _names_venue(wanted.split(), value)
    return value.lower().startswith(asked.strip().lower() + ".") and bool(_ARXIV_CLASS.fullmatch(value.lower()))


def lookup_words(facet: Facet, name: str) -> tuple[str, ...]:
    """Words under which a name is kept and looked up: two names can be the same only if they share one."""
    found = {_joined(_folded(name))}
    if facet == "author":
        found |= {family for _, family in _readings(name)}
    elif facet == "venue":
        found = {word for word in _folded(name).split() if not word.isdigit()} or found
    elif match := _ARXIV_CLASS.fullmatch(name.strip().lower()):
        found.add(_joined(match[1]))
    return tuple(sorted(word for word in found if word))


def _folded(text: str) -> str:
    return " ".join(words(searchable(text).casefold()))


def _joined(text: str) -> str:
    return re.sub(r"[^\w]|_", "", text)


def _readings(name: str) -> list[_Reading]:
    name = _NOT_NAMES.sub("", name).strip(" ,;")
    last, comma, first = name.partition(",")
    if comma and first.strip():  # Last, First
        name = f"{first} {last}"
    parts = searchable(name).replace(".", ". ").split()
    while len(parts) > 1 and _SUFFIX.match(parts[-1].strip(".,").casefold()):
        parts.pop()
    if not parts:
        return []
    orders = [parts]
    last = _joined(parts[-1])
    if len(parts) > 1 and last.isupper() and len(last) <= 3 and len(_joined(parts[0])) > 1:
        orders.append([parts[-1], *parts[:-1]])  # "Smith JA", as PubMed and Scopus write it
    found = []
    for order in orders:
        start = next((i for i, part in enumerate(order[:-1]) if part.casefold() in _PARTICLES), len(order) - 1)
        found.append(_reading(order, len(order) - 1))
        if start < len(order) - 1:
            found.append(_reading(order, start))
    return [(given, family) for given, family in found if family]


def _reading(parts: list[str], family_from: int) -> _Reading:
    given: list[str] = []
    for part in parts[:family_from]:
        bare = _joined(part)
        # PubMed's "JA Smith" is J. A. Smith.
        pieces = list(bare) if bare.isupper() and 1 < len(bare) <= 3 else re.split(r"[-'’.]", part)
        given += [folded for piece in pieces if (folded := _joined(piece).casefold())]
    return tuple(given), _joined("".join(parts[family_from:])).casefold()


def _same_person(asked: _Reading, named: _Reading) -> bool:
    if asked[1] != named[1]:
        return False
    if not asked[0]:
        return True
    return bool(named[0]) and all(
        one == other or (min(len(one), len(other)) == 1 and one[0] == other[0])
        for one, other in zip(asked[0], named[0], strict=False)
    )


def _names_venue(wanted: list[str], venue: str) -> bool:
    own = words(searchable(venue))
    folded = [word.casefold() for word in own]
    if [word for word in folded if not word.isdigit()] == wanted:
        return True
    places = [i for i in range(len(folded)) if folded[i : i + len(wanted)] == wanted]
    if len([word for word in wanted if not word.isdigit()]) > 1:
        return bool(places)
    # "ICLR" names "ICLR 2023 (poster)"; "Nature" does not name "Nature Communications".
    return not venue.isupper() and any(any(char.isupper() for char in own[i][1:]) for i in places)
