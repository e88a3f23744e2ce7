"""The collection to leaf through: search, filter by year, sort, page. In memory, so that 140,000 papers stay quick."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.protocols import Catalog
from rag.types import Paper

PAGE = 50
SORTS = ("date", "title", "who", "venue")


@dataclass(frozen=True, slots=True)
class Row:
    """What the table shows of a paper."""

    id: str
    title: str
    who: str
    date: str
    venue: str
    digest: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What the reader wants to see. `page` counts from 0; an empty `year` is every year."""

    search: str = ""
    sort: str = "date"
    descending: bool = True
    page: int = 0
    year: str = ""

    @classmethod
    def read(cls, sent: Mapping[str, Any]) -> Wish:
        """A wish from outside; what makes no sense is as at the start."""
        sort, page = sent.get("sort"), sent.get("page")
        known = sort if isinstance(sort, str) and sort in SORTS else "date"
        return cls(
            search=str(sent.get("search") or "")[:200],
            sort=known,
            descending=bool(sent.get("descending", known == "date")),
            page=page if isinstance(page, int) and page >= 0 else 0,
            year=str(sent.get("year") or "")[:4],
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows out of `total`, and how many papers there are in each year, whatever year is chosen."""

    rows: tuple[Row, ...]
    total: int
    page: int
    pages: int
    years: tuple[tuple[str, int], ...]


class Shelf:
    """Rows in every order one may want, made when first wanted."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = list(rows)
        self._text = [f"{r.title} {r.who} {r.venue} {r.date} {r.id}".casefold() for r in self._rows]
        self._orders: dict[str, tuple[list[int], list[int]]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def page(self, wish: Wish) -> Page:
        """The page that was wished for; the last one where there are fewer."""
        ordered, missing = self._order(wish.sort)
        # What lacks the field comes last in either direction.
        order = (ordered[::-1] if wish.descending else ordered) + missing
        found = [place for place in order if self._holds(place, wish.search)] if wish.search.split() else order
        years = Counter(self._rows[place].date[:4] for place in found)
        if wish.year:
            found = [place for place in found if self._rows[place].date.startswith(wish.year)]
        pages = max(1, -(-len(found) // PAGE))
        number = min(wish.page, pages - 1)
        rows = tuple(self._rows[place] for place in found[number * PAGE : (number + 1) * PAGE])
        return Page(rows, len(found), number, pages, tuple(sorted(item for item in years.items() if item[0])))

    def holding(self, search: str) -> set[str]:
        """Ids of the papers whose line holds all words of `search`."""
        return {row.id for place, row in enumerate(self._rows) if self._holds(place, search)}

    def _holds(self, place: int, search: str) -> bool:
        return all(word in self._text[place] for word in search.casefold().split())

    def _order(self, sort: str) -> tuple[list[int], list[int]]:
        if sort not in self._orders:
            keys = [getattr(row, sort).casefold() for row in self._rows]
            ordered = sorted((place for place, key in enumerate(keys) if key), key=keys.__getitem__)
            self._orders[sort] = ordered, [place for place, key in enumerate(keys) if not key]
        return self._orders[sort]


class ShelfKeeper:
    """The shelf of a catalog, made again when a record has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision: int | None = None
        self._shelf = Shelf(())

    def shelf(self, catalog: Catalog) -> Shelf:
        """The collection as it is now."""
        with self._lock:
            revision = catalog.counts().revision
            if revision != self._revision:
                self._shelf = Shelf(row(paper) for paper in catalog.papers())
                self._revision = revision
            return self._shelf


def row(paper: Paper) -> Row:
    """A paper in one line."""
    return Row(
        paper.id, paper.title or paper.id, who(paper), paper.date or "", paper.venue or "", paper.kind == "digest"
    )


def who(paper: Paper) -> str:
    """The first author and whether there are more; else the organisation."""
    if paper.authors:
        return paper.authors[0] + (" et al." if len(paper.authors) > 1 else "")
    return paper.organization or ""


def ordered_years(years: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Every year from the first to the last, those without a paper too."""
    known = {int(year): count for year, count in years if year.isdecimal()}
    return [(str(year), known.get(year, 0)) for year in range(min(known), max(known) + 1)] if known else []
