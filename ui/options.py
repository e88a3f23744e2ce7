"""Command line options that several commands share, and how they become a `Config`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rag.config import Config
from rag.filters import SYNTAX, Filters, parse

Index = Annotated[Path | None, typer.Option("--index", help="Folder of the index.", show_default=False)]
ChromaUrl = Annotated[str | None, typer.Option("--chroma-url", help="Chroma server that holds the vectors.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output, nothing else on stdout.")]
Model = Annotated[
    str | None,
    typer.Option("--model", help="'bundled', a folder, a hub name, or the URL of an OpenAI-compatible server."),
]
ServerModel = Annotated[str | None, typer.Option("--server-model", help="Which of the server's models.")]
EmbeddingModel = Annotated[str | None, typer.Option("--embedding-model", help="'bundled', a folder or a hub name.")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")]
K = Annotated[int | None, typer.Option("--k", help="How many papers.")]
Ordering = Annotated[str | None, typer.Option("--ordering", help="auto, score, reverse or reorder.")]
Cache = Annotated[Path | None, typer.Option("--cache", help="Folder for the converted bundled model.")]
Adapter = Annotated[
    str | None, typer.Option("--adapter", help="RAG-tuned adapter: a shipped one's name, a folder, auto or none.")
]
EvidenceTokens = Annotated[int | None, typer.Option("--evidence-tokens", help="Tokens of evidence gathered.")]
EvidenceSentences = Annotated[
    int | None, typer.Option("--evidence-sentences", help="Evidence sentences the model reads.")
]
Profile = Annotated[
    str | None, typer.Option("--profile", help="best, or fast: fewer papers are looked at word by word.")
]
Support = Annotated[str | None, typer.Option("--support", help="strict or lenient.")]

Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        help=f"Only papers that meet the conditions: {SYNTAX}. Repeat it or separate by commas: all must hold, of "
        "several authors, venues or categories one. A given name may be an initial; 'cs' holds 'cs.CL'; a paper whose "
        "date is less exact than the condition is kept where it may lie in the range. The question is then not read "
        "for filters.",
        show_default=False,
    ),
]
NoFilters = Annotated[bool, typer.Option("--no-filters", help="Read no filters out of the question.")]


def conditions(where: list[str] | None, no_filters: bool) -> Filters | None:
    """The filters that the flags give; `None`: those the question names.

    Raises:
        UsageError: A condition is not understood.
    """
    return parse(where or ()) if where or no_filters else None


def load(**flags: Any) -> Config:
    """Settings with these flags on top; a flag that was not given is `None`."""
    return Config.load(flags)
