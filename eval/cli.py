"""`paperchat eval ...`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Measure retrieval, answers and support.")

Report = Annotated[Path, typer.Option("--report", help="Folder for the report.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.callback()
def _group() -> None:
    """Keeps `eval` a group while it has few commands."""


@app.command()
def answers(
    questions: Annotated[Path, typer.Option("--questions", help="JSON lines with gold papers and facts.")],
    given: Annotated[Path, typer.Option("--answers", help="Output of 'paperchat ask --input'.")],
    report: Report = Path("reports/answers"),
    as_json: Json = False,
) -> None:
    """Score a file of answers: right paper first, facts, citations, refusals, by kind of question."""
    from eval.answers import evaluate, read_jsonl, table

    result = evaluate(read_jsonl(questions), read_jsonl(given))
    report.mkdir(parents=True, exist_ok=True)
    (report / "answers.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    (report / "answers.md").write_text(table(result), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps({key: result[key] for key in ("questions", "overall", "by_kind")}, indent=1))
    else:
        typer.echo(table(result))


@app.command("dev-collection")
def dev_collection(
    name: Annotated[str, typer.Argument(help="arxiv or nlp.")],
    dump: Annotated[Path, typer.Option("--dump", help="The arXiv dump, corpus.jsonl.gz.")],
    output: Annotated[Path, typer.Option("--output", help="BEIR corpus to write.")],
) -> None:
    """Draw the collection that a development question set was written over."""
    from eval import collections
    from rag.errors import UsageError

    draw = {"arxiv": collections.arxiv_dev, "nlp": collections.nlp_dev}.get(name)
    if draw is None:
        raise UsageError(f"Unknown collection {name!r}. Choose arxiv or nlp.")
    collections.write(draw(dump), output)


@app.command()
def support(
    pairs: Annotated[Path, typer.Option("--input", help="JSON lines with id, evidence and claim.")],
    output: Annotated[Path, typer.Option("--output", help="Verdicts, a JSON line each.")],
) -> None:
    """Check claims against evidence: the support checker alone."""
    from eval.support import check_file

    check_file(pairs, output)
