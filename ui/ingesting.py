"""`paperchat ingest` and `reindex`: the progress bar and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from ingest.pipeline import SAMPLES, Options, Progress
from ingest.records import IngestReport
from ingest.sources.json_fields import FIELDS
from rag.config import Config
from rag.errors import UsageError
from ui.library import REJECTED, Library
from ui.printing import print_json, say

# More than these are in the report file; a screen full of them hides the counts.
SHOWN = 10


def run(
    config: Config,
    paths: Sequence[str],
    form: str | None,
    columns: Sequence[str],
    rejected: Path | None,
    as_json: bool,
) -> None:
    """Ingests and prints the counts."""
    library = Library(config)
    options = Options(form, _columns(columns), rejected)
    with _bar("Reading papers", unit="B") as progress:
        report = library.ingest(list(paths) or [SAMPLES], options=options, progress=progress)
    if as_json:
        print_json(asdict(report))
        return
    typer.echo(
        f"Read {report.read}: {report.new} new, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.duplicates} duplicates, {report.rejected_count} rejected. "
        f"The index holds {report.papers_in_index} papers in {report.chunks_in_index} chunks "
        f"({report.seconds:.1f} s)."
    )
    _print_rejected(report, rejected or config.index / REJECTED)
    if not paths:
        typer.echo("These are the sample papers: digests in our own words, not the abstracts.")


def run_reindex(config: Config, as_json: bool) -> None:
    """Rebuilds the index and prints what it holds."""
    with _bar("Rebuilding", unit=" papers") as progress:
        done = Library(config).reindex(progress)
    if as_json:
        print_json(asdict(done))
        return
    typer.echo(
        f"Rebuilt {config.index} with {done.embedding_model}: {done.papers} papers in {done.chunks} chunks "
        f"({done.seconds:.1f} s)."
    )


def run_embed(config: Config, paths: Sequence[str], shards: Path, workers: int, per_shard: int, as_json: bool) -> None:
    """Embeds into shards and says how to load them."""
    from tqdm import tqdm

    from ingest.distributed import embed_dump

    with tqdm(unit=" shards", desc="Embedding") as bar:

        def moved(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        done = embed_dump(config, paths, shards, workers=workers, per_shard=per_shard, progress=moved)
    if as_json:
        print_json(asdict(done))
        return
    typer.echo(
        f"{done.papers} papers in {done.shards} shards ({done.seconds:.1f} s). "
        f"Load them with: paperchat ingest {shards}"
    )


def _print_rejected(report: IngestReport, file: Path) -> None:
    for rejected in report.rejected[:SHOWN]:
        say(f"  rejected: {rejected.source}, {rejected.where}: {rejected.reason}")
    if report.rejected_count > SHOWN:
        typer.echo(f"  and {report.rejected_count - SHOWN} more; all of them are in {file}")


def _columns(given: Sequence[str]) -> dict[str, str]:
    """`title=Name,abstract=Summary` as field to column.

    Raises:
        UsageError: A pair is not one, or names no known field.
    """
    columns: dict[str, str] = {}
    for pair in (part for text in given for part in text.split(",") if part.strip()):
        field, equals, name = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--columns got {pair!r}. Write it as field=column, as in title=Name,abstract=Summary.")
        if field.strip() not in FIELDS:
            raise UsageError(f"--columns knows no field {field.strip()!r}. Choose from {', '.join(FIELDS)}.")
        columns[field.strip()] = name.strip()
    return columns


class _bar:  # noqa: N801  # used as a context manager function
    """A progress bar that is told what an ingest tells."""

    def __init__(self, what: str, unit: str) -> None:
        from tqdm import tqdm

        self._bar = tqdm(unit=unit, unit_scale=True, unit_divisor=1000, desc=what, smoothing=0.1)

    def __enter__(self) -> Progress:
        return self._moved

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def _moved(self, done: int, total: int, papers: int) -> None:
        if not total:  # standard input and addresses do not tell their size
            self._bar.unit, done = " papers", papers
        self._bar.total = total or None
        seconds = self._bar.format_dict["elapsed"]
        self._bar.set_postfix_str(f"{papers} papers, {papers / seconds:.0f}/s" if seconds > 1 else "", refresh=False)
        self._bar.update(done - self._bar.n)
