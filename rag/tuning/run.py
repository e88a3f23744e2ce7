"""The stages of `paperchat tune`: prepare, answer untuned, train, save, answer tuned, log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rag import build
from rag.config import Config
from rag.errors import PaperchatError, UsageError
from rag.files import whole_text
from rag.support import SupportChecker
from rag.tuning import evaluate, questions, saving, train
from rag.tuning import examples as prepared
from rag.tuning.batches import encode
from rag.tuning.evaluate import Measured
from rag.tuning.examples import Example
from rag.tuning.prepare import MIX, Plan, Skipped, prepare

PREPARED = "prepared.jsonl"
LOG = "log.json"

Bar = Callable[[str, Iterable[Any], int], Iterable[Any]]
"""Wraps a loop in a progress bar: what it does, the items, how many."""
Training = Callable[[], AbstractContextManager[Callable[[train.Progress], None]]]
"""Opens a progress bar for training."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done.

    Attributes:
        output: Folder for examples, checkpoint, adapter and log.
        name: Of the adapter.
        questions: Files or data folders.
        prepared: Files of examples made before, trained on as well.
        plan: How examples are made.
        recipe: How they are trained on.
        held_out: Share of the papers whose questions are not trained on.
        measured: At most that many held-out examples are answered before and after.
        every: Steps between checkpoints.
        resume: Go on from the checkpoint.
        fresh: Prepare again although it was done.
        only_prepare: Stop after that.
        answer: Answer held-out examples before and after.
    """

    output: Path
    name: str
    questions: tuple[Path, ...] = ()
    prepared: tuple[Path, ...] = ()
    plan: Plan = Plan()
    recipe: train.Recipe = train.Recipe()
    held_out: float = 0.1
    measured: int = 40
    every: int = 50
    resume: bool = False
    fresh: bool = False
    only_prepare: bool = False
    answer: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; `None` where that stage did not run."""

    examples: int
    held_out: int
    too_long: int
    skipped: Skipped
    trained: train.Trained | None = None
    before: Measured | None = None
    after: Measured | None = None


def run(job: Job, config: Config, bar: Bar, training: Training, stop: Callable[[], bool]) -> Outcome:
    """Runs every stage that is not done yet.

    Raises:
        UsageError: A file cannot be used, or nothing is left to train on.
        PaperIndexError: The index is missing or another model built it.
        ModelError: A model cannot be loaded, or peft is missing.
    """
    with _disk(job.output):
        job.output.mkdir(parents=True, exist_ok=True)
        examples, skipped = _prepared(job, config, bar)
        own, held = prepared.split(examples, job.held_out)
        outcome = Outcome(len(own), len(held), 0, skipped)
        if job.only_prepare:
            return outcome
        style = {example.style for example in examples}
        if len(style) > 1:
            raise UsageError("The prepared files have prompts of several styles. Prepare all in the same way.")
        untuned = replace(config, adapter="none")
        checker = SupportChecker(build.build_embedder(config)) if job.answer and held else None
        log = _log(job, untuned)
        before = _answers(job, untuned, checker, held, bar, log, "before")

        model = build.build_trainable(untuned, style.pop())
        own_encoded = encode(own, model, job.recipe.longest)
        held_encoded = encode(held, model, job.recipe.longest)
        with training() as on_step:
            trained, tuned = train.train(
                model, own_encoded, held_encoded, job.recipe, job.output,
                resume=job.resume, every=job.every, on_step=on_step, stop=stop,
            )  # fmt: skip
        made = {"examples": len(own_encoded), "steps": trained.step, "recipe": asdict(job.recipe)}
        saving.save(tuned, job.output, job.name, model.name, model.style, made)
        del tuned, model
        too_long = len(own) + len(held) - len(own_encoded) - len(held_encoded)
        log |= {"trained": asdict(trained), "examples": len(own_encoded), "held_out": len(held), "too_long": too_long}
        log |= {"skipped": asdict(skipped)}
        _write_log(job, log)
        after = None
        if trained.step == trained.steps:
            with_adapter = replace(config, adapter=str(job.output))
            after = _answers(job, with_adapter, checker, held, bar, log, "after")
        return replace(outcome, trained=trained, before=before, after=after, too_long=too_long)


def _prepared(job: Job, config: Config, bar: Bar) -> tuple[list[Example], Skipped]:
    examples = [example for path in job.prepared for example in prepared.read(path)]
    own = job.output / PREPARED
    if not job.questions:
        if not examples and own.is_file():
            examples = prepared.read(own)
        if not examples:
            raise UsageError("There is nothing to train on. Give a file of questions, or --prepared FILE.")
        return examples, Skipped()
    made_with = repr((job.plan, [str(path) for path in job.questions], str(config.index)))
    note = job.output / "prepared.txt"
    if not job.fresh and own.is_file() and note.is_file() and note.read_text(encoding="utf-8") == made_with:
        return examples + prepared.read(own), Skipped()
    items = [item for path in job.questions for item in questions.read(path)]
    generator = build.build_generator(replace(config, adapter="none"))  # counts tokens as the reader will
    index, embedder = build.open_index(config), build.build_embedder(config)
    pipelines = {use: build.assemble(config, index, embedder, generator, use) for use in MIX}
    made, skipped = prepare(items, pipelines, job.plan, lambda loop: bar("Preparing", loop, len(items)))
    prepared.write(made, own)
    with whole_text(note) as text:
        text.write(made_with)
    return examples + made, skipped


def _answers(
    job: Job,
    config: Config,
    checker: SupportChecker | None,
    held: Sequence[Example],
    bar: Bar,
    log: dict[str, Any],
    when: str,
) -> Measured | None:
    """Answers held-out examples, unless the log of a run that was cut short has done it."""
    if checker is None:
        return None
    if when in log.get("answers", {}):
        return Measured(**log["answers"][when])
    chosen = held[: job.measured]
    generator = build.build_generator(config)
    tokens = config.max_new_tokens + generator.style.extra_tokens
    what = "Answering " + ("untuned" if when == "before" else "tuned")
    measured, texts = evaluate.measure(chosen, generator, checker, tokens, lambda loop: bar(what, loop, len(chosen)))
    log.setdefault("answers", {})[when] = asdict(measured)
    log.setdefault("written", {})[when] = texts
    _write_log(job, log)
    return measured


def _log(job: Job, config: Config) -> dict[str, Any]:
    """The log so far where a run is taken up, else a new one."""
    path = job.output / LOG
    if job.resume and path.is_file():
        try:
            log = json.loads(path.read_text(encoding="utf-8"))
            log.get("answers", {}).pop("after", None)
            return dict(log)
        except (OSError, ValueError, AttributeError):
            pass  # it is written again
    plan = {**asdict(job.plan), "passages": list(job.plan.passages)}
    return {"name": job.name, "model": config.model, "plan": plan, "recipe": asdict(job.recipe)}


def _write_log(job: Job, log: dict[str, Any]) -> None:
    with whole_text(job.output / LOG) as file:
        file.write(json.dumps(log, indent=1, ensure_ascii=False) + "\n")


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PaperchatError(
            f"{folder} cannot be written ({error.strerror or error}). Free some disk space or give another --output; "
            "then run the command again with --resume."
        ) from error
