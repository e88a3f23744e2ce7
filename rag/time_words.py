"""Time in words to a range of dates: "since May 2024", "between 2018 and 2020", "in the last two years"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from rag.filters import Filters, dated

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
# Not the start of a longer number, of "2048-dimensional" or of a decimal.
_YEAR = r"(?:19|20)\d\d(?![\w%]|[-–./]\w|,\d)"
_ISO = r"(?:19|20)\d\d-\d\d(?:-\d\d)?(?![\w%]|[-./]\w)"
_WHEN = rf"(?:{_ISO}|(?:{_MONTH},?\s+)?{_YEAR})"
_NUMBERS = {word: n for n, word in enumerate("one two three four five six seven eight nine ten".split(), start=1)}
_COUNT = rf"(?:\d{{1,2}}|{'|'.join(_NUMBERS)}|few|couple of)"
_LAST = rf"(?:the\s+)?(?:last|past|previous)\s+(?:(?P<count>{_COUNT})\s+)?(?P<unit>years?|months?)"
_EARLIEST = 1900


def _range(match: re.Match[str], today: date) -> Filters:
    return dated(">=", _when(match["a"])) & dated("<=", _when(match["b"]))


def _one(sign: str) -> Callable[[re.Match[str], date], Filters]:
    return lambda match, today: dated(sign, _when(match["a"]))


def _two_years(match: re.Match[str], today: date) -> Filters:
    if int(match["b"]) != int(match["a"]) + 1:
        raise ValueError  # no range says 2015 and 2018
    return dated(">=", match["a"]) & dated("<=", match["b"])


def _decade(match: re.Match[str], today: date) -> Filters:
    decade = match["decade"][:3] if len(match["decade"]) == 4 else f"19{match['decade'][0]}"
    return Filters(decade + "0", decade + "9")


def _last(match: re.Match[str], today: date) -> Filters:
    word = match["count"] or "1"
    number = _NUMBERS.get(word.lower()) or {"few": 3, "couple of": 2}.get(word.lower()) or int(word)
    months = number * (12 if match["unit"].lower().startswith("year") else 1)
    start = today.year * 12 + today.month - 1 - months
    year, month = divmod(start, 12)
    return Filters(since=f"{year}-{month + 1:02}")


def _named_year(match: re.Match[str], today: date) -> Filters:
    return dated("=", str(today.year - (match["which"].lower() == "last")))


# What may stand anywhere that a time may stand; the weak ones also say where something happened ("in 2012").
_FORMS: tuple[tuple[str, Callable[[re.Match[str], date], Filters]], ...] = (
    (rf"between\s+(?P<a>{_WHEN})\s+and\s+(?P<b>{_WHEN})", _range),
    (rf"(?:from\s+)?(?P<a>{_WHEN})\s*(?:to|until|till|through|-|–)\s*(?P<b>{_WHEN})", _range),
    (r"(?:from\s+)?(?P<a>(?:19|20)\d\d)\s?[-–]\s?(?P<b>(?:19|20)\d\d)(?![\w%]|[-–./]\w)", _range),
    (rf"from\s+(?P<a>{_WHEN})\s+(?:onwards?|on(?!\s+\w))\b", _one(">=")),
    (rf"(?:in|from|of|during)\s+(?P<a>{_WHEN})\s+(?:or|and)\s+(?:later|newer|after(?:wards)?|onwards?)\b", _one(">=")),
    (rf"(?:in|from|of|during)\s+(?P<a>{_WHEN})\s+(?:or|and)\s+(?:earlier|older|before)\b", _one("<=")),
    (rf"(?:since|starting\s+(?:in|from))\s+(?P<a>{_WHEN})(?:\s+onwards?)?", _one(">=")),
    (rf"(?:after|later\s+than|newer\s+than|more\s+recent\s+than)\s+(?P<a>{_WHEN})", _one(">")),
    (rf"(?:before|prior\s+to|earlier\s+than|older\s+than)\s+(?P<a>{_WHEN})", _one("<")),
    (rf"(?:until|till|up\s+to|through)\s+(?P<a>{_WHEN})", _one("<=")),
    (rf"(?:in|from|of|over|within|during)\s+{_LAST}", _last),
)
_WEAK_FORMS: tuple[tuple[str, Callable[[re.Match[str], date], Filters]], ...] = (
    (rf"(?:in|from|of|during)\s+(?P<a>{_YEAR})\s*(?:and|or|,|/)\s*(?P<b>{_YEAR})", _two_years),
    (rf"(?:in|from|of|during|dated)\s+(?:the\s+year\s+)?(?P<a>{_WHEN})", _one("=")),
    (r"(?:in|from|of|during)\s+the\s+(?P<decade>(?:19|20)?\d0)['’]?s(?!\w)", _decade),
    (r"(?:in\s+|from\s+)?(?P<which>this|last)\s+year(?!['’\w])", _named_year),
)


def time_at(text: str, place: int, today: date, *, weak: bool) -> tuple[int, Filters] | None:
    """The time that begins at `place`: where it ends, and the range it means; `None` if there is none.

    Args:
        text: The question.
        place: In characters.
        today: What "the last two years" are counted from, in whole months.
        weak: Also "in 2019" and "from the 1990s", which elsewhere tell when something happened.
    """
    for form, meaning in (*_FORMS, *(_WEAK_FORMS if weak else ())):
        if match := re.compile(form, re.IGNORECASE).match(text, place):
            try:
                found = meaning(match, today)
            except ValueError:  # the thirteenth month
                continue
            years = [int(value[:4]) for value in (found.since, found.until) if value]
            if all(_EARLIEST <= year <= today.year + 1 for year in years):
                return match.end(), found
    return None


def year_before(text: str, place: int, today: date) -> tuple[int, Filters] | None:
    """A year that ends at `place`, as in "2023 papers": where it begins, and what it means."""
    match = re.search(r"(?<![\w.,-])((?:19|20)\d\d)$", text[:place])
    if match is None or not _EARLIEST <= int(match[1]) <= today.year + 1:
        return None
    return match.start(), dated("=", match[1])


def _when(text: str) -> str:
    found = re.fullmatch(rf"({_MONTH})?,?\s*(.*)", text.strip(), re.IGNORECASE | re.DOTALL)
    assert found is not None
    month = f"-{_MONTHS.index(found[1][:3].lower()) + 1:02}" if found[1] else ""
    date.fromisoformat((found[2] + month + "-01-01")[:10])
    return found[2] + month
