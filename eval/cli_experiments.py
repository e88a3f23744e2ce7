"""`paperchat eval context-size | hard-negatives | order | position`: the paper's experiments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(rich_markup_mode=None)

Data = Annotated[
    Path,
    typer.Argument(
        help="BEIR folder with answers or verdicts, a JSON lines file (or its folder) with gold and distractors, or "
        "your own questions over your --index."
    ),
]
Split = Annotated[str | None, typer.Option("--split", help="Judgements of a BEIR folder; default: test.")]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        help="Questions asked, always the same ones; default: for about 20 minutes, or those of --beside.",
    ),
]
Ks = Annotated[str | None, typer.Option("--k", help="Numbers of passages, as in 1,5,20.")]
Retriever = Annotated[str, typer.Option("--retriever", help="hybrid, dense or bm25.")]
Pool = Annotated[
    bool, typer.Option("--pool", help="Retrieve from all passages of the data, not from those given with a question.")
]
Reader = Annotated[
    str, typer.Option("--reader", help="model, or quotes: the best evidence sentence, without any model.")
]
Model = Annotated[
    str | None,
    typer.Option("--model", help="'bundled', a folder, a hub name, or the URL of an OpenAI-compatible server."),
]
ServerModel = Annotated[str | None, typer.Option("--server-model", help="Which of the server's models.")]
NewTokens = Annotated[
    int | None, typer.Option("--new-tokens", min=1, help="Longest answer; default 32, for long references 64.")
]
Instruction = Annotated[
    str | None, typer.Option("--instruction", help="What the model is told, in place of our own words.")
]
Index = Annotated[Path | None, typer.Option("--index", help="Your own index, for questions over it.")]
EmbeddingModel = Annotated[str | None, typer.Option("--embedding-model", help="'bundled', folder or name.")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")]
Cache = Annotated[Path | None, typer.Option("--cache", help="Folder for indexes of data sets.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the sample and of what is shuffled.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Begin again instead of going on with an earlier run.")]
Adapter = Annotated[
    str | None, typer.Option("--adapter", help="RAG-tuned adapter: a shipped one's name, a folder, auto or none.")
]
Beside = Annotated[
    Path | None,
    typer.Option("--beside", help="Report folder of the same run with another reader, to be compared with this one."),
]
ReportFolder = Annotated[
    Path | None, typer.Option("--report", help="Folder for the report.", show_default="reports/EXPERIMENT")
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command("context-size")
def context_size(
    data: Data,
    ks: Ks = None,
    retriever: Annotated[
        str, typer.Option("--retriever", help="One or more of hybrid, dense, bm25, separated by commas.")
    ] = "hybrid",
    pool: Pool = False,
    split: Split = None,
    limit: Limit = None,
    reader: Reader = "model",
    model: Model = None,
    adapter: Adapter = None,
    server_model: ServerModel = None,
    new_tokens: NewTokens = None,
    instruction: Instruction = None,
    index: Index = None,
    embedding_model: EmbeddingModel = None,
    device: Device = None,
    cache: Cache = None,
    seed: Seed = 0,
    fresh: Fresh = False,
    beside: Beside = None,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Answer quality, recall and precision against the number of passages: the inverted U."""
    chosen = {
        "data": data, "split": split, "limit": limit, "sizes": _numbers(ks, "--k"), "sources": _names(retriever),
        "pool": pool, "reader": reader, "new_tokens": new_tokens, "instruction": instruction, "seed": seed,
        "fresh": fresh, "beside": beside, "report": report,
    }  # fmt: skip
    _run(
        "context-size", chosen, _settings(index, embedding_model, model, server_model, adapter, device, cache), as_json
    )


@app.command("hard-negatives")
def hard_negatives(
    data: Data,
    ks: Ks = None,
    sources: Annotated[
        str, typer.Option("--sources", help="Where negatives come from: random, bm25, dense, hybrid.")
    ] = "random,bm25,dense,hybrid",
    split: Split = None,
    limit: Limit = None,
    reader: Reader = "model",
    model: Model = None,
    adapter: Adapter = None,
    server_model: ServerModel = None,
    new_tokens: NewTokens = None,
    instruction: Instruction = None,
    index: Index = None,
    embedding_model: EmbeddingModel = None,
    device: Device = None,
    cache: Cache = None,
    seed: Seed = 0,
    fresh: Fresh = False,
    beside: Beside = None,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """The gold passage among random, lexical, dense and fused negatives (the paper's Algorithm 1)."""
    chosen = {
        "data": data, "split": split, "limit": limit, "sizes": _numbers(ks, "--k"), "sources": _names(sources),
        "reader": reader, "new_tokens": new_tokens, "instruction": instruction, "seed": seed, "fresh": fresh,
        "beside": beside, "report": report,
    }  # fmt: skip
    _run(
        "hard-negatives",
        chosen,
        _settings(index, embedding_model, model, server_model, adapter, device, cache),
        as_json,
    )


@app.command()
def order(
    data: Data,
    ks: Ks = None,
    retriever: Retriever = "hybrid",
    pool: Pool = False,
    split: Split = None,
    limit: Limit = None,
    reader: Reader = "model",
    model: Model = None,
    adapter: Adapter = None,
    server_model: ServerModel = None,
    new_tokens: NewTokens = None,
    instruction: Instruction = None,
    index: Index = None,
    embedding_model: EmbeddingModel = None,
    device: Device = None,
    cache: Cache = None,
    seed: Seed = 0,
    fresh: Fresh = False,
    beside: Beside = None,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """The same passages in score order, in the paper's order, reversed and shuffled."""
    chosen = {
        "data": data, "split": split, "limit": limit, "sizes": _numbers(ks, "--k"), "sources": _names(retriever),
        "pool": pool, "reader": reader, "new_tokens": new_tokens, "instruction": instruction, "seed": seed,
        "fresh": fresh, "beside": beside, "report": report,
    }  # fmt: skip
    _run("order", chosen, _settings(index, embedding_model, model, server_model, adapter, device, cache), as_json)


@app.command()
def position(
    data: Data,
    documents: Annotated[int, typer.Option("--documents", min=2, help="Passages in a context.")] = 20,
    places: Annotated[
        str | None, typer.Option("--places", help="Places of the gold passage from 1; default: five, evenly spread.")
    ] = None,
    retriever: Retriever = "hybrid",
    pool: Pool = False,
    split: Split = None,
    limit: Limit = None,
    reader: Reader = "model",
    model: Model = None,
    adapter: Adapter = None,
    server_model: ServerModel = None,
    new_tokens: NewTokens = None,
    instruction: Instruction = None,
    index: Index = None,
    embedding_model: EmbeddingModel = None,
    device: Device = None,
    cache: Cache = None,
    seed: Seed = 0,
    fresh: Fresh = False,
    beside: Beside = None,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """The gold passage at each of several places among distractors."""
    chosen = {
        "data": data, "documents": documents, "sizes": _numbers(places, "--places"), "sources": _names(retriever),
        "pool": pool, "split": split, "limit": limit, "reader": reader, "new_tokens": new_tokens,
        "instruction": instruction, "seed": seed, "fresh": fresh, "beside": beside, "report": report,
    }  # fmt: skip
    _run("position", chosen, _settings(index, embedding_model, model, server_model, adapter, device, cache), as_json)


def _settings(
    index: Path | None,
    embedding_model: str | None,
    model: str | None,
    server_model: str | None,
    adapter: str | None,
    device: str | None,
    cache: Path | None,
) -> dict[str, Any]:
    return {
        "index": index, "embedding_model": embedding_model, "model": model, "server_model": server_model,
        "adapter": adapter, "device": device, "cache": cache,
    }  # fmt: skip


def _run(name: str, chosen: dict[str, Any], settings: dict[str, Any], as_json: bool) -> None:
    from eval.experiments.command import console, run, terminal_table
    from eval.experiments.experiment import Options
    from rag.config import Config

    folder = chosen.pop("report") or Path("reports") / name
    options = Options(**chosen, report=folder)
    result = run(name, options, Config.load(settings), console())
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        typer.echo(f"{terminal_table(result)}\n\n{folder / 'report.html'}")


def _names(given: str) -> tuple[str, ...]:
    from rag.errors import UsageError

    found = tuple(part.strip() for part in given.split(",") if part.strip())
    if not found:
        raise UsageError(f"Unknown retriever {given!r}. Choose from random, bm25, dense, hybrid.")
    return found


def _numbers(given: str | None, option: str) -> tuple[int, ...] | None:
    from rag.errors import UsageError

    if given is None:
        return None
    parts: Sequence[str] = [part.strip() for part in given.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(f"{option} got {given!r}. Write whole numbers with commas, as in 1,5,20.")
    return tuple(int(part) for part in parts)
