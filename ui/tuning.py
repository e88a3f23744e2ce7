"""`paperchat tune`: progress, Ctrl-C, and what came of it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import typer

from rag.config import Config
from rag.tuning.evaluate import Measured
from rag.tuning.run import Job, Outcome, run
from rag.tuning.train import Progress, Watch
from ui import texts
from ui.printing import print_json

# As after any other Ctrl-C.
STOPPED = 130


def tune(config: Config, job: Job, as_json: bool) -> None:
    """Prepares, trains, and prints what it brought."""
    outcome = run(job, config, _bar, _watching)
    if as_json:
        print_json(asdict(outcome))
    else:
        typer.echo(_prepared(job, outcome))
        if outcome.trained is not None:
            _print_trained(job, outcome)
    if outcome.trained and outcome.trained.step < outcome.trained.steps:
        raise typer.Exit(STOPPED)


def _print_trained(job: Job, outcome: Outcome) -> None:
    trained = outcome.trained
    assert trained is not None
    if trained.step < trained.steps:
        typer.echo(texts.TUNE_STOPPED.format(step=trained.step, steps=trained.steps, folder=job.output))
        return
    if trained.held_out:
        typer.echo(texts.TUNE_LOSS.format(**trained.held_out))
    if outcome.before and outcome.after:
        typer.echo(table(outcome.before, outcome.after))
    typer.echo(texts.TUNE_DONE.format(folder=job.output))


def table(before: Measured, after: Measured) -> str:
    """Untuned beside tuned."""
    lines = [texts.TUNE_TABLE]
    for name, meaning in texts.TUNE_MEASURES.items():
        lines.append(f"{meaning:<48} {getattr(before, name):>8.2f} {getattr(after, name):>8.2f}")
    return "\n".join(lines)


def _prepared(job: Job, outcome: Outcome) -> str:
    told = texts.TUNE_EXAMPLES.format(examples=outcome.examples, held_out=outcome.held_out)
    if outcome.skipped.not_in_index:
        told += texts.TUNE_NOT_IN_INDEX.format(count=outcome.skipped.not_in_index)
    if outcome.skipped.unanswerable:
        told += texts.TUNE_UNANSWERABLE.format(count=outcome.skipped.unanswerable)
    if outcome.skipped.self_written:
        told += texts.TUNE_SELF.format(count=outcome.skipped.self_written)
    if outcome.errors:
        told += texts.TUNE_ERRORS.format(count=outcome.errors, adapter=job.errors_of)
    if outcome.too_long:
        told += texts.TUNE_TOO_LONG.format(count=outcome.too_long)
    return told


def _bar(what: str, items: Iterable[Any], count: int) -> Iterable[Any]:
    from tqdm import tqdm

    bar: Iterable[Any] = tqdm(items, desc=what, total=count, unit="")
    return bar


@contextmanager
def _watching() -> Iterator[Watch]:
    """A progress bar; Ctrl-C once finishes the step and keeps it, twice stops at once."""
    from tqdm import tqdm

    asked: list[int] = []

    def interrupted(number: int, frame: object) -> None:
        del frame
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        tqdm.write(texts.TUNE_STOPPING, file=sys.stderr)

    with tqdm(desc="Training", unit=" tokens", unit_scale=True, smoothing=0.1) as bar:

        def stepped(progress: Progress) -> None:
            bar.total = progress.all_tokens
            bar.set_postfix_str(f"step {progress.step}/{progress.steps}, loss {progress.loss:.3f}", refresh=False)
            bar.update(progress.tokens - bar.n)

        before = signal.signal(signal.SIGINT, interrupted)
        try:
            yield Watch(stepped, lambda: bool(asked))
        finally:
            signal.signal(signal.SIGINT, before)
