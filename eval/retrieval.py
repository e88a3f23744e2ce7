"""Measures retrieval: runs configurations over questions with judgements and writes the report.

    questions -> System (run, milliseconds)* -> Values* -> Comparison* -> retrieval.json, report.html, ...

Configurations are in `eval.systems`, data sets in `eval.datasets`, measures in `eval.metrics`.
"""

from __future__ import annotations

import json
import logging
import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval import datasets, indexes, metrics, systems
from eval.compare import FORMAT, RESULT, compare
from eval.datasets import Dataset
from eval.indexes import Collection
from eval.known_items import KINDS, held_out_corpus, known_items
from eval.metrics import Values
from eval.stats import interval
from eval.systems import System, run_system
from eval.trec import Run, read_run, write_run
from rag.config import Config
from rag.errors import UsageError
from rag.pipeline import MAX_QUESTION

log = logging.getLogger(__name__)

DEPTH = 100
"""Papers asked of every configuration, unless a measure looks further down."""
RECALL_AT = (1, 2, 3, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Options:
    """What is to be measured.

    Attributes:
        dataset: A BEIR folder or `ir_datasets:NAME`; `None`: known items of the index.
        split: Which judgements of the folder.
        configs: Built-in configurations, by name.
        runs: Saved runs, by the name they get.
        measures: Names that ir_measures understands.
        baseline: What the others are compared with; `None`: `rrf` where it takes part, else the first.
        known_items: How many questions to make from the index.
        questions: Of which kind (`eval.known_items.KINDS`).
        limit: At most so many of the data set's queries; `None`: all.
        own_index: Search `Config.index` instead of ingesting the data set's corpus.
        fresh: Ingest although an index of this corpus is kept.
        report: Folder to write.
    """

    report: Path
    dataset: str | None = None
    split: str | None = None
    configs: Sequence[str] = tuple(systems.MEANINGS)
    runs: Mapping[str, Path] = field(default_factory=dict)
    measures: Sequence[str] = metrics.DEFAULT_MEASURES
    baseline: str | None = None
    known_items: int | None = None
    questions: str = "sentence"
    limit: int | None = None
    own_index: bool = False
    fresh: bool = False


def progress(what: str, items: Iterable[Any], total: int) -> Iterator[Any]:
    """A progress bar on standard error around a loop."""
    from tqdm import tqdm

    yield from tqdm(items, desc=what, total=total or None, smoothing=0.1)


def run(options: Options, config: Config) -> dict[str, Any]:
    """Measures and writes the report folder.

    Returns:
        What `retrieval.json` holds.

    Raises:
        UsageError: The options do not fit together.
        SourceError: A file cannot be read.
        PaperIndexError: The index cannot be opened or written.
        ModelError: A model cannot be loaded.
    """
    measures = metrics.parse(options.measures)
    baseline = _baseline(options)
    saved = {name: read_run(path) for name, path in options.runs.items()}
    dataset, collection = _prepare(options, config)
    _check_runs(saved, options, dataset)
    depth = max([DEPTH, *(metrics.cutoff(measure) for measure in measures)])
    embedding = None
    measured: list[System] = []
    if collection is not None:
        queries = {query: text.strip()[:MAX_QUESTION] for query, text in dataset.queries.items()}
        _check_relevant(dataset, collection)
        embedding = indexes.embed_queries(collection, queries, progress)
        available = systems.searches(collection)
        measured = [run_system(name, available[name], queries, depth, progress) for name in options.configs]
    measured += [System(name, f"the run {options.runs[name]}", found) for name, found in saved.items()]
    result = summarise(dataset, measured, measures, baseline, depth)
    result |= {
        "index": _identity(collection),
        "query_embedding_ms": systems.percentiles(embedding) if embedding else None,
    }
    write(result, dataset, measured, options.report)
    return result


def _baseline(options: Options) -> str:
    taking_part = [*options.configs, *options.runs]
    if not taking_part:
        raise UsageError("Nothing is to be measured. Name --configs, or a saved --run NAME=FILE.")
    twice = set(options.configs) & options.runs.keys()
    if twice:
        raise UsageError(f"Two runs are called {twice.pop()!r}. Give the saved one another name.")
    default = systems.BASELINE if systems.BASELINE in taking_part else taking_part[0]
    if (options.baseline or default) not in taking_part:
        raise UsageError(f"The baseline {options.baseline!r} does not take part. Choose from {', '.join(taking_part)}.")
    return options.baseline or default


def _prepare(options: Options, config: Config) -> tuple[Dataset, Collection | None]:
    """The questions, and the index to ask them of (none where only saved runs are measured)."""
    if (options.dataset is None) == (options.known_items is None):
        raise UsageError("Give either a data set (a BEIR folder or ir_datasets:NAME) or --known-items N.")
    if options.questions != "sentence" and options.known_items is None:
        raise UsageError("--questions and --write-questions choose known-item questions. Give --known-items N too.")
    if options.questions not in KINDS:
        raise UsageError(f"Unknown kind of question {options.questions!r}. Choose one of {', '.join(KINDS)}.")
    if options.dataset is None:
        return _known_items(options, config)
    wants_corpus = bool(options.configs) and not options.own_index
    dataset = datasets.load(
        options.dataset, options.split, indexes.cache_folder(config.cache), progress, corpus=wants_corpus
    )
    if options.limit is not None:
        dataset = datasets.sampled(dataset, options.limit)
    collection: Collection | None = None
    if dataset.corpus is not None:
        from tqdm import tqdm

        collection = indexes.ingested(dataset.corpus, config, tqdm, fresh=options.fresh)
    elif options.configs:
        collection = indexes.open_collection(config)
    return dataset, collection


def _known_items(options: Options, config: Config) -> tuple[Dataset, Collection]:
    from rag import build

    kind = options.questions
    collection = indexes.open_collection(config)
    generator = build.build_generator(config) if kind == "model" else None
    dataset = known_items(collection.index, options.known_items or 0, progress, kind, generator)
    datasets.write_questions(dataset, options.report / "questions")
    if kind == "held-out":
        from tqdm import tqdm

        version = f"{collection.index.folder.resolve()} {collection.index.identity().version} {len(dataset.queries)}"
        folder = indexes.cache_folder(config.cache) / "held-out" / datasets.hashed(version)[:12]
        if not (folder / "corpus.jsonl").is_file():
            held_out_corpus(collection.index, dataset, folder)
        collection = indexes.ingested(folder / "corpus.jsonl", config, tqdm, fresh=options.fresh)
    return dataset, collection


def _check_runs(saved: Mapping[str, Run], options: Options, dataset: Dataset) -> None:
    for name, found in saved.items():
        if not found.keys() & dataset.qrels.keys():
            raise UsageError(
                f"The run {options.runs[name]} and {dataset.name} share no query id, as {next(iter(found))!r} and "
                f"{next(iter(dataset.qrels))!r}. Check that the run was made on this data set and split."
            )


def _check_relevant(dataset: Dataset, collection: Collection) -> None:
    """Relevant papers that the index lacks cannot be found; the reader of the log should know."""
    relevant = {d for judged in dataset.qrels.values() for d, value in judged.items() if value > 0}
    missing = relevant - collection.index.catalog.hashes(sorted(relevant)).keys()
    if relevant and len(missing) == len(relevant):
        raise UsageError(
            f"The index in {collection.config.index} holds none of the relevant papers of {dataset.name}. "
            "Give the --index that its corpus was ingested into, or leave --index out."
        )
    if missing:
        log.warning("%d of %d relevant papers are not in the index, as %s", len(missing), len(relevant), min(missing))


def summarise(
    dataset: Dataset, measured: Sequence[System], measures: Sequence[Any], baseline: str, depth: int
) -> dict[str, Any]:
    """Everything about the runs that is written down.

    Returns:
        `dataset`, `measures`, `baseline`, `systems` (values with 95 % intervals, milliseconds, queries without
        results), `comparisons` with the baseline, `recall_curve`, and `per_query` in the order of `queries`.
    """
    names = [str(measure) for measure in measures]
    curve = metrics.parse([f"R@{k}" for k in RECALL_AT if k <= depth])
    values = {system.name: metrics.evaluate(system.run, dataset.qrels, measures) for system in measured}
    recall = {system.name: metrics.evaluate(system.run, dataset.qrels, curve) for system in measured}
    others = [(system.name, baseline) for system in measured if system.name != baseline]
    return {
        "format": FORMAT,
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "dataset": {
            "name": dataset.name,
            "split": dataset.split,
            "queries": len(dataset.queries),
            "relevant": sum(value > 0 for judged in dataset.qrels.values() for value in judged.values()),
            "note": dataset.note,
        },
        "depth": depth,
        "measures": names,
        "baseline": baseline,
        "systems": [_system(system, values[system.name], dataset) for system in measured],
        "comparisons": [comparison.as_dict() for comparison in compare(values, others, names)],
        "recall_curve": {
            name: [{"k": metrics.cutoff(m), **_summary(found, str(m))} for m in curve] for name, found in recall.items()
        },
        "queries": list(dataset.qrels),
        "per_query": {
            name: {measure: [round(float(value), 6) for value in found.by_measure[measure]] for measure in names}
            for name, found in values.items()
        },
    }


def _system(system: System, values: Values, dataset: Dataset) -> dict[str, Any]:
    return {
        "name": system.name,
        "meaning": system.meaning,
        "measures": {measure: _summary(values, measure) for measure in values.by_measure},
        "ms": systems.percentiles(system.milliseconds) if system.milliseconds else None,
        "without_results": sum(not system.run.get(query) for query in dataset.queries),
    }


def _summary(values: Values, measure: str) -> dict[str, float]:
    low, high = interval(values.by_measure[measure])
    return {"value": values.mean(measure), "low": low, "high": high}


def _identity(collection: Collection | None) -> dict[str, Any] | None:
    if collection is None:
        return None
    identity, config = collection.index.identity(), collection.config
    return {
        "folder": str(config.index),
        "papers": identity.papers,
        "chunks": identity.chunks,
        "embedding_model": identity.embedding_model,
        "candidates": config.candidates,
        "dense_weight": config.dense_weight,
    }


def write(result: Mapping[str, Any], dataset: Dataset, measured: Sequence[System], folder: Path) -> None:
    """Writes `retrieval.json`, `report.html`, `queries.tsv` and `runs/NAME.trec`.

    Raises:
        UsageError: The folder cannot be written.
    """
    from eval.report import write_html
    from eval.retrieval_report import retrieval_report
    from eval.retrieval_text import per_query_table

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RESULT).write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
        (folder / "queries.tsv").write_text(per_query_table(result, dataset, measured), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}). Check the folder.") from error
    write_html(retrieval_report(result, dataset, measured), folder / "report.html")
    for system in measured:
        if system.milliseconds:
            write_run(system.run, folder / "runs" / f"{system.name}.trec", f"paperchat-{system.name}")
