"""What the tests of the formats share: reading bytes, damaging them, and a file that does not end."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from hypothesis import strategies as st

from ingest.records import Record, Rejected
from ingest.sources import Source
from ingest.sources.opened import open_stream
from rag.errors import SourceError, UsageError
from rag.types import Paper

DATA = Path(__file__).parent / "data"


def read(source: Source, data: bytes, columns: dict[str, str] | None = None) -> list[Record]:
    """All records of a file with these bytes."""
    return list(source.read(open_stream(io.BytesIO(data), "name", 2025, columns)))


def matches(source: Source, data: bytes) -> bool:
    """Does the format claim a file with these bytes?"""
    return source.matches(open_stream(io.BytesIO(data), "name", 2025).head)


def sample(name: str) -> bytes:
    """A file of odd cases."""
    return (DATA / name).read_bytes()


def parted(records: Iterable[Record]) -> tuple[list[Paper], list[tuple[str, str]]]:
    """The papers, and place and reason of what was rejected."""
    papers, rejected = [], []
    for record in records:
        if isinstance(record, Rejected):
            assert record.source == "name"
            rejected.append((record.where, record.reason))
        else:
            papers.append(record)
    return papers, rejected


def is_same_packed(source: Source, data: bytes) -> bool:
    """Does the gzip file hold the same records?"""
    return read(source, gzip.compress(data)) == read(source, data) and matches(source, gzip.compress(data))


def survives(source: Source, data: bytes) -> None:
    """Reads; nothing but our own errors may leave it."""
    try:
        for record in read(source, data):
            assert record.source == "name"
    except (SourceError, UsageError) as error:
        assert "name" in str(error)
    except (EOFError, OSError, zlib.error):
        # What is packed and damaged; `read_stream` tells it for every format.
        assert data.startswith(b"\x1f\x8b")


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """`data` with some stretches replaced, and perhaps cut off."""
    nasty = st.sampled_from(
        [b"", b"\x00", b"\xff", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b"\n", b"\\ud800", b"9" * 400]
    )
    change = st.tuples(st.integers(0, len(data)), st.integers(0, 40), nasty | st.binary(max_size=8))

    def apply(changes: list[tuple[int, int, bytes]], end: int) -> bytes:
        changed = data[:1] + data[1:end]
        for at, length, new in changes:
            changed = changed[: max(1, at)] + new + changed[max(1, at) + length :]
        return changed

    return st.builds(apply, st.lists(change, max_size=6), st.integers(1, len(data)) | st.just(len(data)))


class Endless(io.RawIOBase):
    """A file whose records never end, and how much of it was read."""

    def __init__(self, begin: bytes, record: Callable[[int], bytes]) -> None:
        self._blocks: Iterator[bytes] = (record(number) for number in range(10**9))
        self._rest = begin
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while len(self._rest) < len(buffer):
            self._rest += next(self._blocks)
        buffer[:] = self._rest[: len(buffer)]
        self._rest = self._rest[len(buffer) :]
        self.taken += len(buffer)
        return len(buffer)


def first_of_endless(source: Source, endless: Endless) -> Paper:
    """The first paper, for which no more than the beginning may be read."""
    paper = next(iter(source.read(open_stream(cast("BinaryIO", endless), "name", 2025))))
    assert isinstance(paper, Paper), paper
    assert endless.taken < 2_000_000
    return paper
