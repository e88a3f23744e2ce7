"""Which papers are looked at: dates, authors, venues, categories. Exact, and decided before anything is ranked."""

from __future__ import annotations

import calendar
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from rag.errors import UsageError

# Key in the JSON and field -> key of a condition.
_FACET_KEYS = {"authors": "author", "venues": "venue", "categories": "category"}
KEYS = ("year", "date", *_FACET_KEYS.values())
_DATE = re.compile(r"[12]\d{3}(?:-\d{2}(?:-\d{2})?)?")
_CONDITION = re.compile(r"\s*([A-Za-z_]*)\s*(>=|<=|=|>|<)\s*(.*?)\s*", re.DOTALL)
# A comma ends a condition only where another one begins: "author=Bengio, Yoshua" is one.
_NEXT = re.compile(r",(?=\s*[A-Za-z_]+\s*(?:>=|<=|=|>|<))")
SYNTAX = "year=2024, year>=2023, date<=2024-05, author=Smith, venue=ICLR, category=cs.CL"


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions that a paper must meet; between keys all of them, within a key any of its values.

    Attributes:
        since: First date, inclusive: `2024`, `2024-05` or `2024-05-03`. A paper whose own date is less exact
            is kept where it may lie in the range; one without a date is not.
        until: Last date, inclusive.
        authors: Names as `rag.facets` compares them.
        venues: Names or acronyms.
        categories: Classes (`cs.CL`), archives (`cs`) or keywords.
    """

    since: str | None = None
    until: str | None = None
    authors: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != NONE

    def __and__(self, other: Filters) -> Filters:
        """Both: the narrower range of dates, and the names of either."""
        return Filters(
            max(filter(None, (self.since, other.since)), key=first_day, default=None),
            min(filter(None, (self.until, other.until)), key=last_day, default=None),
            tuple(dict.fromkeys(self.authors + other.authors)),
            tuple(dict.fromkeys(self.venues + other.venues)),
            tuple(dict.fromkeys(self.categories + other.categories)),
        )

    def holds(self, part: Filters) -> bool:
        """Are all conditions of `part` among these?"""
        dates = all(getattr(part, name) in (None, getattr(self, name)) for name in ("since", "until"))
        return dates and all(set(getattr(part, name)) <= set(getattr(self, name)) for name in _FACET_KEYS)

    def parts(self) -> tuple[tuple[Filters, str], ...]:
        """Each condition alone with its words, in reading order: a chip each. `without` takes one away."""
        found: list[tuple[Filters, str]] = []
        if self.since or self.until:
            found.append((Filters(self.since, self.until), _dates(self.since, self.until)))
        for name, preposition in (("authors", "by "), ("venues", "at "), ("categories", "in ")):
            if given := getattr(self, name):
                found.append((Filters.from_dict({name: given}), preposition + " or ".join(given)))
        return tuple(found)

    def without(self, part: Filters) -> Filters:
        """The conditions left when those of `part` are taken away."""
        kept: dict[str, Any] = {name: None for name in ("since", "until") if getattr(part, name) is not None}
        for name in _FACET_KEYS:
            kept[name] = tuple(value for value in getattr(self, name) if value not in getattr(part, name))
        return replace(self, **kept)

    def describe(self) -> str:
        """In words: `since 2024; by Smith`. Empty where there is no condition."""
        return "; ".join(words for _, words in self.parts())

    def to_dict(self) -> dict[str, Any]:
        """The conditions that are set, as plain values."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in ("since", "until") if getattr(self, name)}
        return plain | {name: list(getattr(self, name)) for name in _FACET_KEYS if getattr(self, name)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Filters:
        """The inverse of `to_dict`.

        Raises:
            UsageError: A key is unknown, or a date is none.
        """
        given: dict[str, Any] = {}
        for name, value in plain.items():
            if name not in cls.__dataclass_fields__:
                raise UsageError(f"Unknown filter {name!r}. Did you mean {_nearest(name, cls.__dataclass_fields__)!r}?")
            if name in _FACET_KEYS:
                given[name] = (value,) if isinstance(value, str) else tuple(map(str, value))
            elif value is not None:
                given[name] = _checked_date(str(value))
        return cls(**given)


NONE = Filters()


def parse(conditions: Iterable[str]) -> Filters:
    """Reads `--where` conditions: `year>=2023,author=Smith`.

    Raises:
        UsageError: A condition is not understood.
    """
    found = NONE
    for given in conditions:
        for text in _NEXT.split(given):
            found &= _condition(text)
    return found


def _condition(text: str) -> Filters:
    match = _CONDITION.fullmatch(text)
    if match is None or not match[1] or not match[3]:
        raise UsageError(f"The filter {text.strip()!r} is not understood. Write it like one of {SYNTAX}.")
    key, sign, value = match[1].lower(), match[2], match[3]
    if key not in KEYS:
        raise UsageError(f"Unknown filter {key!r}. Did you mean {_nearest(key, KEYS)!r}? Known are {', '.join(KEYS)}.")
    if key in ("year", "date"):
        if key == "year" and not re.fullmatch(r"\d{4}", value):
            raise UsageError(f"{value!r} is no year. Write a filter like year=2024 or date>=2024-05.")
        return dated(sign, _checked_date(value))
    if sign != "=":
        raise UsageError(f"{key} cannot be compared with {sign!r}. Write {key}={value}.")
    name = next(name for name, one in _FACET_KEYS.items() if one == key)
    return named(name, value)


def named(field: str, value: str) -> Filters:
    """One author, venue or category: `named("authors", "Smith")`."""
    return Filters.from_dict({field: value})


def dated(sign: str, value: str) -> Filters:
    """The range of dates that `=`, `>=`, `<=`, `>` or `<` and an ISO date mean."""
    if sign == "=":
        return Filters(since=value, until=value)
    if sign in (">=", ">"):
        return Filters(since=value if sign == ">=" else _neighbour(value, 1))
    return Filters(until=value if sign == "<=" else _neighbour(value, -1))


def first_day(value: str) -> str:
    """First day that a date of any exactness may mean: `2024-05` gives `2024-05-01`."""
    return value + "-01-01"[len(value) - 4 :] if len(value) < 10 else value


def last_day(value: str) -> str:
    """Last day that a date of any exactness may mean: `2024-05` gives `2024-05-31`."""
    if len(value) == 4:
        return f"{value}-12-31"
    if len(value) == 7:
        year, month = int(value[:4]), int(value[5:])
        return f"{value}-{calendar.monthrange(year, month)[1]:02}"
    return value


def nothing_matches(filters: Filters, alone: Sequence[int], papers: int) -> str:
    """What to say where no paper meets the conditions.

    Args:
        filters: The conditions.
        alone: How many papers meet each of `filters.parts()` by itself.
        papers: How many there are without any.
    """
    each = [words for _, words in filters.parts()]
    without = f"{papers:,} paper{'' if papers == 1 else 's'} without that filter"
    if len(each) == 1:
        return f"No paper {each[0]} in this collection; {without}."
    single = ", ".join(f"{words}: {count:,}" for words, count in zip(each, alone, strict=True))
    return f"No paper {', '.join(each)} in this collection ({single}; {without.replace('that', 'any')})."


def _dates(since: str | None, until: str | None) -> str:
    if since and until:
        return f"in {since}" if since == until else f"from {since} to {until}"
    return f"since {since}" if since else f"until {until}"


def _neighbour(value: str, step: int) -> str:
    if len(value) == 4:
        return f"{int(value) + step:04}"
    edge = date.fromisoformat(last_day(value) if step > 0 else first_day(value))
    return (edge + timedelta(days=step)).isoformat()[: len(value)]


def _checked_date(value: str) -> str:
    try:
        if not _DATE.fullmatch(value):
            raise ValueError
        date.fromisoformat(first_day(value))
    except ValueError as error:
        raise UsageError(f"{value!r} is no date. Write 2024, 2024-05 or 2024-05-03.") from error
    return value


def _nearest(name: str, known: Iterable[str]) -> str:
    return difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)[0]
