"""A Daily Papers page saved as text.

Papers follow each other as: title, abstract, a line with the number of authors or an organisation,
a line with a lone middle dot, a line with the date and, where there are any, the number of comments.
Before the first paper stands page furniture that ends with the page's own date.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from ingest.fields import make_record
from ingest.records import Record, Records, Rejected
from ingest.sources.opened import Head, SourceFile

NAME = "daily-papers"
SEPARATOR = "·"
DATE_LENGTH = 24

_MONTHS = {m: i for i, m in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)}
_DATE = re.compile(rf"^({'|'.join(_MONTHS)})[a-z]* (\d{{1,2}})(?:, (\d{{4}}))?(?:\s+(\d+))?$")
_AUTHORS = re.compile(r"^•?\s*(\d+)\s+authors?$")
_NAME_DATE = re.compile(r"(?<!\d)(20\d\d)-\d\d-\d\d(?!\d)")
_HEAD = re.compile(
    r"^(new|get trending papers.*|subscribe|(trending|daily) papers|by\s?ak and.*|log ?in)$", re.IGNORECASE
)
_FURNITURE = re.compile(r"^(submitted by \S+|upvotes? ?\d*)$", re.IGNORECASE)

Line = tuple[int, str]


def matches(head: Head) -> bool:
    """A lone middle dot followed by a date is what no other text format has."""
    return any(a == SEPARATOR and _DATE.match(b) for a, b in pairwise(head.lines))


def page_year(path: Path) -> int:
    """Year of the page: from a date in the file's name, else of the file's last change."""
    if match := _NAME_DATE.search(path.name):
        return int(match[1])
    return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC).year


def this_year() -> int:
    """Year of a page that comes without a file."""
    return datetime.datetime.now(datetime.UTC).year


def read(file: SourceFile) -> Records:
    """Papers of the page; a block that is no paper is rejected with its line."""
    return read_lines(((number, line) for number, text in file.lines() if (line := text.strip())), file)


def read_lines(lines: Iterator[Line], file: SourceFile) -> Records:
    """Papers of a page given as its lines, blank ones left out."""
    block: list[Line] = []
    first = True
    for number, line in lines:
        if line != SEPARATOR:
            block.append((number, line))
            continue
        date_line = next(lines, (number, ""))
        yield _paper(_without_furniture(block, first=first), date_line, file)
        first = False
        # Where the date is missing, what stands in its place is the next paper's title.
        block = [] if _is_date_like(date_line[1]) else [date_line]
    if any(_AUTHORS.match(line) for _, line in block):
        yield Rejected(file.name, f"line {block[0][0]}", "the file ends before this paper's date")


def _is_date_like(line: str) -> bool:
    return not line or (len(line) <= DATE_LENGTH and (" " not in line or any(char.isdigit() for char in line)))


def _paper(block: list[Line], date_line: Line, file: SourceFile) -> Record:
    where = f"line {block[0][0] if block else date_line[0]}"
    date = _DATE.match(date_line[1])
    if len(block) < 3:
        return Rejected(file.name, where, "a title, an abstract or the authors' line is missing")
    if date is None:
        return Rejected(file.name, f"line {date_line[0]}", f"{date_line[1][:40]!r} is not a date")
    iso = _iso(date, file.year)
    if iso is None:
        return Rejected(file.name, f"line {date_line[0]}", f"{date_line[1][:40]!r} is no day of the calendar")
    byline = block[-1][1]
    authors = _AUTHORS.match(byline)
    return make_record(
        file.name,
        where,
        title=block[0][1],
        abstract=" ".join(line for _, line in block[1:-1]),
        author_count=int(authors[1]) if authors else None,
        organization=None if authors else _organization(byline),
        date=iso,
        comments=int(date[4] or 0),
    )


def _without_furniture(block: list[Line], *, first: bool) -> list[Line]:
    if first:
        # The page's own head and date stand before the first paper; a paper's date never stands in a block.
        heads = [i for i, (_, line) in enumerate(block) if _DATE.match(line)]
        block = block[heads[-1] + 1 :] if heads else [entry for entry in block if not _HEAD.match(entry[1])]
    return [(number, line) for number, line in block if not _FURNITURE.match(line)]


def _iso(date: re.Match[str], year: int) -> str | None:
    try:
        return datetime.date(int(date[3] or year), _MONTHS[date[1]], int(date[2])).isoformat()
    except ValueError:
        return None


def _organization(byline: str) -> str:
    # The page shows an organisation's name and then its handle: "UCAS ucas".
    name, _, handle = byline.lstrip("• ").rpartition(" ")
    return name if name and handle == handle.lower() else byline.lstrip("• ")
