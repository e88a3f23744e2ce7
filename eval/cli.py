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
    pairs: Annotated[Path | None, typer.Option("--input", help="JSON lines with id, evidence and claim.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Verdicts, a JSON line each.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Folder of the data sets (shared/data).")] = None,
    report: Report = Path("reports/support"),
    as_json: Json = False,
) -> None:
    """Measure the support checker on its test pairs; with --input and --output, check pairs of your own."""
    from eval import support as checking
    from eval.support_data import DATA

    if pairs and output:
        checking.check_file(pairs, output)
        return
    if pairs or output:
        raise typer.BadParameter("--input and --output go together.")
    result = checking.run(data or DATA)
    text = checking.write(result, report)
    shown = {key: value for key, value in result.items() if key not in ("rows", "roc")}
    typer.echo(json.dumps(shown, indent=1) if as_json else text)


@app.command()
def retrieval(
    dataset: Annotated[
        str | None, typer.Argument(help="BEIR folder, or ir_datasets:NAME; none with --known-items.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Judgements of a BEIR folder; default: test.")] = None,
    configs: Annotated[
        str, typer.Option("--configs", help="Which of lexical, dense, rrf, hybrid, full; '' for saved runs alone.")
    ] = "lexical,dense,rrf,hybrid,full",
    runs: Annotated[list[str] | None, typer.Option("--run", help="Saved TREC run, as NAME=FILE (repeatable).")] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="What the others are compared with; default: rrf.")
    ] = None,
    measures: Annotated[
        str, typer.Option("--measures", help="Names that ir_measures understands.")
    ] = "nDCG@10 R@5 R@100 RR AP P@5",
    known_items: Annotated[
        int | None, typer.Option("--known-items", min=1, help="Make N questions from your own index.")
    ] = None,
    write_questions: Annotated[
        bool, typer.Option("--write-questions", help="The language model writes them in words of its own.")
    ] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Ask at most N of the queries.")] = None,
    index: Annotated[
        Path | None, typer.Option("--index", help="Search this index instead of ingesting the data set's corpus.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ingest the corpus again.")] = False,
    embedding_model: Annotated[str | None, typer.Option("--embedding-model", help="'bundled', folder or name.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Who writes questions: 'bundled', ... or a URL.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")] = None,
    cache: Annotated[Path | None, typer.Option("--cache", help="Folder for indexes of data sets.")] = None,
    report: Report = Path("reports/retrieval"),
    as_json: Json = False,
) -> None:
    """Measure retrieval: configurations and saved runs, on a data set or on your own collection."""
    from eval import metrics, systems
    from eval.retrieval import Options, run
    from eval.retrieval_text import terminal_table
    from rag.config import Config

    options = Options(
        report=report,
        dataset=dataset,
        split=split,
        configs=systems.names(configs),
        runs=_named_runs(runs or []),
        measures=metrics.split_names(measures),
        baseline=baseline,
        known_items=known_items,
        write_questions=write_questions,
        limit=limit,
        own_index=index is not None,
        fresh=fresh,
    )
    settings = {"index": index, "embedding_model": embedding_model, "model": model, "device": device, "cache": cache}
    result = run(options, Config.load(settings))
    if as_json:
        shown = {key: value for key, value in result.items() if key not in ("queries", "per_query")}
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        typer.echo(f"{terminal_table(result)}\n\n{report / 'report.html'}")


def _named_runs(given: list[str]) -> dict[str, Path]:
    from rag.errors import UsageError

    named: dict[str, Path] = {}
    for pair in given:
        name, equals, file = pair.partition("=")
        if not equals or not name.strip() or not file:
            raise UsageError(f"--run got {pair!r}. Write it as NAME=FILE, as in ours=runs/full.trec.")
        if name.strip() in named:
            raise UsageError(f"Two runs are called {name.strip()!r}. Give each its own name.")
        named[name.strip()] = Path(file)
    return named


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="retrieval.json, or its folder: the baseline.")],
    second: Annotated[Path, typer.Argument(help="retrieval.json, or its folder: what is compared with it.")],
    chosen: Annotated[
        list[str] | None, typer.Option("--system", help="NAME or NAME_IN_FIRST=NAME_IN_SECOND (repeatable).")
    ] = None,
    report: Report = Path("reports/compare"),
    as_json: Json = False,
) -> None:
    """Compare two saved retrieval reports, query by query."""
    from eval.compare import compare_saved, read_saved
    from eval.report import write_html
    from eval.retrieval_report import comparison_report
    from eval.retrieval_text import terminal_table

    result = compare_saved(read_saved(first), read_saved(second), chosen or [])
    write_html(comparison_report(result), report / "report.html")
    (report / "comparison.json").write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        typer.echo(f"{terminal_table(result)}\n\n{report / 'report.html'}")
