"""Rejected records: all of them in a file, the first of them in memory."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TextIO

from ingest.records import LISTED, Rejected
from rag.errors import SourceError, UsageError

# A small packed file can hold more lines that are no papers than the disk has room for in this report.
MOST_WRITTEN = 1_000_000


class RejectedReport:
    """Collects rejected records; the file is made with the first one, and an old one removed."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.first: list[Rejected] = []
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> RejectedReport:
        """Removes the report of the run before, which would be taken for this one's.

        Raises:
            SourceError: The report cannot be written there.
        """
        if self.path is not None:
            try:
                if self.path.exists() and not _is_report(self.path):
                    raise UsageError(f"{self.path} is no report of an ingest. Give another file with --rejected.")
                self.path.unlink(missing_ok=True)
                self.path.parent.stat()
            except OSError as error:
                raise _unwritable(self.path, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    def add(self, rejected: Rejected) -> None:
        """Notes one."""
        self.count += 1
        if len(self.first) < LISTED:
            self.first.append(rejected)
        if self.path is None or self.count > MOST_WRITTEN:
            return
        if self.count == MOST_WRITTEN:
            rejected = replace(rejected, where="", reason=f"no more than {MOST_WRITTEN:,} are written down")
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8", errors="backslashreplace")
            self._file.write(json.dumps(asdict(rejected), ensure_ascii=False) + "\n")
        except OSError as error:
            raise _unwritable(self.path, error) from error


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(1 << 20)
    return not first or (first.startswith(b'{"source"') and b'"reason"' in first)


def _unwritable(path: Path, error: OSError) -> SourceError:
    return SourceError(
        f"The report of rejected records {path} cannot be written ({error.strerror or error}). "
        "Give another file with --rejected."
    )
