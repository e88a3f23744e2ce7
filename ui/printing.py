"""Printing for the command line: JSON, answers, sources."""

from __future__ import annotations

import json
from typing import Any

import typer

from rag.filters import Filters
from rag.types import Answer, Paper


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


def print_filters(filters: Filters) -> None:
    """One line above an answer; nothing where there are none."""
    if filters:
        typer.echo(f"Filters: {filters.describe()}")


def by_whom(paper: Paper) -> str:
    """Authors, their number, or the organisation; empty where the source gave none."""
    if paper.authors:
        return ", ".join(paper.authors[:3]) + (" et al." if len(paper.authors) > 3 else "")
    if paper.author_count:
        return f"{paper.author_count} author{'s' if paper.author_count > 1 else ''}"
    return paper.organization or ""


def print_sources(answer: Answer) -> None:
    """What an answer rests on, below it."""
    for passage in answer.cited:
        paper = passage.paper
        details = ", ".join(part for part in (by_whom(paper), paper.date or "", paper.url or "") if part)
        typer.echo(f"  [{passage.number}] {paper.title}" + (f" ({details})" if details else ""))
    if answer.refusal:
        for paper in answer.refusal.nearest:
            typer.echo(f"  near: {paper.title}")
    if answer.withheld:
        count = len(answer.withheld)
        typer.echo(f"  ({count} sentence{'s' if count > 1 else ''} of the model withheld: not supported)")
