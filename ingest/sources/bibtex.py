"""BibTeX and BibLaTeX: `@article{key, title = {…}, abstract = {…}}`. Read entry by entry, see `bibtex_entries`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from ingest import normalize
from ingest.fields import MOST_AUTHORS, MOST_KEYWORDS, make_record
from ingest.latex import address, plain, untied
from ingest.records import Record, Records, Rejected
from ingest.sources.bibtex_entries import NO_PAPER, Entry, define, entries, fields
from ingest.sources.json_fields import categories_of
from ingest.sources.opened import Head, SourceFile
from rag.errors import SourceError

NAME = "bibtex"
_FIRST = re.compile(
    r"^[ \t\ufeff]*@\s*(?:article|book|booklet|collection|comment|conference|dataset|electronic|inbook|incollection"
    r"|inproceedings|manual|mastersthesis|misc|mvbook|online|patent|phdthesis|preamble|preprint|proceedings|report"
    r"|software|string|techreport|thesis|unpublished|www)\s*[{(]",
    re.IGNORECASE | re.MULTILINE,
)
_AND = re.compile(r" and |[{}]", re.IGNORECASE)
_EXTRA = ("volume", "number", "pages", "publisher", "issn", "isbn", "language", "collaboration", "note")


def matches(head: Head) -> bool:
    """Some line begins an entry of a known type."""
    return _FIRST.search(head.text) is not None


def read(file: SourceFile) -> Records:
    """One record an entry.

    Raises:
        SourceError: There is no entry at all.
    """
    macros: dict[str, str] = {}
    entry = None
    for entry in entries(file.lines()):
        where = f"entry {_printable(entry.key)[:80] or 'without a key'}, line {entry.line}"
        if entry.wrong:
            yield Rejected(file.name, where, entry.wrong)
        elif entry.kind == "string":
            define(entry.body, macros)
        elif entry.kind not in NO_PAPER:
            yield _record(file.name, where, entry, macros)
    if entry is None:
        raise SourceError(f"{file.name} holds no BibTeX entry ('@article{{...'). Check the file or its format.")


def _record(source: str, where: str, entry: Entry, macros: dict[str, str]) -> Record:
    if "abstract" not in entry.body.lower():
        return Rejected(source, where, "no abstract")
    try:
        found = fields(entry.body, macros)
    except Exception as error:  # a parser's fault costs its entry, never the file
        return Rejected(source, where, f"not BibTeX ({_printable(str(error))})"[:200])

    def first(*names: str) -> str:
        return next((found[name] for name in names if name in found), "")

    archive, eprint = first("archiveprefix", "eprinttype").strip("{} ").lower(), first("eprint")
    preprints = [first("arxivid", "arxiv"), eprint if archive in ("arxiv", "") else ""]
    preprints += [text for text in map(first, ("journal", "note")) if "arxiv" in text.lower()]
    if first("journal").lower() == "corr":  # DBLP
        preprints.append(first("volume").removeprefix("abs/"))
    keywords = categories_of(first("keywords", "keyword", "author_keywords"))
    return make_record(
        source,
        where,
        title=plain(first("title")),
        abstract=plain(first("abstract")),
        authors=islice(map(untied, _authors(first("author"))), MOST_AUTHORS + 1),
        date=_date(found),
        venue=plain(first("journal", "journaltitle", "booktitle")),
        url=address(first("url")),
        doi=address(first("doi")),
        arxiv_id=next((text for text in preprints if normalize.arxiv(text)), None),
        pubmed_id=first("pmid") or (eprint if archive == "pubmed" else None),
        categories=[plain(word) for word in (*keywords[:MOST_KEYWORDS], first("primaryclass"))],
        extra={"citation_key": entry.key, "type": entry.kind, **{name: plain(first(name)) for name in _EXTRA}},
    )


def _printable(text: str) -> str:
    """On one line, and without the halves of characters that bytes which are no text come through as."""
    return " ".join(text[:1000].encode("utf-8", "replace").decode().split())


def _authors(text: str) -> Iterator[str]:
    """Names between each `and` that no braces hold."""
    text = " ".join(text.split())
    depth = start = 0
    for mark in _AND.finditer(text):
        depth += (mark[0] == "{") - (mark[0] == "}")
        if len(mark[0]) > 1 and not depth:
            yield text[start : mark.start()]
            start = mark.end()
    if (last := text[start:]).lower() != "others":
        yield last


def _date(found: dict[str, str]) -> str | None:
    date = found.get("date", "")
    if normalize.date(date):
        return date
    year, month, day = (found.get(name, "").strip("{} ").replace("~", " ") for name in ("year", "month", "day"))
    if month.isdecimal():
        return "-".join(filter(None, (year, month, day)))
    return normalize.date(f"{day} {month} {year}") or year
