"""MEDLINE tags, as PubMed saves them (.nbib): `PMID- 123`, texts going on in indented lines.

Read with a reader of our own: nbib 0.3.2 raises on any line, date or identifier of a form it does not expect, and the
record is lost.
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

NAME = "nbib"
_TAG = re.compile(r"([A-Z][A-Z0-9]{1,3}) *(?<=....)-(?:\s(.*)|$)", re.DOTALL)
_BEGINS = re.compile(r"PMID- *\d|PMC - *PMC\d")
# "Smith, John A Jr": the suffix stands last, and no comma before it.
_SUFFIX = re.compile(r"^([^,]+), ([^,]+) (Jr|Sr|2nd|3rd|4th|II|III|IV)$")
_EXTRA = {"PT": "type", "PMC": "pmcid", "VI": "volume", "IP": "issue", "PG": "pages", "LA": "language", "IS": "issn"}
Block = dict[str, list[list[str]]]


def matches(head: Head) -> bool:
    """Some line gives a PubMed or PMC number, as only this format does, and another has a tag."""
    lines = [line.lstrip("\ufeff") for line in head.lines]
    return any(_BEGINS.match(line) for line in lines) and sum(bool(_TAG.match(line)) for line in lines) > 1


def read(file: SourceFile) -> Records:
    """One record from each `PMID` to the next.

    Raises:
        SourceError: There is no record at all.
    """
    return read_blocks(file, _blocks(file.lines()), _record, "MEDLINE record ('PMID- ...')")


def _blocks(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Block | None]]:
    """Each record's values by tag, every one as its lines, with the number of the first; `None` where too long."""
    block: Block = {}
    begin = size = 0
    blank = True
    last: list[str] = []
    for number, raw in lines:
        line = raw.strip(" \t\n\ufeff")
        if not line:
            blank = True
            continue
        match = None if raw[:1].isspace() else _TAG.match(raw.lstrip("\ufeff"))
        tag = match[1] if match else ""
        # The PubMed number stands first; where PMC or Ovid write the file, their own does.
        new = (tag == "PMID" and (blank or "PMID" in block)) or (tag in ("PMC", "UI") and blank)
        if begin and new:
            yield begin, block if size <= MAX_LINE else None
        if new or (tag and not begin):
            begin, size, block = number, 0, {}
        blank = False
        size += len(line) + LINE_COST
        if not begin or size > MAX_LINE:
            continue
        if match:
            last = [(match[2] or "").strip()]
            block.setdefault(tag, []).append(last)
        else:
            last.append(line)
    if begin:
        yield begin, block if size <= MAX_LINE else None


def _record(source: str, where: str, block: Block) -> Record:
    if "AB" not in block:
        return Rejected(source, where, "no abstract")
    if any(" ".join(lines) == "Retracted Publication" for lines in block.get("PT", ())):
        return Rejected(source, where, "retracted")

    def every(*tags: str) -> list[str]:
        return [text for tag in tags for lines in block.get(tag, ()) if (text := " ".join(lines).strip())]

    def first(*tags: str) -> str | None:
        return next(iter(every(*tags)), None)

    authors = [_SUFFIX.sub(r"\2 \1 \3", name) for name in every("FAU")] or every("AU")
    numbers = every("LID", "AID")
    dois = [*(text for text in numbers if "[doi]" in text), *every("SO")]
    subjects = [*every("OT"), *(heading.partition("/")[0] for heading in every("MH"))]
    return make_record(
        source,
        where,
        title=first("TI", "BTI", "CTI", "TT"),
        abstract=" ".join(dict.fromkeys(every("AB"))),
        authors=islice(authors, MOST_AUTHORS + 1),
        organization=None if authors else first("CN"),
        date=next((text for text in every("DP", "DEP", "EDAT") if normalize.date(text)), None),
        venue=first("JT", "TA"),
        doi=next((doi for text in dois if (doi := normalize.doi(text))), None),
        arxiv_id=next((text for text in numbers if "arxiv" in text.lower() and normalize.arxiv(text)), None),
        pubmed_id=first("PMID"),
        categories=[subject.lstrip("*") for subject in subjects[:MOST_KEYWORDS]],
        extra={ours: "; ".join(every(tag)[:20]) for tag, ours in _EXTRA.items()},
    )
