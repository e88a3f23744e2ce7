"""Files that appear under their name only when all of them is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write in place of `path`; what is there takes its name when the block ends without an error.

    Whatever stood under the name before stays until then. The name carries the process, so that two that write
    the same file do not take each other's half.

    Raises:
        OSError: The file cannot be put in its place.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def whole_text(path: Path, *, newline: str | None = None, durable: bool = False) -> Iterator[IO[str]]:
    """A UTF-8 text file, written whole or not at all.

    Args:
        path: Where it shall be.
        newline: As `open` takes it.
        durable: It is on the disk, not only in its cache, before it takes its name: safe from a power cut.

    Raises:
        OSError: It cannot be written.
    """
    with whole(path) as part, part.open("w", encoding="utf-8", newline=newline) as file:
        yield file
        if durable:
            file.flush()
            os.fsync(file.fileno())
