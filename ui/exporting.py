"""`paperchat export`: papers of the index in a format that other programs read, and this one reads back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from ingest.export import FORMATS
from rag import build
from rag.config import Config
from rag.errors import PaperchatError, UsageError
from rag.files import whole_text
from ui.collection import papers_named


def run(config: Config, paper_ids: Sequence[str], form: str, output: Path | None) -> None:
    """Writes papers, all of them where none is named."""
    if form not in FORMATS:
        raise UsageError(f"Unknown format {form!r}. Choose one of {', '.join(FORMATS)}.")
    catalog = build.open_catalog(config)
    pieces = FORMATS[form](papers_named(catalog, paper_ids) if paper_ids else catalog.papers())
    if output is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    try:
        with whole_text(output, newline="") as file:
            file.writelines(pieces)
    except OSError as error:
        raise PaperchatError(f"{output} cannot be written ({error.strerror or error}). Give another file.") from error
    typer.echo(f"Wrote {output}.", err=True)
