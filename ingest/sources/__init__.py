"""One module a format. Each offers `NAME`, `matches(head)` and `read(file)`; this one picks by content."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from ingest.records import STANDARD_INPUT_NAME, Records
from ingest.sources import (
    acl_anthology,
    arxiv_atom,
    arxiv_oai,
    arxiv_snapshot,
    beir,
    bibtex,
    csl_json,
    daily_papers,
    daily_papers_web,
    delimited,
    json_array,
    json_records,
    medline,
    parquet,
    plain,
    pubmed_xml,
    ris,
)
from ingest.sources.opened import Head, SourceFile, open_stream
from rag.errors import SourceError, UsageError


class Source(Protocol):
    """What a format module offers."""

    NAME: str

    def matches(self, head: Head) -> bool:
        """Is a file that begins with `head` in this format?"""

    def read(self, file: SourceFile) -> Records:
        """Papers and rejected records, in file order.

        A damaged record is yielded as `Rejected` and the next one read; damage after which nothing
        can be read is one `Rejected` at its place.
        """


# The first that matches is taken: the particular before the general.
SOURCES: tuple[Source, ...] = (
    parquet,
    daily_papers_web,
    arxiv_atom,
    arxiv_oai,
    pubmed_xml,
    acl_anthology,
    arxiv_snapshot,
    beir,
    csl_json,
    json_array,
    json_records,
    bibtex,
    ris,
    medline,
    daily_papers,
    delimited,
    plain,
)
FORMATS: tuple[str, ...] = tuple(source.NAME for source in SOURCES)
STANDARD_INPUT = "-"
PASTED = "pasted text"


def read_file(
    path: Path,
    form: str | None,
    on_bytes: Callable[[int], None] = lambda done: None,
    columns: Mapping[str, str] | None = None,
) -> Records:
    """Papers and rejected records of one file, streamed.

    Args:
        path: A plain or gzip file, or `-` for standard input.
        form: A name in `FORMATS`, or `None` to tell by content.
        on_bytes: Called with the number of bytes of the file read so far.
        columns: Which column or field holds what, where its name does not tell.

    Raises:
        SourceError: The file is missing, unreadable, binary, empty or in no known format.
    """
    if str(path) == STANDARD_INPUT:
        yield from read_stream(sys.stdin.buffer, STANDARD_INPUT_NAME, form, daily_papers.this_year(), on_bytes, columns)
        return
    try:
        with path.open("rb") as raw:
            yield from read_stream(raw, str(path), form, daily_papers.page_year(path), on_bytes, columns)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error}). Check the path.") from error


def read_stream(
    raw: BinaryIO,
    name: str,
    form: str | None,
    year: int,
    on_bytes: Callable[[int], None] = lambda done: None,
    columns: Mapping[str, str] | None = None,
) -> Records:
    """The same for bytes from anywhere.

    Raises:
        SourceError: See `read_file`.
    """
    try:
        file = open_stream(raw, name, year, columns, on_bytes)
        yield from _choose(file, form).read(file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{name} is a damaged gzip file ({error}). Fetch or compress it again.") from error


def form_of(text: str) -> str:
    """The format of text that was pasted; plain text where it is in no other.

    Raises:
        SourceError: It is empty.
    """
    file = open_stream(io.BytesIO(text.encode("utf-8", "replace")), PASTED, daily_papers.this_year())
    return next((source.NAME for source in SOURCES if source.matches(file.head)), plain.NAME)


def _choose(file: SourceFile, form: str | None) -> Source:
    if form is not None:
        for source in SOURCES:
            if form == source.NAME:
                return source
        raise UsageError(f"Unknown format {form!r}. Choose one of {', '.join(FORMATS)}.")
    for source in SOURCES:
        if source.matches(file.head):
            return source
    raise SourceError(
        f"{file.name} holds no papers in a format that paperchat knows ({', '.join(FORMATS)}). "
        "Check the file, or name its format with --format."
    )
