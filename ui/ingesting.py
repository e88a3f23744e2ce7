"""`paperchat ingest`: the progress bar and the report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from rag.config import Config
from ui.printing import print_json


def run(config: Config, paths: list[Path], form: str | None, as_json: bool) -> None:
    """Ingests and prints the counts."""
    from tqdm import tqdm

    from ingest.pipeline import SAMPLES
    from ui.library import Library

    library = Library(config)
    with tqdm(unit="B", unit_scale=True, unit_divisor=1000, desc="Reading papers") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        report = library.ingest(paths or [SAMPLES], form=form, progress=progress)
    if as_json:
        print_json(asdict(report))
        return
    typer.echo(
        f"Read {report.read}: {report.new} new, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.duplicates} duplicates, {len(report.rejected)} rejected. "
        f"The index holds {report.papers_in_index} papers in {report.chunks_in_index} chunks "
        f"({report.seconds:.1f} s)."
    )
    for rejected in report.rejected:
        typer.echo(f"  rejected: {rejected.source}, {rejected.where}: {rejected.reason}")
    if not paths:
        typer.echo("These are the sample papers: digests in our own words, not the abstracts.")
