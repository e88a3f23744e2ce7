"""Measures refusals: asks questions that a collection answers and questions that it does not.

    cases -> Decision* (score, refused, right) -> selective.summary -> refusal.json, report.html, questions.tsv

Where questions come from is in `eval.refusal_cases`, what is measured in `eval.selective`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval import indexes, refusal_cases, selective
from eval.indexes import Collection
from eval.refusal_cases import Case, PartialIndex
from eval.retrieval import progress
from eval.selective import Decision
from rag import build
from rag.config import Config
from rag.errors import UsageError
from rag.files import whole_text

RESULT = "refusal.json"
FORMAT = "paperchat-refusal-1"


@dataclass(frozen=True)
class Options:
    """What is to be measured.

    Attributes:
        source: A file of questions, or a BEIR folder.
        report: Folder to write.
        split: Which judgements of a BEIR folder.
        unanswerable: A file of further questions that no paper answers.
        leave_gold_out: Ask each answerable question once more without its gold papers; `None`: where there is no
            other unanswerable question.
        limit: At most so many questions of each sort, answerable and not.
        own_index: Search `Config.index` instead of ingesting the folder's corpus.
        generate: The language model writes; else the abstracts are quoted.
    """

    source: Path
    report: Path
    split: str | None = None
    unanswerable: Path | None = None
    leave_gold_out: bool | None = None
    limit: int | None = None
    own_index: bool = False
    generate: bool = False


def run(options: Options, config: Config) -> dict[str, Any]:
    """Measures and writes the report folder.

    Returns:
        What `refusal.json` holds.

    Raises:
        UsageError: The options do not fit together.
        SourceError: A file cannot be read.
        PaperIndexError: The index cannot be opened or written.
        ModelError: A model cannot be loaded.
    """
    cases, corpus = _cases(options, config)
    collection = _collection(options, config, corpus)
    index = PartialIndex(collection.index)
    generator = build.build_generator(config) if options.generate else None
    pipeline = build.assemble(refusal_cases.forced(collection.config), index, collection.embedder, generator)
    decisions = refusal_cases.decided(cases, index, pipeline, config.refuse_below, progress)
    result = summarise(str(options.source), decisions, config.refuse_below)
    result["index"] = {"papers": collection.index.identity().papers, "embedding_model": collection.embedder.name}
    result["model"] = pipeline.model
    write(result, cases, decisions, options.report)
    return result


def _cases(options: Options, config: Config) -> tuple[list[Case], Path | None]:
    if options.source.is_dir():
        cache = indexes.cache_folder(config.cache)
        cases, corpus = refusal_cases.from_beir(options.source.expanduser(), options.split, progress, cache)
    else:
        if options.split is not None:
            raise UsageError("--split is for BEIR folders. Leave it out for a file of questions.")
        cases, corpus = refusal_cases.from_questions(options.source.expanduser()), None
    if options.unanswerable is not None:
        cases += refusal_cases.unanswerable(options.unanswerable.expanduser())
    if options.leave_gold_out is False and all(case.gold for case in cases):
        raise UsageError("Every question is answerable. Leave out the gold papers, or give --unanswerable FILE.")
    added = options.leave_gold_out or (options.leave_gold_out is None and all(case.gold for case in cases))
    if options.limit is not None:
        cases = refusal_cases.sampled(cases, options.limit)
    cases += refusal_cases.without_gold(cases) if added else []
    if not cases:
        raise UsageError(f"{options.source} holds no question. Write one JSON object a line.")
    return cases, corpus


def _collection(options: Options, config: Config, corpus: Path | None) -> Collection:
    if corpus is None or options.own_index:
        return indexes.open_collection(config)
    from tqdm import tqdm

    return indexes.ingested(corpus, config, tqdm)


def summarise(source: str, decisions: Sequence[Decision], threshold: float) -> dict[str, Any]:
    """Everything that is written down: overall, and refusals by kind of question."""
    kinds = dict.fromkeys(decision.kind for decision in decisions)
    by_kind = {kind: selective.counts([d for d in decisions if d.kind == kind]) for kind in kinds}
    return {
        "format": FORMAT,
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "source": source,
        **selective.summary(decisions, threshold),
        "by_kind": by_kind,
        "rows": [asdict(decision) for decision in decisions],
    }


def write(result: Mapping[str, Any], cases: Sequence[Case], decisions: Sequence[Decision], folder: Path) -> None:
    """Writes `refusal.json`, `report.html` and `questions.tsv`.

    Raises:
        UsageError: The folder cannot be written.
    """
    from eval.refusal_report import refusal_report
    from eval.report import write_html

    columns = ("id", "kind", "answerable", "score", "refused", "by_rule", "right", "question")
    lines = ["\t".join(columns)]
    for case, d in zip(cases, decisions, strict=True):
        flags = (d.is_refused, d.by_rule, d.is_right)
        cells = [d.id, d.kind, str(int(d.is_answerable)), f"{d.score:.4f}", *(str(int(flag)) for flag in flags)]
        lines.append("\t".join([*(" ".join(cell.split()) for cell in cells), " ".join(case.text.split())]))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (
            (RESULT, json.dumps(result, ensure_ascii=False, indent=1)),
            ("questions.tsv", "\n".join(lines) + "\n"),
        ):
            with whole_text(folder / name) as file:
                file.write(text)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}). Check the --report folder.") from error
    write_html(refusal_report(result), folder / "report.html")


def terminal_table(result: Mapping[str, Any]) -> str:
    """The measures for a terminal."""
    counts = result["counts"]
    lines = [
        f"{counts['questions']} questions: {counts['answerable']} answerable ({counts['refused_wrong']} refused), "
        f"{counts['unanswerable']} unanswerable ({counts['refused_right']} refused); "
        f"threshold {result['threshold']:g}",
        "",
    ]
    lines += [f"{name:<15}{m['value']:.3f} [{m['low']:.3f}, {m['high']:.3f}]" for name, m in result["measures"].items()]
    best = result["best_threshold"]
    if best is not None:
        lines += ["", f"Best on these very questions (recall less wrong refusals): threshold {best:g}"]
    return "\n".join(lines)
