"""What the formats of tagged lines (RIS, MEDLINE) share: records cut out of lines, each read by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from ingest.records import Record, Records, Rejected
from ingest.sources.opened import MAX_LINE, SourceFile
from rag.errors import SourceError

LINE_COST = 64  # what a line takes in memory beside its characters

Block = TypeVar("Block")


def read_blocks(
    file: SourceFile,
    blocks: Iterator[tuple[int, Block | None]],
    make: Callable[[str, str, Block], Record],
    nothing: str,
) -> Records:
    """One record a block.

    Args:
        file: The file.
        blocks: Each record's lines with the number of the first; `None` where they are too long.
        make: A record from the file's name, the place and the block.
        nothing: What to say of a file without a block.

    Raises:
        SourceError: There is no record at all.
    """
    count = 0
    for count, (number, block) in enumerate(blocks, start=1):
        where = f"record {count}, line {number}"
        if block is None:
            yield Rejected(file.name, where, f"longer than {MAX_LINE} characters")
        else:
            yield make(file.name, where, block)
    if not count:
        raise SourceError(f"{file.name} holds no {nothing}. Check the file or its format.")
