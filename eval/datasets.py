"""What a retrieval evaluation asks and what counts as found: BEIR folders and `ir_datasets`.

Questions made from a collection without labels are in `eval.known_items`.
"""

from __future__ import annotations

import heapq
import importlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from eval.trec import Qrels, numbered_lines, read_qrels
from rag.errors import SourceError, UsageError
from rag.files import whole_text

log = logging.getLogger(__name__)

Progress = Callable[[str, Iterable[Any], int], Iterator[Any]]
"""Wraps a loop in a progress bar: what it does, the items, how many (0: unknown)."""

IR_DATASETS = "ir_datasets:"
# The label of a query that no document answers, as clapnq has it.
UNANSWERABLE = "unanswerable"
# The usual place of the split that a paper reports, when none is named.
SPLIT = "test"


@dataclass(frozen=True)
class Dataset:
    """Questions with judgements.

    Attributes:
        name: As the user gave it.
        split: Part of the data set; empty where it has none.
        queries: Text by query id; exactly the judged ones, in the order of their file.
        qrels: Relevance by document id by query id.
        corpus: A BEIR corpus to ingest; `None`: an index that exists already.
        note: What a reader must know about these questions.
    """

    name: str
    split: str
    queries: Mapping[str, str]
    qrels: Qrels
    corpus: Path | None
    note: str = ""


def load(name: str, split: str | None, cache: Path, progress: Progress, *, corpus: bool = True) -> Dataset:
    """A BEIR folder, or `ir_datasets:NAME`.

    Args:
        name: The folder or the name.
        split: Which judgements of the folder, `test` where it is `None`; `ir_datasets` names hold theirs.
        cache: Where a downloaded corpus is kept as a BEIR corpus.
        progress: See `Progress`.
        corpus: Is the corpus wanted? Without it, the folder need not hold one.

    Raises:
        UsageError: There is no such data set or split.
        SourceError: A file is not in its format, or cannot be had.
    """
    if name.startswith(IR_DATASETS):
        if split is not None:
            raise UsageError(f"--split is for BEIR folders. Name the split in the data set: {name}/{split}.")
        return _from_ir_datasets(name.removeprefix(IR_DATASETS), cache, progress, corpus)
    return _from_beir(Path(name).expanduser(), split or SPLIT, corpus)


def sampled(dataset: Dataset, count: int) -> Dataset:
    """The same data set with `count` of its queries, drawn by hash of their ids: always the same ones."""
    chosen = set(heapq.nsmallest(count, dataset.queries, key=hashed))
    return replace(
        dataset,
        queries={query: text for query, text in dataset.queries.items() if query in chosen},
        qrels={query: judged for query, judged in dataset.qrels.items() if query in chosen},
    )


def hashed(text: str) -> str:
    """A key that orders ids in a way that has nothing to do with them and never changes."""
    return sha256(text.encode()).hexdigest()


def write_questions(dataset: Dataset, folder: Path) -> None:
    """Questions and judgements as a BEIR folder, to be read, corrected and asked again with `--index`.

    Raises:
        UsageError: The folder cannot be written.
    """
    try:
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        rows = [json.dumps({"_id": q, "text": text}, ensure_ascii=False) for q, text in dataset.queries.items()]
        (folder / "queries.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
        judged = [f"{q}\t{d}\t{value}" for q, documents in dataset.qrels.items() for d, value in documents.items()]
        lines = ["query-id\tcorpus-id\tscore", *judged]
        (folder / "qrels" / f"{SPLIT}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}). Check the folder.") from error


# --- BEIR ---------------------------------------------------------------------------------------


def _from_beir(folder: Path, split: str, with_corpus: bool) -> Dataset:
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {folder}. Give a BEIR folder (corpus.jsonl, queries.jsonl, qrels/), "
            f"{IR_DATASETS}NAME, or --known-items N for questions made from your own index."
        )
    qrels_file = folder / "qrels" / f"{split}.tsv"
    if not qrels_file.is_file():
        there = sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))
        remedy = f"Choose --split {' or '.join(there)}." if there else "A BEIR folder has them in qrels/SPLIT.tsv."
        raise UsageError(f"{folder} has no judgements for the split {split!r}. {remedy}")
    corpus = beir_file(folder, "corpus") if with_corpus else None
    queries_file = beir_file(folder, "queries")
    qrels = read_qrels(qrels_file)
    queries = {query: text for query, text in _beir_queries(queries_file) if query in qrels}
    return _matched(str(folder), split, queries, qrels, corpus, queries_file)


def beir_file(folder: Path, stem: str) -> Path:
    """`STEM.jsonl` or `STEM.jsonl.gz` of a BEIR folder.

    Raises:
        SourceError: It has neither.
    """
    for ending in (".jsonl", ".jsonl.gz"):
        if (folder / f"{stem}{ending}").is_file():
            return folder / f"{stem}{ending}"
    raise SourceError(f"{folder} has no {stem}.jsonl and no {stem}.jsonl.gz. A BEIR folder needs one.")


def _beir_queries(path: Path) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for number, line in numbered_lines(path):
        try:
            row = json.loads(line)
            query, text = str(row["_id"]), row["text"]
        except (ValueError, KeyError, TypeError) as error:
            text = None
            query = str(error)
        if not isinstance(text, str):
            raise SourceError(f'{path}, line {number}: not a query. A line looks like {{"_id": "1", "text": "..."}}.')
        if query in seen:
            raise SourceError(f"{path}, line {number}: the id {query!r} is there twice. Give every query its own.")
        seen.add(query)
        yield query, text


def _matched(
    name: str, split: str, queries: dict[str, str], qrels: Qrels, corpus: Path | None, where: object
) -> Dataset:
    """Judgements in the order of the queries; a judged query without a text cannot be asked."""
    textless = [query for query in qrels if query not in queries]
    if textless:
        raise SourceError(
            f"{len(textless)} of {len(qrels)} judged queries are not in {where}, as {textless[0]!r}. "
            "Check that queries and judgements belong together."
        )
    barren = sum(all(value <= 0 for value in judged.values()) for judged in qrels.values())
    if barren:
        log.warning("%s: %d of %d queries have no relevant document; they count as zero", name, barren, len(qrels))
    return Dataset(name, split, queries, {query: qrels[query] for query in queries}, corpus)


# --- ir_datasets --------------------------------------------------------------------------------


def _from_ir_datasets(name: str, cache: Path, progress: Progress, with_corpus: bool) -> Dataset:
    try:
        library: Any = importlib.import_module("ir_datasets")
    except ImportError as error:
        raise UsageError(
            f"{IR_DATASETS}{name} needs the package ir_datasets, which is not installed. Run: pip install ir_datasets"
        ) from error
    try:
        source = library.load(name)
    except KeyError as error:
        raise UsageError(
            f"ir_datasets knows no data set {name!r}. Names are on https://ir-datasets.com, as in beir/scifact/test."
        ) from error
    for part in ("docs", "queries", "qrels"):
        if not getattr(source, f"has_{part}")():
            raise UsageError(f"{name!r} has no {part}. Name a subset that has judgements, as in beir/scifact/test.")
    try:
        qrels: Qrels = {}
        for judgement in source.qrels_iter():
            qrels.setdefault(judgement.query_id, {})[judgement.doc_id] = int(judgement.relevance)
        queries = {query.query_id: _text_of(query) for query in source.queries_iter() if query.query_id in qrels}
        corpus = _written_corpus(name, source, cache, progress) if with_corpus else None
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors; its own are RuntimeErrors
        raise SourceError(
            f"{name!r} could not be fetched ({type(error).__name__}). It is downloaded on first use: check the "
            "network, or give a BEIR folder."
        ) from error
    return _matched(f"{IR_DATASETS}{name}", "", queries, qrels, corpus, "its queries")


def _text_of(record: Any) -> str:
    """The text that stands for a query or document, whatever its fields are called."""
    default = getattr(record, "default_text", None)
    if callable(default):
        return str(default())
    for field in ("text", "abstract", "body", "title", "query"):
        if isinstance(value := getattr(record, field, None), str):
            return value
    return " ".join(value for value in tuple(record)[1:] if isinstance(value, str))


def _written_corpus(name: str, source: Any, cache: Path, progress: Progress) -> Path:
    """The documents as a BEIR corpus that `ingest` reads, written once."""
    path = cache / "ir_datasets" / name.replace("/", "--") / "corpus.jsonl"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_text(path) as lines:
        for document in progress("Fetching documents", source.docs_iter(), source.docs_count() or 0):
            title = getattr(document, "title", None) or ""
            body = getattr(document, "text", None) or getattr(document, "abstract", None) or _text_of(document)
            row = {"_id": document.doc_id, "title": title, "text": body}
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path
