"""An opened file: what a format module reads from, whatever it came packed in.

Nothing is held but the first `HEAD_BYTES`, which tell the format; the rest is streamed.
"""

from __future__ import annotations

import codecs
import gzip
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import BinaryIO, cast

from rag.errors import SourceError

HEAD_BYTES = 64 * 1024
# A record longer than this is not an abstract; it also bounds what a hostile file can make us hold.
MAX_LINE = 4_000_000
# Text packs to a quarter, hardly ever to a fiftieth: a file that unpacks to more than this is a bomb.
MAX_RATIO = 200
RATIO_FROM = 64 * 1024 * 1024

GZIP_MAGIC = b"\x1f\x8b"
BINARY_MAGIC = (b"PAR1",)


@dataclass(frozen=True)
class Head:
    """The beginning of a file, unpacked: enough to tell its format."""

    data: bytes
    text: str

    @cached_property
    def start(self) -> str:
        """Its text from the first character that is not white space."""
        return self.text.lstrip("\ufeff \t\r\n")

    @cached_property
    def first_line(self) -> str:
        """The first line that is not blank."""
        return self.start.partition("\n")[0]

    @cached_property
    def lines(self) -> list[str]:
        """Its lines that are not blank, without surrounding white space."""
        return [stripped for line in self.text.splitlines() if (stripped := line.strip())]


@dataclass(frozen=True)
class SourceFile:
    """A file from its beginning. Read `lines()` or `binary`, not both.

    Attributes:
        name: What a report calls it: a path, an address, or `standard input`.
        head: Its beginning.
        binary: All of it, unpacked, as bytes; not seekable.
        encoding: Of its text.
        year: The year of a page that gives days without one.
        columns: Which field each column holds, where the user says so (`{"abstract": "Summary"}`).
    """

    name: str
    head: Head
    binary: BinaryIO
    encoding: str
    year: int
    columns: Mapping[str, str] = field(default_factory=dict)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Lines with their number from 1, line end included; one over `MAX_LINE` characters is cut.

        Bytes that are not text come through as lone surrogates; `make_record` rejects them.
        """
        text = self.text()
        for number, line in enumerate(iter(lambda: text.readline(MAX_LINE), ""), start=1):
            yield number, line
            rest = line
            while len(rest) == MAX_LINE and not rest.endswith("\n"):
                rest = text.readline(MAX_LINE)

    def text(self) -> io.TextIOWrapper:
        """All of it as text."""
        # UTF-16 cannot be taken through byte by byte: half a character at its end is replaced.
        errors = "replace" if self.encoding == "utf-16" else "surrogateescape"
        return io.TextIOWrapper(self.binary, encoding=self.encoding, errors=errors)

    def seekable(self) -> BinaryIO:
        """A copy that can be read from any place, for formats with their table of contents at the end."""
        spool = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the reader that gets it
        while block := self.binary.read(1 << 20):
            spool.write(block)
        spool.seek(0)
        return cast("BinaryIO", spool)


def open_stream(
    raw: BinaryIO,
    name: str,
    year: int,
    columns: Mapping[str, str] | None = None,
    on_bytes: Callable[[int], None] = lambda done: None,
) -> SourceFile:
    """Unpacks `raw` and looks at its beginning.

    Args:
        raw: The bytes as they are stored, plain or gzip.
        name: What a report calls them.
        year: See `SourceFile`.
        columns: See `SourceFile`.
        on_bytes: Called with the number of stored bytes read so far.

    Raises:
        SourceError: Empty, or neither text nor a known binary format.
    """
    counted = _Counted(raw, on_bytes)
    stream: io.RawIOBase | BinaryIO = counted
    start = _read(counted, 2)
    stream = _Chained(start, counted)
    if start == GZIP_MAGIC:
        stream = _Unpacked(stream, counted, name)
    head = _read(stream, HEAD_BYTES)
    if not head.strip():
        raise SourceError(f"{name} is empty. Give a file with paper abstracts.")
    encoding = _encoding(head)
    if encoding != "utf-16" and b"\x00" in head and not head.startswith(BINARY_MAGIC):
        raise SourceError(f"{name} is a binary file. Give a text file with paper abstracts.")
    text = head.decode(encoding, errors="replace")
    whole = io.BufferedReader(_Chained(head, stream), 256 * 1024)
    return SourceFile(name, Head(head, text), cast("BinaryIO", whole), encoding, year, columns or {})


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        # The head may end in the middle of a character.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        # Spreadsheets and older reference managers write Windows' Latin; control characters do not occur in it.
        return "utf-8-sig" if any(byte < 9 for byte in head) else "cp1252"
    return "utf-8-sig"


def _read(stream: io.RawIOBase | BinaryIO, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (block := stream.read(size)):
        parts.append(block)
        size -= len(block)
    return b"".join(parts)


class _Raw(io.RawIOBase):
    """A raw stream from a function that reads."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next(self, size: int) -> bytes:
        raise NotImplementedError


class _Counted(_Raw):
    """Tells how far reading has come."""

    def __init__(self, raw: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self._raw = raw
        self._on_bytes = on_bytes
        self.done = 0

    def _next(self, size: int) -> bytes:
        data = self._raw.read(size)
        self.done += len(data)
        self._on_bytes(self.done)
        return data


class _Chained(_Raw):
    """Some bytes, then a stream."""

    def __init__(self, first: bytes, rest: io.RawIOBase | BinaryIO) -> None:
        self._first = first
        self._rest = rest

    def _next(self, size: int) -> bytes:
        if self._first:
            data, self._first = self._first[:size], self._first[size:]
            return data
        return self._rest.read(size) or b""


class _Unpacked(_Raw):
    """Gzip, refused where it unpacks beyond reason."""

    def __init__(self, packed: _Chained, counted: _Counted, name: str) -> None:
        self._gzip = gzip.GzipFile(fileobj=io.BufferedReader(packed, 64 * 1024))
        self._counted = counted
        self._name = name
        self._out = 0

    def _next(self, size: int) -> bytes:
        data = self._gzip.read1(size)
        self._out += len(data)
        if self._out > RATIO_FROM and self._out > MAX_RATIO * self._counted.done:
            raise SourceError(
                f"{self._name} unpacks to more than {MAX_RATIO} times its size, which no text does. "
                "Unpack it yourself if you trust it, and ingest the unpacked file."
            )
        return data
