"""`paperchat export`: papers of the index in a format that other programs read, and this one reads back."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from ingest.export import FORMATS
from rag import build
from rag.config import Config
from rag.errors import PaperchatError, UsageError
from rag.types import Paper


def run(config: Config, paper_ids: Sequence[str], form: str, output: Path | None) -> None:
    """Writes papers, all of them where none is named."""
    if form not in FORMATS:
        raise UsageError(f"Unknown format {form!r}. Choose one of {', '.join(FORMATS)}.")
    pieces = FORMATS[form](_papers(config, paper_ids))
    if output is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        part.replace(output)
    except OSError as error:
        raise PaperchatError(f"{output} cannot be written ({error.strerror or error}). Give another file.") from error
    finally:
        part.unlink(missing_ok=True)
    typer.echo(f"Wrote {output}.", err=True)


def _papers(config: Config, paper_ids: Sequence[str]) -> Iterator[Paper]:
    catalog = build.open_catalog(config)
    if not paper_ids:
        yield from catalog.papers()
        return
    found = catalog.get(paper_ids)
    for paper_id in paper_ids:
        if paper_id not in found:
            raise UsageError(f"There is no paper {paper_id!r} in the index. 'paperchat papers list' shows the ids.")
        yield found[paper_id][0]
