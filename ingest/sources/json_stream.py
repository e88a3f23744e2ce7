"""JSON of any size, one record at a time: where in it the records lie, and the text of each.

Only brackets and quotation marks are followed here; each record's text then goes through `json` by itself.
So damage inside one record costs that record and not the rest of the file, as it does in JSON lines, and
numbers, `NaN` and halves of characters mean the same in both. (ijson 3.6 ends the file at each of these,
and its C backend hands out a null pointer for a whole number of more than 4300 digits.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ingest.sources.opened import MAX_LINE, SourceFile

# Keys from the outside to a record; `None` stands for any element of a list and any key of an object:
# {"message": {"items": [{…}, {…}]}} holds its records at ("message", "items", None).
Address = tuple[str | None, ...]
DEEPEST = 5

_BLOCK = 64 * 1024
_LONGEST_KEY = 500
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_OUTSIDE = re.compile(_STRING + r'|[{}\[\]:,"]|[^\s"{}\[\],:]+', re.DOTALL)
_INSIDE = re.compile(_STRING + r'|[{\[]+|[}\]]+|"', re.DOTALL)
_IN_STRING = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+(\\)?', re.DOTALL)


class Found(NamedTuple):
    """The text of a record, and its key where an object holds it; or what is wrong in its place."""

    key: str
    text: str
    problem: str = ""


def survey(text: str) -> dict[Address, dict[str, str]]:
    """The objects in a beginning of JSON: at each address their keys, with how the value of each begins."""
    seen: dict[Address, dict[str, str]] = {}
    path: list[str | None] = []
    kinds: list[str] = []
    key, before = "", ""
    for match in _OUTSIDE.finditer(text):
        mark = match[0]
        if mark == '"':
            break  # cut off in the middle of a string
        if before == ":" and kinds and kinds[-1] == "{" and len(path) <= DEEPEST:
            seen[tuple(path)].setdefault(key, mark[0])
        if mark in "{[":
            if kinds:
                path.append(key if kinds[-1] == "{" else None)
            kinds.append(mark)
            if mark == "{" and len(path) <= DEEPEST:
                seen.setdefault(tuple(path), {})
        elif mark in "}]":
            if kinds and (kinds[-1] == "{") == (mark == "}"):
                kinds.pop()
                del path[-1:]
        elif mark == ":":
            key = _said(before)
        before = mark
    return seen


def _said(mark: str) -> str:
    try:
        return str(json.loads(mark, strict=False))
    except (ValueError, RecursionError):
        return mark.strip('"')


def parsed(text: str, *, strict: bool = False) -> dict[str, Any] | str:
    """The object that a record's text spells, or what is wrong with it.

    Scrapers leave line ends inside strings; a record that is one line has none, and is read strictly.
    """
    try:
        data = json.loads(text, strict=strict)
    except (ValueError, RecursionError) as error:
        return f"not valid JSON ({error})"[:200]
    return data if isinstance(data, dict) else "not a JSON object"


def records(file: SourceFile, address: Address) -> Iterator[Found]:
    """What lies at `address` in each of the file's top-level values.

    The end of the file in the middle of a list is told once, as the problem of the record that is missing.
    """
    scanner = _Scanner(address)
    text = file.text()
    if file.encoding == "utf-16":  # whose damage surrogates cannot stand for
        text.reconfigure(errors="replace")
    while block := text.read(_BLOCK):
        yield from scanner.feed(block)
    if scanner.is_open():
        yield Found("", "", "the file ends before its JSON does; it may have been cut off")


class _Scanner:
    """Follows brackets and quotation marks across blocks; holds one record's text at most."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._kinds: list[str] = []  # the brackets on the way to a record, and the keys between them
        self._path: list[str | None] = []
        self._depth = 0  # of brackets inside a record, or inside what holds none
        self._parts: list[str] = []
        self._size = -1  # of the record so far; negative where there is none
        self._quoted = self._escaped = self._told = False
        self._string = self._before = self._key = ""

    def is_open(self) -> bool:
        """Has what began not ended?"""
        return bool(self._depth or self._kinds or self._quoted)

    def feed(self, block: str) -> Iterator[Found]:
        """Records that end in this block, and what is wrong between them."""
        at = start = 0  # where to look next; where in this block the record goes on
        while at < len(block):
            if self._quoted:
                at = self._string_goes_on(block, at)
                mark = "" if self._quoted else self._string
            elif match := (_INSIDE if self._depth else _OUTSIDE).search(block, at):
                mark, at = match[0], match.end()
                if mark == '"':
                    self._string, self._quoted, mark = mark, True, ""
            else:
                break
            if not mark or (self._depth and mark[0] == '"'):
                continue
            if self._depth and mark[0] in "{[":
                self._depth += len(mark)
            elif self._depth:
                at -= max(0, len(mark) - self._depth)  # those that close what the record lies in
                self._depth = max(0, self._depth - len(mark))
                if not self._depth and self._size >= 0:
                    yield self._finished(block[start:at])
            else:
                start = at - 1  # where `mark` is a bracket
                if problem := self._outside(mark):
                    yield Found("", "", problem)
        if self._depth and self._size >= 0:
            self._keep(block[start:])

    def _string_goes_on(self, block: str, at: int) -> int:
        """The place after the string's end, or the block's."""
        match = _IN_STRING.match(block, at + self._escaped)
        end = match.end() if match else len(block)
        self._escaped = bool(match and match[1])
        self._quoted = end >= len(block)
        end += not self._quoted
        if len(self._string) < _LONGEST_KEY:
            self._string += block[at : min(end, at + _LONGEST_KEY)]
        return end

    def _outside(self, mark: str) -> str:
        """Goes one mark on towards a record; what is wrong with it."""
        before, self._before = self._before, mark
        if mark == ":":
            self._key = _said(before)
        elif mark == ",":
            self._told = False
        elif mark in "}]":
            if not self._kinds or (self._kinds[-1] == "{") != (mark == "}"):
                return self._tell("a bracket too many before it")
            self._kinds.pop()
            del self._path[-1:]
        elif mark in "{[":
            self._told = False
            self._open(mark)
        elif not (self._kinds and self._kinds[-1] == "{") and self._fits() == len(self._address):
            return self._tell("not a JSON object")
        return ""

    def _tell(self, problem: str) -> str:
        """Once for each place: a file of another kind is not thousands of bad records."""
        told, self._told = self._told, True
        return "" if told else problem

    def _open(self, mark: str) -> None:
        fits = self._fits()
        if 0 <= fits < len(self._address):
            if self._kinds:
                self._path.append(self._step())
            self._kinds.append(mark)
        else:
            self._depth, self._size = 1, -1 if fits < 0 else 0

    def _step(self) -> str | None:
        return self._key if self._kinds[-1] == "{" else None

    def _fits(self) -> int:
        """The length of the address of a value that begins here; negative where no record is at or below it."""
        place = [*self._path, self._step()] if self._kinds else []
        return len(place) if all(a in (None, p) for a, p in zip(self._address, place, strict=False)) else -1

    def _keep(self, text: str) -> None:
        self._size += len(text)
        if self._size > MAX_LINE:
            self._parts.clear()
        else:
            self._parts.append(text)

    def _finished(self, text: str) -> Found:
        self._keep(text)
        size, whole = self._size, "".join(self._parts)
        self._size = -1
        self._parts.clear()
        if size > MAX_LINE:
            return Found("", "", f"longer than {MAX_LINE:,} characters: not the record of an abstract")
        return Found(self._step() or "" if self._kinds else "", whole)
