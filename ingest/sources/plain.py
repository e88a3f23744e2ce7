"""Titles with their abstracts as plain text: what people paste. Any prose would match, so it is only read by name.

A paper is a paragraph whose first line is the title, or a line of its own with the abstract in the next
paragraph. `Title:`, `Authors:` and `Abstract:` may stand in front; a second line that is nothing but names is
read as the authors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ingest.fields import make_record
from ingest.records import Record, Records, Rejected
from ingest.sources.json_fields import authors_of
from ingest.sources.opened import MAX_LINE, Head, SourceFile

NAME = "plain"
_LABEL = re.compile(r"(title|authors?|abstract|summary)\s*(?:[:.–—]|-\s|$)\s*", re.IGNORECASE)
_NAME = re.compile(r"(?:[^\W\d_][\w.'’-]*\s){1,4}[^\W\d_a-z][\w.'’-]*[\d*†‡]*")
_BETWEEN = re.compile(r"\s*(?:,|;|&|\band\b)\s*")


def matches(head: Head) -> bool:
    """Never: whoever has plain text must say so."""
    return False


def read(file: SourceFile) -> Records:
    """One record a title; a title without an abstract is rejected with its line."""
    title: tuple[int, list[str]] | None = None
    for number, lines in _paragraphs(file.lines()):
        if title is not None:
            yield _record(file.name, title[0], [*title[1], *lines])
            title = None
        elif len(lines) == 1:
            title = number, lines
        else:
            yield _record(file.name, number, lines)
    if title is not None:
        yield Rejected(file.name, f"line {title[0]}", "a title without an abstract below it")


def _paragraphs(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    first, held, size = 0, list[str](), 0
    for number, raw in lines:
        line = raw.strip(" \t\r\n\ufeff")
        size += len(line)
        if line and size <= MAX_LINE:
            first = first or number
            held.append(line)
        elif not line and held:
            yield first, held
            first, held, size = 0, [], 0
    if held:
        yield first, held


def _record(source: str, number: int, lines: list[str]) -> Record:
    parts = {"title": "", "authors": "", "abstract": ""}
    for place, line in enumerate(lines):
        label = _LABEL.match(line)
        if label and not place and label[1].lower() != "title":
            label = None
        text = line[label.end() :] if label else line
        name = label[1].lower() if label else "title" if not place else "abstract"
        name = {"author": "authors", "summary": "abstract"}.get(name, name)
        if place == 1 and not label and _are_names(line) and len(lines) > 2:
            name = "authors"
        parts[name] = f"{parts[name]} {text}".strip()
    names = parts["authors"]
    # Commas part full names wherever they stand; "Doe, J." is one.
    authors = [part for part in _BETWEEN.split(names) if part] if _are_names(names) else authors_of(names)
    return make_record(source, f"line {number}", title=parts["title"], abstract=parts["abstract"], authors=authors)


def _are_names(line: str) -> bool:
    names = [part for part in _BETWEEN.split(line) if part]
    return bool(names) and all(_NAME.fullmatch(name) for name in names)
