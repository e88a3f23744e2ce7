"""The stages of `paperchat tune`: prepare, answer untuned, train, save, answer tuned, log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from rag import build
from rag.config import Config, without_password
from rag.errors import PaperchatError, UsageError
from rag.files import whole_text
from rag.protocols import PromptStyle
from rag.support import SupportChecker
from rag.tuning import evaluate, own_words, questions, saving, train
from rag.tuning import examples as prepared
from rag.tuning.batches import encode
from rag.tuning.evaluate import Measured
from rag.tuning.examples import Example
from rag.tuning.prepare import MIX, Plan, Skipped, prepare
from rag.tuning.questions import Item
from rag.tuning.train import Watch

PREPARED = "prepared.jsonl"
NOTE = "prepared.json"
"""What the examples were made with."""
ERRORS = "errors.jsonl"
LOG = "log.json"

Bar = Callable[[str, Iterable[Any], int], Iterable[Any]]
"""Wraps a loop in a progress bar: what it does, the items, how many."""
Watching = Callable[[], AbstractContextManager[Watch]]
"""Looks on while the model is trained."""


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
        measured: At most that many held-out examples are answered before and after; 0: none.
        every: Steps between checkpoints.
        resume: Go on from the checkpoint.
        fresh: Prepare again although it was done.
        only_prepare: Stop after that.
        errors_of: An adapter; training examples that it answers wrongly come once more in each epoch.
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
    errors_of: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; `None` where that stage did not run.

    Attributes:
        examples: Trained on, each once.
        held_out: Not trained on.
        skipped: Questions that became no example.
        errors: Examples that came once more because another adapter answered them wrongly.
        too_long: Examples left out of the training.
        trained: Steps, losses, seconds.
        before: Held-out answers of the untuned model.
        after: Of the tuned one.
    """

    examples: int
    held_out: int
    skipped: Skipped
    errors: int = 0
    too_long: int = 0
    trained: train.Trained | None = None
    before: Measured | None = None
    after: Measured | None = None


def run(job: Job, config: Config, bar: Bar, watching: Watching) -> Outcome:
    """Runs every stage that is not done yet.

    Raises:
        UsageError: A file cannot be used, or nothing is left to train on.
        PaperIndexError: The index is missing or another model built it.
        ModelError: A model cannot be loaded, or peft is missing.
        PaperchatError: The output folder cannot be written.
    """
    if not job.only_prepare:
        train.require_peft()  # before hours of work
    untuned = replace(config, adapter="none")
    with _writing(job.output):
        job.output.mkdir(parents=True, exist_ok=True)
    examples, skipped = _prepared(job, untuned, bar)
    styles = {example.style for example in examples}
    if len(styles) > 1:
        raise UsageError("The prepared files have prompts of several styles. Prepare all in the same way.")
    own, held = prepared.split(examples, job.held_out)
    outcome = Outcome(len(own), len(held), skipped)
    if job.only_prepare:
        return outcome
    errors = _errors(job, config, own, bar)
    own += errors
    answering = _Answering(job, config, held[: job.measured], bar)
    before = answering.measured(untuned, "before")
    trained, too_long = _train(job, untuned, own, held, styles.pop(), watching)
    counts = {"examples": len(own), "errors": len(errors), "held_out": len(held), "too_long": too_long}
    answering.note(trained=asdict(trained), skipped=asdict(skipped), **counts)
    finished = trained.step == trained.steps
    after = answering.measured(replace(config, adapter=str(job.output.resolve())), "after") if finished else None
    return replace(outcome, trained=trained, before=before, after=after, too_long=too_long, errors=len(errors))


def _train(
    job: Job, config: Config, own: Sequence[Example], held: Sequence[Example], style: PromptStyle, watching: Watching
) -> tuple[train.Trained, int]:
    """Trains, saves the adapter, and tells how many examples were too long."""
    model = build.build_trainable(config, style)
    own_encoded, held_encoded = (encode(examples, model, job.recipe.longest) for examples in (own, held))
    training = train.Training(model, own_encoded, held_encoded, job.recipe)
    checkpoint = job.output / train.CHECKPOINT
    if job.resume:
        training.load(checkpoint)
    with _writing(job.output), watching() as watch:
        trained = training.run(checkpoint, every=job.every, watch=watch)
        made = {"examples": len(own_encoded), "steps": trained.step, "recipe": asdict(job.recipe)}
        saving.write(training.tuned, job.output, job.name, model.name, style, made)
    return trained, len(own) + len(held) - len(own_encoded) - len(held_encoded)


def _prepared(job: Job, config: Config, bar: Bar) -> tuple[list[Example], Skipped]:
    """Examples given, and those made of the questions; what was made before of the same is read again."""
    examples = [example for path in job.prepared for example in prepared.read(path)]
    if not job.questions:
        if not examples:
            raise UsageError("There is nothing to train on. Give a file of questions, or --prepared FILE.")
        return examples, Skipped()
    items = [item for path in job.questions for item in questions.read(path)]
    own, note = job.output / PREPARED, job.output / NOTE
    index = build.open_index(config)
    made_with = _made_with(job, config, items, index.catalog.counts().revision)
    skipped = None if job.fresh else _skipped(note, made_with)
    if skipped is None or not own.is_file():
        generator = build.build_generator(config)  # counts tokens as the reader will
        embedder = build.build_embedder(config)
        pipelines = {use: build.assemble(config, index, embedder, generator, use) for use in MIX}
        made, skipped = prepare(items, pipelines, job.plan, lambda loop: bar("Preparing", loop, len(items)))
        if job.plan.targets == "self":
            made, count = own_words.self_written(
                made, generator, SupportChecker(embedder), config.max_new_tokens, _bar_of(bar, "Answering", made)
            )
            skipped = replace(skipped, self_written=count)
        with _writing(job.output):
            note.unlink(missing_ok=True)
            prepared.write(made, own)
            with whole_text(note) as text:
                text.write(json.dumps({"made_with": made_with, "skipped": asdict(skipped)}, indent=1) + "\n")
    return examples + prepared.read(own), skipped


def _errors(job: Job, config: Config, own: Sequence[Example], bar: Bar) -> list[Example]:
    """Training examples that the adapter of `errors_of` answers wrongly; found once."""
    if job.errors_of is None:
        return []
    kept = job.output / ERRORS
    if job.resume and kept.is_file():
        return prepared.read(kept) if kept.stat().st_size else []
    generator = build.build_generator(replace(config, adapter=str(job.errors_of.resolve())))
    tokens = config.max_new_tokens + generator.style.extra_tokens
    what = f"Looking for errors ({generator.name})"
    found = own_words.wrong(own, generator, build.build_checker(config), tokens, _bar_of(bar, what, own))
    with _writing(job.output):
        prepared.write(found, kept)
    return found


def _bar_of(bar: Bar, what: str, examples: Sequence[Example]) -> Callable[[Iterable[Example]], Iterable[Example]]:
    return lambda loop: bar(what, loop, len(examples))


def _made_with(job: Job, config: Config, items: Sequence[Item], revision: int) -> dict[str, str]:
    """Everything that the examples depend on."""
    settings = ("model", "embedding_model", "k", "candidates", "dense_weight", "evidence_tokens", "max_new_tokens")
    return {
        "plan": repr(job.plan),
        "questions": sha256(repr(items).encode()).hexdigest(),
        "index": f"{config.index.resolve()}, revision {revision}",
        **{name: str(getattr(config, name)) for name in settings},
    }


def _skipped(note: Path, made_with: Mapping[str, str]) -> Skipped | None:
    """What was left out when examples were made with the same; `None` where they were not."""
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        return Skipped(**told["skipped"]) if told["made_with"] == made_with else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


class _Answering:
    """Held-out examples answered before and after, and the log they are written to."""

    def __init__(self, job: Job, config: Config, examples: Sequence[Example], bar: Bar) -> None:
        self._path = job.output / LOG
        self._examples = examples
        self._bar = bar
        self._checker = build.build_checker(config) if examples else None
        plan = {**asdict(job.plan), "passages": list(job.plan.passages)}
        self._log: dict[str, Any] = {"name": job.name, "model": without_password(config.model), "plan": plan}
        self._log |= {
            "recipe": asdict(job.recipe),
            "answers": {},
            "written": {},
            **(self._kept() if job.resume else {}),
        }

    def note(self, **values: Any) -> None:
        """Adds to the log."""
        self._log |= values
        with _writing(self._path.parent), whole_text(self._path) as file:
            file.write(json.dumps(self._log, indent=1, ensure_ascii=False) + "\n")

    def measured(self, config: Config, when: str) -> Measured | None:
        """Answers the examples, unless the run that is taken up has done it."""
        if self._checker is None:
            return None
        if when not in self._log["answers"]:
            generator = build.build_generator(config)
            tokens = config.max_new_tokens + generator.style.extra_tokens
            shown = _bar_of(self._bar, f"Answering ({generator.name})", self._examples)
            measured, texts = evaluate.measure(self._examples, generator, self._checker, tokens, shown)
            self._log["answers"][when], self._log["written"][when] = asdict(measured), texts
            self.note()
        return Measured(**self._log["answers"][when])

    def _kept(self) -> dict[str, Any]:
        """What the run that is taken up measured of the untuned model."""
        try:
            log = json.loads(self._path.read_text(encoding="utf-8"))
            return {name: {"before": log[name]["before"]} for name in ("answers", "written")}
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # it is measured again


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PaperchatError(
            f"{folder} cannot be written ({error.strerror or error}). Free some disk space or give another --output; "
            "where a checkpoint is there, --resume goes on from it."
        ) from error
