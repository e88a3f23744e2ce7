"""What the user named: files, folders, patterns, addresses and standard input, as inputs to read."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.records import Records
from ingest.shards import Premade, is_shards, read_shards
from ingest.sources import STANDARD_INPUT, read_file, web
from rag.errors import SourceError, UsageError

# A BEIR folder holds its questions and judgements beside the corpus.
_BEIR_CORPUS = ("corpus.jsonl", "corpus.jsonl.gz")


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to read; `size` in bytes as stored, `None` where it is not known."""

    name: str
    size: int | None

    @property
    def is_shards(self) -> bool:
        """Is it a folder of shards?"""
        return self.name != STANDARD_INPUT and not web.is_address(self.name) and is_shards(Path(self.name))

    def read(
        self,
        form: str | None,
        columns: Mapping[str, str] | None,
        on_bytes: Callable[[int], None],
        premade: Premade | None = None,
    ) -> Records:
        """Its papers and rejected records; vectors that come with them go to `premade`.

        Raises:
            SourceError: It cannot be read.
        """
        if self.is_shards:
            return read_shards(Path(self.name), premade or Premade())
        if web.is_address(self.name):
            return web.read_address(self.name)
        return read_file(Path(self.name), form, on_bytes, columns)


def expand(paths: Sequence[Path | str]) -> list[Input]:
    """Every input once, folders and patterns opened, in the order given.

    Raises:
        SourceError: A path does not exist, a folder holds no file, a pattern matches none.
        UsageError: Standard input is named twice.
    """
    found: dict[str, Input] = {}
    for path in map(str, paths):
        if path == STANDARD_INPUT and STANDARD_INPUT in found:
            raise UsageError("Standard input (-) can be read once. Name it once.")
        for source in _expand(path):
            found.setdefault(source.name, source)
    return list(found.values())


def whole(path: Path) -> str:
    """The whole path, so that a file named in two ways is one: `d/../a` is `a`."""
    return os.path.abspath(path)  # noqa: PTH100  # resolve() would follow links, whose names users know


def _expand(path: str) -> list[Input]:
    if path == STANDARD_INPUT or web.is_address(path):
        return [Input(path, None)]
    try:
        found = _found(Path(path))
    except OSError as error:
        raise SourceError(f"{path[:200]} cannot be read ({error.strerror or error}). Check the path.") from error
    if found is not None:
        if not found:
            raise SourceError(f"The folder {path} holds no file. Give a folder with paper files.")
        return found
    if glob.has_magic(path):
        matches = sorted(Path(match) for match in glob.glob(path, recursive=True))  # noqa: PTH207  # absolute ones too
        files = [source for match in matches for source in _found(match) or []]
        if files:
            return files
        raise SourceError(f"Nothing matches {path}. Check the pattern.")
    raise SourceError(f"{path} does not exist. Check the path.")


def _found(path: Path) -> list[Input] | None:
    """The files that a path leads to; `None` where it leads nowhere."""
    if path.is_dir():
        return [Input(whole(path), None)] if is_shards(path) else _folder(path)
    return [_file(path)] if path.exists() else None


def _folder(folder: Path) -> list[Input]:
    inside = sorted(p for p in folder.rglob("*") if p.is_file() and not _is_hidden(p.relative_to(folder)))
    corpora = {p.parent for p in inside if p.name in _BEIR_CORPUS}
    shards = {p.parent for p in inside if is_shards(p.parent)}
    files = [p for p in inside if p.name in _BEIR_CORPUS or not _lies_in(p, corpora | shards)]
    return [_file(path) for path in files] + [Input(whole(path), None) for path in sorted(shards)]


def _lies_in(path: Path, folders: set[Path]) -> bool:
    return any(parent in folders for parent in path.parents)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _file(path: Path) -> Input:
    try:
        # The whole path: a record's source tells two files of one name apart.
        return Input(whole(path), path.stat().st_size)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error}). Check the path.") from error
