"""One module a format. Each offers `NAME`, `matches(head)` and `read(file)`; this one picks by content."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from ingest.records import Records
from ingest.sources import daily_papers, json_records
from rag.errors import SourceError, UsageError

HEAD_CHARACTERS = 20_000
# A record longer than this is not an abstract; it also bounds what a hostile file can make us hold.
MAX_LINE = 4_000_000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """An opened file: lines of text, where it came from, and when its page was made."""

    path: Path
    text: io.TextIOBase
    year: int


class Source(Protocol):
    """What a format module offers."""

    NAME: str

    def matches(self, head: str) -> bool:
        """Is a file that begins with `head` in this format?"""

    def read(self, file: SourceFile) -> Records:
        """Papers and rejected records, in file order."""


SOURCES: tuple[Source, ...] = (json_records, daily_papers)
FORMATS: tuple[str, ...] = tuple(source.NAME for source in SOURCES)


def read_file(path: Path, form: str | None, on_bytes: Callable[[int], None]) -> Records:
    """Papers and rejected records of one file, streamed.

    Args:
        path: A plain or gzip file.
        form: A name in `FORMATS`, or `None` to tell by content.
        on_bytes: Called with the number of bytes of the file read so far.

    Raises:
        SourceError: The file is missing, unreadable, binary, empty or in no known format.
    """
    try:
        with path.open("rb") as raw:
            counted = _CountingReader(raw, on_bytes)
            file = SourceFile(path, _decoded(counted, path), daily_papers.page_year(path))
            source = _choose(file, form)
            yield from source.read(file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{path} is a damaged gzip file ({error}). Fetch or compress it again.") from error
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path} is not text: byte {error.start} cannot be read as UTF-8. "
            "Give a text file with paper abstracts, or convert it to UTF-8."
        ) from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error}). Check the path.") from error


class _CountingReader(io.RawIOBase):
    def __init__(self, raw: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self._raw = raw
        self._on_bytes = on_bytes
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self._done += len(data)
        self._on_bytes(self._done)
        return len(data)


def _decoded(raw: _CountingReader, path: Path) -> io.TextIOBase:
    buffered = io.BufferedReader(raw, 64 * 1024)
    head = buffered.peek(2)[:4096]
    stream: BinaryIO = buffered
    if head[:2] == b"\x1f\x8b":
        stream = io.BufferedReader(gzip.GzipFile(fileobj=buffered))
        head = stream.peek(2)[:4096]
    if not head.strip():
        raise SourceError(f"{path} is empty. Give a file with paper abstracts.")
    if b"\x00" in head:
        raise SourceError(f"{path} is a binary file. Give a text file with paper abstracts.")
    return _PushBackText(io.TextIOWrapper(stream, encoding="utf-8-sig"))


class _PushBackText(io.TextIOBase):
    """Lines of a stream whose beginning can be looked at first; over-long lines are cut."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._head = text.read(HEAD_CHARACTERS)
        self._rest = io.StringIO(self._head)

    @property
    def head(self) -> str:
        return self._head

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        line = self._rest.readline()
        if not line.endswith("\n"):
            line += self._text.readline(MAX_LINE)
        return line

    def read(self, size: int | None = -1) -> str:
        return self._rest.read() + self._text.read(size)


def _choose(file: SourceFile, form: str | None) -> Source:
    if form is not None:
        for source in SOURCES:
            if form == source.NAME:
                return source
        raise UsageError(f"Unknown format {form!r}. Choose one of {', '.join(FORMATS)}.")
    assert isinstance(file.text, _PushBackText)
    for source in SOURCES:
        if source.matches(file.text.head):
            return source
    raise SourceError(
        f"{file.path} holds no papers in a format that paperchat knows ({', '.join(FORMATS)}). "
        "Check the file, or name its format with --format."
    )
