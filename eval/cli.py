"""`paperchat eval ...`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from eval.cli_experiments import app as experiments

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Measure retrieval, answers and support.")
app.add_typer(experiments)

Report = Annotated[Path, typer.Option("--report", help="Folder for the report.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.callback()
def _group() -> None:
    """Keeps `eval` a group while it has few commands."""


@app.command()
def answers(
    questions: Annotated[
        Path | None,
        typer.Argument(
            help="JSON lines with id, kind, question, gold papers and facts, or a BEIR folder with answers."
        ),
    ] = None,
    named: Annotated[Path | None, typer.Option("--questions", help="The same.", hidden=True)] = None,
    given: Annotated[
        Path | None, typer.Option("--answers", help="Output of 'paperchat ask --input'; none: ask now, resumable.")
    ] = None,
    no_generate: Annotated[bool, typer.Option("--no-generate", help="Quote the abstracts only.")] = False,
    no_citations: Annotated[
        bool, typer.Option("--no-citations", help="Leave citation recall and precision out: no model is loaded.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask again what the report folder holds answers to.")] = False,
    k: Annotated[int | None, typer.Option("--k", help="How many papers.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="'bundled', a folder, a hub name or a URL.")] = None,
    server_model: Annotated[str | None, typer.Option("--server-model", help="Which of the server's models.")] = None,
    adapter: Annotated[str | None, typer.Option("--adapter", help="A shipped one, a folder, auto or none.")] = None,
    embedding_model: Annotated[str | None, typer.Option("--embedding-model", help="'bundled', folder or name.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")] = None,
    index: Annotated[Path | None, typer.Option("--index", help="Folder of the index.", show_default=False)] = None,
    report: Report = Path("reports/answers"),
    as_json: Json = False,
) -> None:
    """Measure answers: facts, citations (ALCE's recall and precision), refusals, seconds, by kind of question."""
    from eval.answering import Options, run
    from eval.answers import table
    from rag.config import Config
    from rag.errors import UsageError

    source = questions or named
    if source is None or (questions and named):
        raise UsageError("Give one file of questions, as in: paperchat eval answers QUESTIONS.jsonl")
    settings = {"k": k, "model": model, "server_model": server_model, "embedding_model": embedding_model}
    config = Config.load({**settings, "adapter": adapter, "device": device, "index": index})
    result = run(
        Options(source, report, given, not no_generate, not no_citations, fresh, own_index=index is not None), config
    )
    if as_json:
        shown = {key: value for key, value in result.items() if key != "rows"}
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        typer.echo(f"{table(result)}\n{report / 'report.html'}")


@app.command("dev-collection")
def dev_collection(
    name: Annotated[str, typer.Argument(help="arxiv, nlp, followups or train.")],
    dump: Annotated[Path, typer.Option("--dump", help="The arXiv dump, corpus.jsonl.gz.")],
    output: Annotated[Path, typer.Option("--output", help="BEIR corpus to write.")],
) -> None:
    """Draw the collection that a development question set was written over."""
    from eval import collections
    from rag.errors import UsageError

    draws = {
        "arxiv": collections.arxiv_dev,
        "nlp": collections.nlp_dev,
        "followups": collections.followups_dev,
        "train": collections.arxiv_train,
    }
    draw = draws.get(name)
    if draw is None:
        raise UsageError(f"Unknown collection {name!r}. Choose arxiv, nlp, followups or train.")
    collections.write(draw(dump), output)


@app.command()
def followups(
    index: Annotated[Path, typer.Option("--index", help="Index of 'eval dev-collection followups'.")],
    questions: Annotated[
        Path | None, typer.Option("--questions", help="JSON lines with history, gold and standalone.")
    ] = None,
    half: Annotated[str, typer.Option("--half", help="dev, check or all.")] = "check",
    fused: Annotated[bool, typer.Option("--fused", help="Without reranking by evidence: much quicker.")] = False,
    report: Report = Path("reports/followups"),
    as_json: Json = False,
) -> None:
    """Follow-ups: what is found for the question as typed, spelled out by words, with retrieval, and by hand."""
    from eval.followups import FOLLOWUPS, evaluate, table

    result = evaluate(index, questions or FOLLOWUPS, half, fused=fused)
    report.mkdir(parents=True, exist_ok=True)
    (report / "followups.json").write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")
    (report / "followups.md").write_text(table(result), encoding="utf-8")
    typer.echo(json.dumps(result["overall"], indent=1) if as_json else table(result))


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
def refusal(
    source: Annotated[Path, typer.Argument(help="JSON lines with questions and gold papers, or a BEIR folder.")],
    split: Annotated[str | None, typer.Option("--split", help="Judgements of a BEIR folder; default: test.")] = None,
    unanswerable: Annotated[
        Path | None, typer.Option("--unanswerable", help="JSON lines with more questions that no paper answers.")
    ] = None,
    leave_gold_out: Annotated[
        bool | None,
        typer.Option(
            "--leave-gold-out/--keep-gold",
            help="Ask answerable questions again without their papers; default: if no other is unanswerable.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most N questions of each sort.")] = None,
    generate: Annotated[
        bool, typer.Option("--generate", help="The language model writes the answers that are judged.")
    ] = False,
    refuse_below: Annotated[float | None, typer.Option("--refuse-below", help="The threshold to judge.")] = None,
    index: Annotated[
        Path | None, typer.Option("--index", help="Search this index instead of ingesting the folder's corpus.")
    ] = None,
    embedding_model: Annotated[str | None, typer.Option("--embedding-model", help="'bundled', folder or name.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="'bundled', a folder, a hub name or a URL.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")] = None,
    cache: Annotated[Path | None, typer.Option("--cache", help="Folder for indexes of data sets.")] = None,
    report: Report = Path("reports/refusal"),
    as_json: Json = False,
) -> None:
    """Measure refusals: are the right questions refused, and does the score know which answers are wrong?"""
    from eval.refusal import Options, run, terminal_table
    from rag.config import Config

    options = Options(
        source=source,
        report=report,
        split=split,
        unanswerable=unanswerable,
        leave_gold_out=leave_gold_out,
        limit=limit,
        own_index=index is not None,
        generate=generate,
    )
    settings = {"index": index, "embedding_model": embedding_model, "model": model, "device": device, "cache": cache}
    result = run(options, Config.load({**settings, "refuse_below": refuse_below}))
    if as_json:
        shown = {key: value for key, value in result.items() if key not in ("rows", "risk_coverage", "sweep")}
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        typer.echo(f"{terminal_table(result)}\n\n{report / 'report.html'}")


@app.command()
def judge(
    first: Annotated[Path, typer.Argument(help="Answers of system A, as 'paperchat ask --input' writes them.")],
    second: Annotated[Path, typer.Argument(help="Answers of system B to the same questions.")],
    model: Annotated[str | None, typer.Option("--model", help="The judge: a folder, a hub name or a URL.")] = None,
    server_model: Annotated[str | None, typer.Option("--server-model", help="Which of the server's models.")] = None,
    references: Annotated[
        Path | None, typer.Option("--references", help="JSON lines with id and reference, shown to the judge.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Judge at most N pairs.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Let the judge write its reasons.")] = False,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")] = None,
    report: Report = Path("reports/judge"),
    as_json: Json = False,
) -> None:
    """Let a language model judge two systems' answers, in JudgeLM's format and in both orders."""
    from eval.judging import Options, run, terminal_table
    from rag.config import Config

    config = Config.load({"model": model, "server_model": server_model, "device": device})
    result = run(Options(first, second, report, references, limit, explain), config)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        typer.echo(f"{terminal_table(result)}\n\n{report / 'report.html'}")


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
    questions: Annotated[
        str | None, typer.Option("--questions", help="Of which kind: title, sentence (default), held-out or model.")
    ] = None,
    write_questions: Annotated[bool, typer.Option("--write-questions", help="The same as --questions model.")] = False,
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
        questions=questions or ("model" if write_questions else "sentence"),
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
