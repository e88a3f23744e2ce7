"""Printing for the command line: JSON, answers, sources."""

from __future__ import annotations

import json
import re
from typing import Any

import typer

from rag.filters import Filters
from rag.types import Answer, Paper

# All but tab and line feed; line ends and turns of direction that are not ASCII as well.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Control characters as they are written, so that a terminal does nothing by what somebody else wrote."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def say(text: str, *, err: bool = False) -> None:
    """Prints what may hold the words of papers, models and files."""
    typer.echo(plain(text), err=err)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    typer.echo(re.sub(r"[\x7f-\x9f]", lambda match: f"\\u{ord(match[0]):04x}", text))


def print_filters(filters: Filters) -> None:
    """One line above an answer; nothing where there are none."""
    if filters:
        say(f"Filters: {filters.describe()}")


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
        say(f"  [{passage.number}] {paper.title}" + (f" ({details})" if details else ""))
    if answer.refusal:
        for paper in answer.refusal.nearest:
            say(f"  near: {paper.title}")
    if answer.withheld:
        count = len(answer.withheld)
        typer.echo(f"  ({count} sentence{'s' if count > 1 else ''} of the model withheld: not supported)")
