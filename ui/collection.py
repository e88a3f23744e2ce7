"""`paperchat papers` and `paperchat status`: what is in the index. No model is loaded."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from rag import build
from rag.config import Config
from rag.errors import UsageError
from rag.index import read_manifest
from rag.protocols import Catalog
from rag.serialize import paper_to_dict
from rag.types import Paper
from ui.printing import by_whom, print_json, say


def list_papers(config: Config, as_json: bool) -> None:
    """Every paper, newest first."""
    catalog = build.open_catalog(config)
    if as_json:
        print_json([_row(paper) for paper in catalog.papers()])
        return
    for paper in catalog.papers():
        say(f"{paper.date or '':<10}  {paper.id:<50}  {paper.title}")


def _row(paper: Paper) -> dict[str, object]:
    record = paper_to_dict(paper)
    record.pop("abstract")
    everything: dict[str, object] = {"date": None, "authors": [], "venue": None, "url": None}
    return {"paper_id": record.pop("id"), **everything, **record}


def show_paper(config: Config, paper_id: str, as_json: bool) -> None:
    """One record with its abstract."""
    (paper,) = papers_named(build.open_catalog(config), [paper_id])
    if as_json:
        record = paper_to_dict(paper)
        print_json({"paper_id": record.pop("id"), **record})
        return
    kind = " (digest, not the abstract)" if paper.kind == "digest" else ""
    details = ", ".join(part for part in (by_whom(paper), paper.date or "", paper.venue or "") if part)
    say(f"{paper.title}{kind}\n{details}\n\n{paper.abstract}")


def papers_named(catalog: Catalog, paper_ids: Sequence[str]) -> list[Paper]:
    """The papers with these ids, in order.

    Raises:
        UsageError: One is not in the index.
    """
    found = catalog.get(paper_ids)
    for paper_id in paper_ids:
        if paper_id not in found:
            raise UsageError(f"There is no paper {paper_id!r} in the index. 'paperchat papers list' shows the ids.")
    return [found[paper_id][0] for paper_id in paper_ids]


def delete_papers(config: Config, paper_ids: list[str], as_json: bool) -> None:
    """Removes papers from every store."""
    index = build.open_index(config)
    with index.writing():
        deleted = index.delete(paper_ids)
    if as_json:
        print_json({"deleted": deleted, "papers_in_index": index.catalog.counts().papers})
    else:
        typer.echo(f"Deleted {deleted} of {len(paper_ids)}. The index holds {index.catalog.counts().papers} papers.")


def show_status(config: Config, as_json: bool) -> None:
    """Where the index is, what built it, and what it holds."""
    manifest = read_manifest(config.index)
    counts = build.open_catalog(config).counts()
    if as_json:
        print_json(
            {
                "index": str(config.index),
                "papers": counts.papers,
                "chunks": counts.chunks,
                "embedding_model": manifest.embedding_model,
                "dimension": manifest.dimension,
                "chunking": manifest.chunking,
                "chroma_url": manifest.chroma_url,
                "revision": counts.revision,
                "schema": manifest.schema,
            }
        )
        return
    place = f", vectors on {manifest.chroma_url}" if manifest.chroma_url else ""
    typer.echo(
        f"{config.index}: {counts.papers} papers in {counts.chunks} chunks, embedded with {manifest.embedding_model} "
        f"({manifest.dimension} dimensions, cut as {manifest.chunking or 'before format 2'}){place}, "
        f"format {manifest.schema}, revision {counts.revision}."
    )
