"""BibTeX text to entries and their fields, as they are written: no LaTeX is read here.

Lines are cut into entries here; bibtexparser makes fields of one entry. pybtex drops what follows the first slip in
it (of 23 odd entries 13 keep their abstract, 21 here), and takes quadratic time on braces in quotation marks.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import NamedTuple

from ingest.sources.opened import MAX_LINE

MOST_MACROS, LONGEST_MACRO = 10_000, 500
LINE_COST = 64  # what a line takes in memory beside its characters
NO_PAPER = ("comment", "preamble", "string")
# At the beginning of a line, or after another entry: "%@article{" and "me@home{" begin none.
_BEGIN = re.compile(r"[\s,;\ufeff]*@\s*(\w+)\s*([{(])")
# A line like this in an entry begins the next one: the open one lacks a brace.
_NEXT = re.compile(r"\s*@\s*(?:[a-z]+\s*[{(]\s*[^\s,{}()=\"]*\s*,|(?:comment|preamble|string)\s*[{(])", re.IGNORECASE)
_TYPE_ONLY = re.compile(r"\s*@\s*\w+\s*$")
_MARKS = {"{": re.compile(r"\\[\\{}]|[{}]"), "(": re.compile(r"\\[\\{}\"]|[{})\"]")}
_VALUE = re.compile(r"\\.|[{}\"#]", re.DOTALL)
_END = re.compile(r"\s*(?:#|$)")


class Entry(NamedTuple):
    """`@kind{key, body}`, the number of its first line, and what is wrong with it."""

    line: int
    kind: str
    key: str
    body: str
    wrong: str


def entries(lines: Iterator[tuple[int, str]]) -> Iterator[Entry]:
    """All entries, strings and comments; what stands between them is passed over.

    An entry that is not closed ends where a line begins the next one, or with the file.
    """
    current: _Open | None = None
    held = ""
    for number, raw in lines:
        line = held + raw if held and raw.lstrip().startswith(("{", "(")) else raw
        held = ""
        if current and _NEXT.match(line):
            yield current.closed("a brace is not closed before the next entry")
            current = None
        place = 0
        while place < len(line):
            after = place
            if current is None:
                match = _BEGIN.match(line, place)
                if match is None:
                    held = line if _TYPE_ONLY.match(line) else ""
                    break
                current, after = _Open(number, match[2]), match.end()
            place = current.take(line, place, after)
            if not current.depth:
                yield current.closed()
                current = None
    if current:
        yield current.closed("a brace is not closed before the end of the file")


class _Open:
    """An entry that is being read."""

    def __init__(self, number: int, opener: str) -> None:
        self.depth = 1
        self._number = number
        self._marks = _MARKS[opener]
        self._quoted = False
        self._parts: list[str] = []
        self._size = 0

    def take(self, line: str, start: int, after: int) -> int:
        """Takes the line from `start` to the end of the entry, which lies behind `after`; returns that end."""
        end = len(line)
        for mark in self._marks.finditer(line, after):
            char = mark[0]
            self.depth += (char == "{") - (char == "}")
            self._quoted ^= char == '"' and self.depth == 1
            if char == ")" and self.depth == 1 and not self._quoted:
                self.depth = 0
            if not self.depth:
                end = mark.end()
                break
        self._size += end - start + LINE_COST
        if self._size <= MAX_LINE or not self._parts:
            self._parts.append(line[start:end])
        return end

    def closed(self, wrong: str = "") -> Entry:
        """The entry, whether its end was found or not."""
        if self._size > MAX_LINE:
            wrong = f"longer than {MAX_LINE} characters"
        text = "".join(self._parts)
        match = _BEGIN.match(text)
        kind, start = (match[1].lower(), match.end()) if match else ("", 0)
        comma = text.find(",", start)
        key = text[start : comma if comma > 0 else -1].strip()
        if kind in NO_PAPER or re.match(r"[\w-]+\s*=\s*[{\"]", key):  # its first field where the key should be
            return Entry(self._number, kind, "", text[start:-1], wrong)
        return Entry(self._number, kind, key, text[comma + 1 : -1] if comma > 0 else "", wrong)


def define(body: str, macros: dict[str, str]) -> None:
    """Keeps the macro of an `@string`, if it is one and there are not too many."""
    name, _, raw = body.partition("=")
    try:
        value = _value(raw.strip(), macros)
    except ValueError:
        return
    if len(macros) < MOST_MACROS and len(name) + len(value) <= LONGEST_MACRO:
        macros[name.strip().lower()] = value


def fields(body: str, macros: dict[str, str]) -> dict[str, str]:
    """An entry's fields by name in lower case; of several of one name the first that is not empty.

    Raises:
        ValueError: It is not BibTeX.
    """
    from bibtexparser.model import Block, DuplicateFieldKeyBlock
    from bibtexparser.model import Entry as ParsedEntry
    from bibtexparser.splitter import Splitter

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # what it warns of is reported by the caller
    # To it the brace after a line break, "\\}", is escaped, and a second comma is an error.
    body = re.sub(r"\\\\(?=[{}])", " ", body.replace("\n", " ")).rstrip(" ,\t")
    block: Block | None = Splitter(f"@misc{{key,{body}}}").split().blocks[0]
    if isinstance(block, DuplicateFieldKeyBlock):
        block = block.ignore_error_block
    if not isinstance(block, ParsedEntry):
        raise ValueError(getattr(getattr(block, "error", None), "abort_reason", "no entry"))
    found: dict[str, str] = {}
    for field in block.fields:
        value = _value(str(field.value), macros)
        if value.strip():
            found.setdefault(field.key.lower(), value)
    return found


def _value(raw: str, macros: dict[str, str]) -> str:
    """A value without its braces or quotation marks, macros put in, and what `#` connects joined."""
    parts: list[str] = []
    depth = start = 0
    quoted = False
    for mark in _VALUE.finditer(raw):
        char = mark[0]
        depth += (char == "{") - (char == "}")
        quoted ^= char == '"' and not depth
        if depth or quoted:
            continue
        if char == "#":
            parts.append(raw[start : mark.start()].strip())
            start = mark.end()
        elif char in ('"', "}") and not _END.match(raw, mark.end()):
            raise ValueError("no comma between two fields")
    parts.append(raw[start:].strip())
    texts = [part[1:-1] if part[:1] in ("{", '"') else macros.get(part.lower(), part) for part in parts]
    if sum(map(len, texts)) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE} characters with its macros put in")
    return "".join(texts)
