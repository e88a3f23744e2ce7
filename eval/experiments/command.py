"""One experiment from the options to its report folder: load, sample, plan, read, analyse, write."""

from __future__ import annotations

import functools
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval import indexes
from eval.experiments import context_size, hard_negatives, order, position
from eval.experiments.beside import Earlier, beside, earlier
from eval.experiments.contexts import BASELINES
from eval.experiments.cost import affordable, pace
from eval.experiments.experiment import Experiment, Options, Plan
from eval.experiments.items import MEANINGS, NAMES, Item, Measure, Task
from eval.experiments.load import load, sampled
from eval.experiments.page import experiment_report
from eval.experiments.readers import QUOTES, ModelReader, QuoteReader, Reader
from eval.experiments.runner import RESULTS, Bar, Row, kept, run_trials
from eval.experiments.search import Search
from eval.experiments.summary import analyse, reader_told
from rag import build
from rag.config import Config, without_password
from rag.errors import UsageError

EXPERIMENTS = {one.EXPERIMENT.name: one.EXPERIMENT for one in (context_size, hard_negatives, order, position)}
LIMIT = 200
"""Questions, where nobody names a number and the reader is fast enough for all of them."""
READERS = ("model", QUOTES)


@dataclass(frozen=True, slots=True)
class Console:
    """How a run speaks to its user, on standard error."""

    tell: Callable[[str], None]
    items: Callable[[Iterable[Item]], Iterable[Item]]
    tokens: Callable[[int], AbstractContextManager[Bar]]


def console() -> Console:
    """Progress bars and messages of a terminal."""
    from tqdm import tqdm

    def tell(message: str) -> None:
        tqdm.write(message, file=sys_stderr())

    def items(given: Iterable[Item]) -> Iterator[Item]:
        yield from tqdm(given, desc="Choosing passages")

    def tokens(total: int) -> AbstractContextManager[Bar]:
        opened: AbstractContextManager[Bar] = tqdm(total=total, desc="Reading", unit="", unit_scale=True)
        return opened

    return Console(tell, items, tokens)


def sys_stderr() -> Any:
    """Standard error as it is now, not as it was when this module was imported."""
    import sys

    return sys.stderr


def run(name: str, options: Options, config: Config, shown: Console) -> dict[str, Any]:
    """Runs an experiment and writes its report folder.

    Returns:
        What `NAME.json` holds.

    Raises:
        UsageError: The options do not fit the data, or the folder cannot be written.
        SourceError: The data cannot be read.
        PaperIndexError: The index cannot be opened or written.
        ModelError: A model cannot be loaded.
        GenerationError: The model failed; run it again to go on.
    """
    experiment = EXPERIMENTS[name]
    if options.reader not in READERS:
        raise UsageError(f"Unknown reader {options.reader!r}. Choose {' or '.join(READERS)}.")
    own = functools.cache(lambda: indexes.open_collection(config))
    task = load(options.data, options.split, indexes.cache_folder(config.cache), lambda: own().index)
    if options.beside and options.beside.expanduser().resolve() == options.report.expanduser().resolve():
        raise UsageError("--beside is the report folder itself. Give the folder of another reader's run.")
    items: Sequence[Item] = sampled(task, options.limit or (None if options.beside else LIMIT), options.seed)
    search = Search(task, config, own)
    plan = experiment.plan(task, items, search, options, shown.items)
    reader = _reader(task, search, options, config)
    measure: Measure = "attribution" if options.reader == QUOTES and task.measure == "label" else task.measure
    settings = _settings(experiment, task, measure, options, config, reader)
    other = earlier(options.beside, settings, plan.trials) if options.beside else None
    if options.fresh:
        (options.report / RESULTS).unlink(missing_ok=True)
    # Measured once, so that the same command takes the same questions when it goes on.
    before = kept(options.report / RESULTS, settings)
    before = replace(before, slower=before.slower or pace(plan.trials, reader))
    if options.limit is None:
        items = other.read_of(items) if other else affordable(plan.trials, items, reader, before.slower)
        taken = {item.id for item in items}
        plan = replace(plan, trials=tuple(trial for trial in plan.trials if trial.item.id in taken))
    rows = run_trials(plan.trials, reader, measure, options.report, before, shown.tokens, shown.tell)
    return _finish(experiment, task, items, plan, rows, reader, measure, settings, options, other)


def _reader(task: Task, search: Search, options: Options, config: Config) -> Reader:
    if options.reader == QUOTES:
        return QuoteReader(search)
    generator = build.build_generator(config)
    return ModelReader(generator, task.measure, new_tokens=options.new_tokens, instruction=options.instruction)


def _settings(
    experiment: Experiment, task: Task, measure: Measure, options: Options, config: Config, reader: Reader
) -> dict[str, Any]:
    """What a single result depends on. How many questions and which sizes does not belong here: those can grow."""
    return {
        "experiment": experiment.name,
        "data": task.name,
        "measure": measure,
        "reader": reader.name,
        "model": without_password(config.model) if options.reader != QUOTES else "",
        "adapter": build.adapter_digest(config) if options.reader != QUOTES else "",
        "embedding_model": build.embedding_name(config),
        "new_tokens": reader.new_tokens,
        "instruction": options.instruction,
        "seed": options.seed,
    }


def _finish(
    experiment: Experiment,
    task: Task,
    items: Sequence[Item],
    plan: Plan,
    rows: Sequence[Row],
    reader: Reader,
    measure: Measure,
    settings: dict[str, Any],
    options: Options,
    before: Earlier | None,
) -> dict[str, Any]:
    from eval.report import write_html

    places = list(dict.fromkeys((row.series, row.x) for row in rows if row.fits and row.series not in BASELINES))
    analysis = analyse(rows, experiment.pairs(places), len(task.items))
    findings = experiment.findings(analysis, NAMES[measure])
    told = reader_told(analysis, reader.name)
    other = beside(rows, reader.name, before, experiment.pairs) if before else None
    result: dict[str, Any] = {
        "experiment": experiment.name,
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "data": task.name,
        "reader": reader.name,
        "device": reader.device,
        "context": reader.context_tokens,
        "measure": measure,
        "measure_meaning": MEANINGS[measure],
        "questions": len({row.item for row in rows}),
        "available": len(task.items),
        "read": sum(row.fits for row in rows),
        "unfit": sum(not row.fits for row in rows),
        "minutes": sum(row.seconds for row in rows) / 60,
        "settings": settings,
        "notes": [*plan.notes, *([task.note] if task.note else [])],
        "verdicts": [*findings.verdicts, *([told] if told else []), *(other.verdicts() if other else ())],
        **analysis.as_dict(),
        "beside": other.as_dict() if other else None,
    }
    _write(options.report / f"{experiment.name}.json", result)
    write_html(experiment_report(experiment, result, analysis, findings, items, other), options.report / "report.html")
    return result


def _write(path: Path, result: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}). Check the --report folder.") from error


def terminal_table(result: dict[str, Any]) -> str:
    """The conditions in plain text, for a terminal."""
    rows = [("condition", "n", "quality", "95 % interval", "recall", "precision")]
    for name, found in result["baselines"].items():
        rows.append((name, str(found["n"]), f"{found['value']:.3f}", _span(found), "", ""))
    for c in result["conditions"]:
        quality = c["quality"]
        rows.append((
            f"{c['series']}, {c['x']}",
            str(quality["n"]) if quality else "0",
            f"{quality['value']:.3f}" if quality else "does not fit",
            _span(quality) if quality else "",
            f"{c['recall']['value']:.3f}",
            f"{c['precision']['value']:.3f}",
        ))  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    width = shutil.get_terminal_size((100, 24)).columns
    return "\n".join([*(line[:width] if width > 60 else line for line in lines), "", *result["verdicts"]])


def _span(found: dict[str, float]) -> str:
    return f"{found['low']:.3f} to {found['high']:.3f}"
