"""`paperchat tune`: progress, Ctrl-C, and what came of it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import typer

from rag.config import Config
from rag.tuning.evaluate import Measured
from rag.tuning.run import Job, Outcome, run
from rag.tuning.train import Progress
from ui import texts
from ui.printing import print_json


def tune(config: Config, job: Job, as_json: bool) -> None:
    """Prepares, trains, and prints what it brought."""
    with _interrupts() as stopped:
        outcome = run(job, config, _bar, _training, stopped)
    if as_json:
        print_json(asdict(outcome))
        return
    typer.echo(_prepared(outcome))
    if outcome.trained is not None:
        _print_trained(job, outcome)


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


def _prepared(outcome: Outcome) -> str:
    told = texts.TUNE_EXAMPLES.format(examples=outcome.examples, held_out=outcome.held_out)
    if outcome.skipped.not_in_index:
        told += texts.TUNE_NOT_IN_INDEX.format(count=outcome.skipped.not_in_index)
    if outcome.skipped.unanswerable:
        told += texts.TUNE_UNANSWERABLE.format(count=outcome.skipped.unanswerable)
    if outcome.too_long:
        told += texts.TUNE_TOO_LONG.format(count=outcome.too_long)
    return told


def _bar(what: str, items: Iterable[Any], count: int) -> Iterable[Any]:
    from tqdm import tqdm

    return tqdm(items, desc=what, total=count, unit="")


@contextmanager
def _training() -> Iterator[Callable[[Progress], None]]:
    from tqdm import tqdm

    with tqdm(desc="Training", unit=" tokens", unit_scale=True, smoothing=0.1) as bar:

        def stepped(progress: Progress) -> None:
            bar.total = progress.all_tokens
            bar.set_postfix_str(f"step {progress.step}/{progress.steps}, loss {progress.loss:.3f}", refresh=False)
            bar.update(progress.tokens - bar.n)

        yield stepped


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Ctrl-C once: the step is finished and kept. Twice, or where no step runs: as always."""
    asked: list[bool] = []
    before = signal.getsignal(signal.SIGINT)

    def interrupted(number: int, frame: Any) -> None:
        if asked or not training:
            raise KeyboardInterrupt
        asked.append(True)
        typer.echo(texts.TUNE_STOPPING, err=True)

    training: list[bool] = []

    def stop() -> bool:
        return bool(asked)

    signal.signal(signal.SIGINT, interrupted)
    try:
        training.append(True)
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
