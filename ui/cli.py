"""The `paperchat` command. Each command parses, calls one function, and prints; heavy imports wait."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from rag.errors import PaperchatError, UsageError
from ui import options
from ui.printing import print_json, say

log = logging.getLogger(__name__)

PLUGINS = "paperchat.commands"
# Papers of a TREC run where no --k says otherwise.
RUN_DEPTH = 100


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Ask questions about your papers and get answers that cite their abstracts, checked sentence by sentence.",
)
papers_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What is in the index.")
app.add_typer(papers_app, name="papers")


@app.callback()
def _common(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and log more (anywhere).")] = False,
) -> None:
    """Sets up logging."""
    level = logging.DEBUG if debug else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s")
    if debug:
        for noisy in ("httpcore", "httpx", "chromadb", "filelock", "urllib3", "matplotlib"):
            logging.getLogger(noisy).setLevel(logging.INFO)


@app.command()
def ingest(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders, patterns, - for standard input, arxiv:ID, arxiv-search:WORDS, "
            "daily-papers:DATE; none: the sample papers."
        ),
    ] = None,
    form: Annotated[str | None, typer.Option("--format", help="Format, where telling it by content fails.")] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--columns", help="What holds what, as in title=Name,abstract=Summary.")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option("--rejected", help="Report of rejected records; default: in the index folder.")
    ] = None,
    index: options.Index = None,
    chroma_url: options.ChromaUrl = None,
    embedding_model: options.EmbeddingModel = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Read papers into the index."""
    from ui import ingesting

    config = options.load(index=index, chroma_url=chroma_url, embedding_model=embedding_model, device=device)
    ingesting.run(config, paths or [], form, columns or [], rejected, as_json)


@app.command()
def embed(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, patterns.")],
    shards: Annotated[Path, typer.Option("--shards", help="Folder for the shards; ingest it afterwards.")],
    workers: Annotated[int, typer.Option("--workers", min=1, help="Models at work at a time.")] = 1,
    per_shard: Annotated[int, typer.Option("--per-shard", min=1, help="Papers in a shard.")] = 5000,
    embedding_model: options.EmbeddingModel = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Embed a very large dump with Ray Data, on this machine or a cluster; then 'ingest' the shards."""
    from ui import ingesting

    config = options.load(embedding_model=embedding_model, device=device)
    ingesting.run_embed(config, paths, shards, workers, per_shard, as_json)


@app.command()
def reindex(
    index: options.Index = None,
    chroma_url: options.ChromaUrl = None,
    embedding_model: options.EmbeddingModel = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Rebuild the index from its own records: after an update, or for another embedding model."""
    from ui import ingesting

    config = options.load(index=index, chroma_url=chroma_url, embedding_model=embedding_model, device=device)
    ingesting.run_reindex(config, as_json)


@app.command()
def export(
    paper_ids: Annotated[list[str] | None, typer.Argument(help="Ids of papers; none: all.")] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Papers: jsonl (default), csv, bibtex, ris, csl-json, markdown. "
            "A conversation: markdown (default), json, bibtex, ris.",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="File to write; none: standard output.")] = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", help="One of the page, by id or title, or 'latest'.")
    ] = None,
    feedback: Annotated[bool, typer.Option("--feedback", help="Rated answers as an evaluation set.")] = False,
    user: Annotated[str, typer.Option("--user", help="Whose, where the page has logins.")] = "",
    index: options.Index = None,
    as_json: options.Json = False,
) -> None:
    """Papers of the index for other programs, or a conversation of the page, or its feedback."""
    from ui import exporting

    config = options.load(index=index)
    if sum([bool(paper_ids), conversation is not None, feedback]) > 1:
        raise UsageError("Give ids of papers, or --conversation, or --feedback, not several of them.")
    if as_json and form not in (None, "json", "jsonl"):
        raise UsageError(f"--json and --format {form} are two forms. Give one of them.")
    if as_json and not feedback:
        form = "json" if conversation is not None else "jsonl"
    if conversation is not None:
        exporting.run_conversation(config, conversation, form, output, user)
    elif feedback:
        exporting.run_feedback(config, output, user)
    else:
        exporting.run(config, paper_ids or [], form, output)


@app.command()
def search(
    query: Annotated[str | None, typer.Argument(help="What to look for.")] = None,
    k: options.K = None,
    retriever: Annotated[str, typer.Option("--retriever", help="hybrid, dense or lexical.")] = "hybrid",
    queries: Annotated[Path | None, typer.Option("--input", help="JSON lines with _id and text.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="TREC run file to write.")] = None,
    where: options.Where = None,
    no_filters: options.NoFilters = False,
    explain: Annotated[
        str | None,
        typer.Option("--explain", help="Where this paper stands, and why: id, DOI, arXiv id or title words."),
    ] = None,
    profile: options.Profile = None,
    index: options.Index = None,
    embedding_model: options.EmbeddingModel = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Ranked papers for a query, or a TREC run for many."""
    from ui import searching

    config = options.load(index=index, embedding_model=embedding_model, device=device, k=k, profile=profile)
    if explain is not None and (queries is not None or where or no_filters):
        raise UsageError("--explain is for one query over all papers. Leave --input, --where and --no-filters out.")
    _one_or_many("query", query, queries, output)
    if explain is not None:
        from ui import explaining

        explaining.run(config, query or "", explain, config.k, retriever, as_json)
    elif queries is not None and output is not None:
        # Queries of a file are searched for as they are: a run must not depend on how one was read.
        conditions = options.conditions(where, True)
        searching.run_file(config, queries, output, k or RUN_DEPTH, retriever, conditions, as_json)
    else:
        searching.run(config, query or "", config.k, retriever, options.conditions(where, no_filters), as_json)


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="The question.")] = None,
    history: Annotated[Path | None, typer.Option("--history", help="JSON: [[user, assistant], ...].")] = None,
    no_generate: Annotated[bool, typer.Option("--no-generate", help="Quote the abstracts only.")] = False,
    questions: Annotated[Path | None, typer.Option("--input", help="JSON lines with id, question and history.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Answers, a JSON line each.")] = None,
    where: options.Where = None,
    no_filters: options.NoFilters = False,
    k: options.K = None,
    model: options.Model = None,
    server_model: options.ServerModel = None,
    adapter: options.Adapter = None,
    profile: options.Profile = None,
    ordering: options.Ordering = None,
    evidence_tokens: options.EvidenceTokens = None,
    evidence_sentences: options.EvidenceSentences = None,
    support: options.Support = None,
    index: options.Index = None,
    embedding_model: options.EmbeddingModel = None,
    device: options.Device = None,
    cache: options.Cache = None,
    as_json: options.Json = False,
) -> None:
    """One checked and cited answer, or many from a file."""
    from ui import asking

    config = options.load(
        index=index,
        model=model,
        server_model=server_model,
        adapter=adapter,
        embedding_model=embedding_model,
        device=device,
        cache=cache,
        k=k,
        profile=profile,
        ordering=ordering,
        evidence_tokens=evidence_tokens,
        evidence_sentences=evidence_sentences,
        support=support,
    )
    _one_or_many("question", question, questions, output)
    filters = options.conditions(where, no_filters)
    if questions is not None and output is not None:
        if history is not None:
            raise UsageError("--history is for one question. In a file of questions each has its own.")
        asking.run_file(config, questions, output, filters, generate=not no_generate, as_json=as_json)
    else:
        asking.run(config, question or "", history, filters, generate=not no_generate, as_json=as_json)


@app.command()
def chat(
    host: Annotated[str | None, typer.Option("--host", help="Loopback address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port of the page.")] = None,
    auth: Annotated[Path | None, typer.Option("--auth", help="File of lines that 'paperchat login' makes.")] = None,
    samples: Annotated[bool, typer.Option("--samples", help="Fill an empty index with the sample papers.")] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    k: options.K = None,
    model: options.Model = None,
    server_model: options.ServerModel = None,
    adapter: options.Adapter = None,
    profile: options.Profile = None,
    ordering: options.Ordering = None,
    evidence_tokens: options.EvidenceTokens = None,
    evidence_sentences: options.EvidenceSentences = None,
    support: options.Support = None,
    index: options.Index = None,
    embedding_model: options.EmbeddingModel = None,
    device: options.Device = None,
    cache: options.Cache = None,
) -> None:
    """The chat page."""
    from ui import chatting

    config = options.load(
        index=index,
        model=model,
        server_model=server_model,
        adapter=adapter,
        embedding_model=embedding_model,
        device=device,
        cache=cache,
        k=k,
        profile=profile,
        ordering=ordering,
        evidence_tokens=evidence_tokens,
        evidence_sentences=evidence_sentences,
        support=support,
        host=host,
        port=port,
    )
    chatting.run(config, auth=auth, samples=samples, open_browser=open_browser)


@app.command()
def login(user: Annotated[str, typer.Argument(help="Name to log in with.")], as_json: options.Json = False) -> None:
    """A line for the login file of 'chat --auth': asks for a password and prints it hashed."""
    from ui import chatting

    line = chatting.make_login(user)
    if as_json:
        print_json({"line": line})
    else:
        typer.echo(line)


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; not loopback needs a token.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port of the API.")] = None,
    samples: Annotated[bool, typer.Option("--samples", help="Fill an empty index with the sample papers.")] = False,
    no_generate: Annotated[
        bool, typer.Option("--no-generate", help="No language model: quote and search only.")
    ] = False,
    log_format: Annotated[str | None, typer.Option("--log-format", help="text or json.")] = None,
    k: options.K = None,
    model: options.Model = None,
    server_model: options.ServerModel = None,
    adapter: options.Adapter = None,
    profile: options.Profile = None,
    ordering: options.Ordering = None,
    evidence_tokens: options.EvidenceTokens = None,
    evidence_sentences: options.EvidenceSentences = None,
    support: options.Support = None,
    index: options.Index = None,
    chroma_url: options.ChromaUrl = None,
    embedding_model: options.EmbeddingModel = None,
    device: options.Device = None,
    cache: options.Cache = None,
) -> None:
    """The HTTP API: OpenAI's chat completions, search and ingest."""
    from ui.api import command

    config = options.load(
        index=index,
        chroma_url=chroma_url,
        model=model,
        server_model=server_model,
        adapter=adapter,
        embedding_model=embedding_model,
        device=device,
        cache=cache,
        k=k,
        profile=profile,
        ordering=ordering,
        evidence_tokens=evidence_tokens,
        evidence_sentences=evidence_sentences,
        support=support,
        host=host,
        api_port=port,
        log_format=log_format,
    )
    command.run(config, samples=samples, generate=not no_generate)


@app.command()
def mcp(
    no_generate: Annotated[bool, typer.Option("--no-generate", help="Quote the abstracts only.")] = False,
    k: options.K = None,
    model: options.Model = None,
    server_model: options.ServerModel = None,
    adapter: options.Adapter = None,
    index: options.Index = None,
    embedding_model: options.EmbeddingModel = None,
    device: options.Device = None,
    cache: options.Cache = None,
) -> None:
    """Tools for MCP clients (search, ask, get_paper) over standard input and output."""
    from ui import mcp_serving

    config = options.load(
        index=index,
        model=model,
        server_model=server_model,
        adapter=adapter,
        embedding_model=embedding_model,
        device=device,
        cache=cache,
        k=k,
    )
    mcp_serving.run(config, generate=not no_generate)


@app.command()
def tune(
    questions: Annotated[
        list[Path] | None,
        typer.Argument(help="JSON lines with question, gold papers and an answer or evidence; or a data folder."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", help="Folder for examples, checkpoint, adapter and log.")] = Path(
        "tuned"
    ),
    name: Annotated[str | None, typer.Option("--name", help="Of the adapter; default: the folder's.")] = None,
    prepared: Annotated[
        list[Path] | None, typer.Option("--prepared", help="Examples prepared before, over other indexes.")
    ] = None,
    only_prepare: Annotated[bool, typer.Option("--prepare-only", help="Make the examples and stop.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Prepare again although it was done.")] = False,
    method: Annotated[str, typer.Option("--method", help="implicit, or reasoning before the answer.")] = "implicit",
    targets: Annotated[
        str, typer.Option("--targets", help="written answers, the evidence quoted, or self: the model's own good ones.")
    ] = "written",
    errors_of: Annotated[
        Path | None, typer.Option("--errors-of", help="Adapter whose errors on the examples are trained on once more.")
    ] = None,
    negatives: Annotated[str, typer.Option("--negatives", help="mixed, hybrid, lexical, dense or random.")] = "mixed",
    passages: Annotated[str, typer.Option("--passages", help="Evidence sentences in a prompt, one drawn each.")] = (
        "1,3,5"
    ),
    abstain: Annotated[bool, typer.Option("--abstain", help="Train on unanswerable questions, too.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Keep the worked example in the prompt.")] = False,
    template: Annotated[bool, typer.Option("--template/--no-template", help="Use the chat template.")] = True,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the examples.")] = 2,
    steps: Annotated[int, typer.Option("--steps", min=0, help="At most that many; 0: all.")] = 0,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Highest learning rate.")] = 2e-4,
    rank: Annotated[int, typer.Option("--rank", min=1, help="Rank of the LoRA matrices.")] = 16,
    dropout: Annotated[float, typer.Option("--dropout", min=0, max=0.9, help="On their input.")] = 0.05,
    batch_tokens: Annotated[int, typer.Option("--batch-tokens", min=1, help="Tokens in a step.")] = 1024,
    held_out: Annotated[
        float, typer.Option("--held-out", min=0, max=0.9, help="Share of the papers not trained on.")
    ] = 0.1,
    measured: Annotated[int, typer.Option("--measured", min=0, help="Held-out examples answered.")] = 40,
    every: Annotated[int, typer.Option("--every", min=1, help="Steps between checkpoints.")] = 50,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    index: options.Index = None,
    model: options.Model = None,
    ordering: options.Ordering = None,
    evidence_tokens: options.EvidenceTokens = None,
    embedding_model: options.EmbeddingModel = None,
    device: options.Device = None,
    cache: options.Cache = None,
    as_json: options.Json = False,
) -> None:
    """RAG fine-tuning: a LoRA adapter that reads the evidence as it will be handed out."""
    from rag.tuning.job import job_of
    from ui import tuning

    config = options.load(
        index=index,
        model=model,
        ordering=ordering,
        evidence_tokens=evidence_tokens,
        embedding_model=embedding_model,
        device=device,
        cache=cache,
    )
    plan = {
        "method": method, "targets": targets, "negatives": negatives, "passages": passages, "abstain": abstain,
        "example": example, "template": template, "ordering": config.ordering, "seed": seed,
    }  # fmt: skip
    recipe = {
        "epochs": epochs, "steps": steps, "learning_rate": learning_rate, "rank": rank, "alpha": 2 * rank,
        "dropout": dropout, "batch_tokens": batch_tokens, "seed": seed,
    }  # fmt: skip
    job = job_of(
        output, name or "", questions or [], prepared or [], plan, recipe,
        held_out=held_out, measured=measured, every=every, resume=resume, fresh=fresh, only_prepare=only_prepare,
        errors_of=errors_of,
    )  # fmt: skip
    tuning.tune(config, job, as_json)


@papers_app.command("list")
def papers_list(index: options.Index = None, as_json: options.Json = False) -> None:
    """Every paper, newest first."""
    from ui import collection

    collection.list_papers(options.load(index=index), as_json)


@papers_app.command("show")
def papers_show(paper_id: str, index: options.Index = None, as_json: options.Json = False) -> None:
    """One paper's whole record."""
    from ui import collection

    collection.show_paper(options.load(index=index), paper_id, as_json)


@papers_app.command("delete")
def papers_delete(paper_ids: list[str], index: options.Index = None, as_json: options.Json = False) -> None:
    """Remove papers from the index."""
    from ui import collection

    collection.delete_papers(options.load(index=index), paper_ids, as_json)


@app.command()
def status(index: options.Index = None, as_json: options.Json = False) -> None:
    """The index: where it is, what built it, what it holds."""
    from ui import collection

    collection.show_status(options.load(index=index), as_json)


@app.command()
def doctor(
    index: options.Index = None,
    model: options.Model = None,
    adapter: options.Adapter = None,
    embedding_model: options.EmbeddingModel = None,
    cache: options.Cache = None,
    as_json: options.Json = False,
) -> None:
    """What on this machine is ready or missing, and the command that mends it."""
    from ui import doctor as checks

    config = options.load(index=index, model=model, adapter=adapter, embedding_model=embedding_model, cache=cache)
    findings = checks.examine(config)
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        for finding in findings:
            say(finding.line())
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(1)


def _one_or_many(what: str, one: str | None, many: Path | None, output: Path | None) -> None:
    """One is printed; a file of them is answered into a file."""
    if (one is None) == (many is None):
        raise UsageError(f"Give either a {what} or --input FILE.")
    if many is not None and output is None:
        raise UsageError("--input needs --output FILE.")
    if many is None and output is not None:
        raise UsageError(f"--output is for a file of them. Give --input FILE, or print one {what} with --json.")


@functools.cache  # reading the options of all commands takes a fifth of a second
def _command() -> Callable[..., int | None]:
    """All commands, with those of other packages: entry points, because `eval` and `ui` never import each other."""
    for point in entry_points(group=PLUGINS):
        app.add_typer(point.load(), name=point.name)
    return typer.main.get_command(app)


def main() -> None:
    """Runs the command; the outermost surface, where every error becomes one sentence."""
    debug = "--debug" in sys.argv
    if debug:  # works after the command as well as before it
        sys.argv = [sys.argv[0], "--debug", *(argument for argument in sys.argv[1:] if argument != "--debug")]
    try:
        sys.exit(_command()(standalone_mode=False) or 0)
    except typer.Abort:
        _fail("Stopped.", 130)
    except KeyboardInterrupt:
        _fail("Stopped.", 130)
    except BrokenPipeError:
        sys.exit(1)
    except typer.TyperException as error:
        # No command at all is answered with the help page.
        told = str(error)
        _fail(told if told.startswith("Usage:") else f"Error: {told} See 'paperchat --help'.", 2)
    except PaperchatError as error:
        if debug:
            raise
        _fail(f"Error: {error}", 2 if isinstance(error, UsageError) else 1)
    except Exception as error:
        if debug:
            raise
        _fail(
            f"Error: something unexpected went wrong ({type(error).__name__}: {error}). "
            "Run the command with --debug and report what it shows.",
            1,
        )


def _fail(message: str, code: int) -> NoReturn:
    say(message, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
