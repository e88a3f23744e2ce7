"""RIS, which reference managers and publishers' sites export: `TY  - JOUR` to `ER  -`, one tag a line.

Read record by record, each unfolded here and given to rispy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from ingest import normalize
from ingest.fields import MOST_AUTHORS, MOST_KEYWORDS, make_record
from ingest.records import Record, Records, Rejected
from ingest.sources.opened import MAX_LINE, Head, SourceFile
from ingest.sources.tagged import LINE_COST, read_blocks

NAME = "ris"
_TAG = re.compile(r"([A-Z][A-Z0-9])  - ?(.*)", re.DOTALL)
# Hand-written files have it too; only where the record's TY is written so, as "UV - visible" may begin a line of text.
_LOOSE = re.compile(r"([A-Z][A-Z0-9]) {1,3}- ?(.*)", re.DOTALL)
_BEGINS = ("TY", "TI", "T1", "AU", "A1", "AB")
NOTE = "paperchat:"
"""Before a note of ours (`ingest.export`): it tells of a question, so identifiers in it are not the paper's."""
_EXTRA = {
    "type_of_reference": "type", "volume": "volume", "number": "issue", "publisher": "publisher", "issn": "issn",
    "language": "language", "name_of_database": "database", "id": "reference_id",
}  # fmt: skip
Block = list[tuple[str, list[str]]]


def matches(head: Head) -> bool:
    """Some line begins a record and the next one is tagged, whatever stands before."""
    lines = [line.lstrip("\ufeff") for line in head.lines]
    return any(
        line.startswith("TY") and _LOOSE.match(line) and _LOOSE.match(after)
        for line, after in zip(lines, [*lines[1:], "ER  -"], strict=False)
    )


def read(file: SourceFile) -> Records:
    """One record from each `TY` to its `ER`, to the next `TY` or to the end of the file.

    Raises:
        SourceError: There is no record at all.
    """
    return read_blocks(file, _blocks(file.lines()), _record, "RIS record (none begins with 'TY  - ')")


def _blocks(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Block | None]]:
    """The tags and texts of each record with the number of its first line; `None` where they are too long."""
    block: Block = []
    begin = size = 0
    loose = False
    for number, raw in lines:
        line = raw.strip(" \t\n\ufeff")
        match = (_LOOSE if loose or line.startswith("TY") else _TAG).match(line)
        tag = match[1] if match else ""
        if begin and tag in ("TY", "ER"):
            yield begin, block if size <= MAX_LINE else None
            begin, block = 0, []
        if not begin and tag in _BEGINS:  # a record may have lost its TY
            begin, size, loose = number, 0, tag == "TY" and not _TAG.match(line)
        size += len(line) + LINE_COST
        if not begin or not line or size > MAX_LINE:
            continue
        if match:
            block.append((tag, [match[2]]))
        elif block[-1][0] in ("KW", "UR"):  # each line is a value
            block.append((block[-1][0], [line]))
        else:
            block[-1][1].append(line)
    if begin:
        yield begin, block if size <= MAX_LINE else None


def _parsed(block: Block) -> dict[str, list[str]]:
    """All values by rispy's name of the tag, or by the tag where it has none."""
    import rispy

    # Unfolded here: rispy takes time quadratic in the lines, and adds the lines of a second abstract to the first.
    lines = ["TY  - ", *(f"{tag}  - {' '.join(parts)}" for tag, parts in block), "ER  - "]
    if block[0][0] == "TY":
        del lines[0]
    parser = rispy.RisParser(enforce_list_tags=False, delimiter_tags_mapping={})
    (data,) = parser.parse_lines(iter(lines))
    data |= data.pop("unknown_tag", {})
    return {
        name: [text for text in ([value] if isinstance(value, str) else value) if text] for name, value in data.items()
    }


def _record(source: str, where: str, block: Block) -> Record:
    if not any(tag in ("AB", "N2") for tag, _ in block):
        return Rejected(source, where, "no abstract")
    try:
        data = _parsed(block)
    except Exception as error:  # a parser's fault costs its record, never the file
        return Rejected(source, where, f"not a RIS record ({error})"[:200])

    for name in ("notes", "note"):
        data[name] = [text for text in data.get(name, ()) if not text.startswith(NOTE)]

    def every(*names: str) -> list[str]:
        return [text for name in names for text in data.get(name, ())]

    def first(*names: str) -> str:
        return next(iter(every(*names)), "")

    # The full form of a journal's name before the short one.
    venues = every("alternate_title3", "secondary_title", "journal_name", "BT", "alternate_title1", "alternate_title2")
    urls = [url for text in every("urls", "LK", "L2") for url in re.split(r"[;\s]+(?=https?:)", text)]
    base = " ".join([*venues, *every("publisher", "name_of_database")]).lower()
    numbers = every("accession_number", "note", "id")
    if "arxiv" in base:
        numbers = [f"arXiv:{number}" for number in numbers]
    elif "pubmed" not in base and "medline" not in base:
        data.pop("accession_number", None)  # of some other database
    preprints = [text for text in (*numbers, *venues, *urls, *every("notes", "doi")) if "arxiv" in text.lower()]
    pubmed = [*every("U1", "accession_number"), *(url for url in urls if "pubmed" in url)]
    dois = [*every("doi", "type_of_work", "L3"), *(note for note in every("notes") if "doi" in note.lower())]
    return make_record(
        source,
        where,
        title=first("primary_title", "title", "CT", "BT"),
        abstract=" ".join(dict.fromkeys(every("abstract") or every("notes_abstract"))),
        authors=_listed(every("authors") or every("first_authors"), MOST_AUTHORS + 1),
        date=_date(every("year", "publication_year", "date")),
        venue=next(iter(venues), None),
        url=next((url for url in urls if url.startswith("http")), None),
        doi=next((doi for text in dois if (doi := normalize.doi(text))), None),
        arxiv_id=next((text for text in preprints if normalize.arxiv(text)), None),
        pubmed_id=next((text for text in pubmed if normalize.pubmed(text)), None),
        categories=_listed(every("keywords"), MOST_KEYWORDS),
        extra={
            **{ours: first(name) for name, ours in _EXTRA.items()},
            "pages": "-".join(every("start_page", "end_page")),
        },
    )


def _listed(values: list[str], most: int) -> Iterator[str]:
    return islice((part for value in values for part in value.split(";") if part.strip()), most)


def _date(values: list[str]) -> str | None:
    """The first year given, as exact as any other value tells it: PY is often the year alone, DA the day."""
    dates = [date for value in values if (date := normalize.date(value))]
    return max((date for date in dates if date[:4] == dates[0][:4]), key=len, default=None)
