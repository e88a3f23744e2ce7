"""Runs trials one by one and keeps each result as a line, so that an interrupted run goes on where it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol

from eval.experiments.contexts import Trial
from eval.experiments.cost import fits, told
from eval.experiments.items import Measure
from eval.experiments.readers import Reader
from eval.experiments.scoring import quality
from rag.errors import UsageError

FORMAT = 2
RESULTS = "results.jsonl"


@dataclass(frozen=True, slots=True)
class Row:
    """What a reader made of one trial.

    Attributes:
        key: Of the trial.
        item: Id of the question.
        series: As in the trial.
        x: As in the trial.
        passages: Ids in prompt order.
        gold_places: Where gold passages stand, from 1.
        tokens: Length of the prompt.
        fits: Was there room for it? What did not fit was not read.
        answer: What the reader wrote.
        source: Where it was quoted from.
        quality: How right it is, 0..1.
        seconds: What it took.
    """

    key: str
    item: str
    series: str
    x: int
    passages: tuple[str, ...]
    gold_places: tuple[int, ...]
    tokens: int
    fits: bool
    answer: str = ""
    source: str = ""
    quality: float = 0.0
    seconds: float = 0.0


class Bar(Protocol):
    """A progress bar."""

    def update(self, amount: int) -> object:
        """Moves it on."""


OpenBar = Callable[[int], AbstractContextManager[Bar]]
"""Makes a progress bar over so many units."""


def run_trials(
    trials: Sequence[Trial],
    reader: Reader,
    measure: Measure,
    folder: Path,
    before: Saved,
    bar: OpenBar,
    tell: Callable[[str], None],
) -> list[Row]:
    """Reads every trial that the folder holds no result of.

    Args:
        trials: What is to be read.
        reader: Who reads.
        measure: How answers are scored.
        folder: Keeps `results.jsonl`.
        before: What the folder holds already, as `kept` gives it, with the pace of this machine.
        bar: Makes a progress bar over tokens and trials.
        tell: Told the estimate.

    Returns:
        A row a trial, in their order.

    Raises:
        UsageError: The folder cannot be written.
        GenerationError: The model failed.
    """
    path = folder / RESULTS
    # Answers are kept; what did not fit may fit today, and what counts as right may have been corrected.
    done = {row.key: row for row in before.rows if row.fits}
    waiting = [trial for trial in trials if trial.key not in done]
    lengths = [reader.tokens(trial.item, trial.passages) for trial in waiting]
    tell(told([n for n in lengths if fits(n, reader)], len(trials) - len(waiting), reader, before.slower))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as lines, bar(sum(lengths) or len(lengths)) as shown:
            if not lines.tell():
                _write(lines, {"format": FORMAT, "settings": before.settings, "slower": before.slower})
            for trial, tokens in zip(waiting, lengths, strict=True):
                row = read(trial, tokens, reader, measure)
                done[row.key] = row
                _write(lines, asdict(row))
                shown.update(tokens if sum(lengths) else 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}). Check the --report folder.") from error
    return [_scored(done[trial.key], trial, measure) for trial in trials]


def _scored(row: Row, trial: Trial, measure: Measure) -> Row:
    return replace(row, quality=quality(trial.item, measure, row.answer, row.source)) if row.fits else row


def read(trial: Trial, tokens: int, reader: Reader, measure: Measure) -> Row:
    """One trial. What does not fit is not read: nothing is cut."""
    ids = tuple(passage.id for passage in trial.passages)
    gold = tuple(place for place, one in enumerate(ids, start=1) if one in trial.item.gold_ids)
    if not fits(tokens, reader):
        return Row(trial.key, trial.item.id, trial.series, trial.x, ids, gold, tokens, fits=False)
    start = time.perf_counter()
    reading = reader.read(trial.item, trial.passages)
    return Row(
        key=trial.key,
        item=trial.item.id,
        series=trial.series,
        x=trial.x,
        passages=ids,
        gold_places=gold,
        tokens=tokens,
        fits=True,
        answer=reading.answer,
        source=reading.source,
        quality=quality(trial.item, measure, reading.answer, reading.source),
        seconds=round(time.perf_counter() - start, 3),
    )


@dataclass(frozen=True, slots=True)
class Saved:
    """A results file.

    Attributes:
        settings: What its results depend on, the trial apart; results of other settings are never mixed in.
        rows: The results.
        slower: Than the estimate of `cost`, as it was measured when the run began; 0: it has not begun.
    """

    settings: Mapping[str, Any]
    rows: Sequence[Row] = ()
    slower: float = 0.0


def kept(path: Path, settings: Mapping[str, Any]) -> Saved:
    """An earlier run with the same settings; a line that was cut short by a kill is dropped.

    Raises:
        UsageError: The file is of other settings, or of another program.
    """
    if not path.is_file():
        return Saved(settings)
    whole, _, broken = path.read_text(encoding="utf-8").rpartition("\n")
    if broken or not whole:
        path.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
    if not whole:
        return Saved(settings)
    remedy = "Give another --report folder, or --fresh to begin again."
    before = _parsed(whole, path, remedy)
    # As JSON gives it back: tuples are lists there.
    now = json.loads(json.dumps(settings))
    if before.settings != now:
        keys = {*before.settings, *now}
        changed = ", ".join(sorted(key for key in keys if before.settings.get(key) != now.get(key)))
        raise UsageError(f"{path} holds results of other settings ({changed} changed). {remedy}")
    return before


def saved(path: Path, remedy: str) -> Saved:
    """A results file; a last line that was cut short is passed over.

    Args:
        path: The file.
        remedy: What to do where it cannot be used, for the error.

    Raises:
        UsageError: It is of another program, or of another version of this one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _no_results(path, error, remedy) from error
    return _parsed(text.rpartition("\n")[0], path, remedy)


def _parsed(whole: str, path: Path, remedy: str) -> Saved:
    try:
        header, *rows = [json.loads(line) for line in whole.split("\n")]
        found = Saved(dict(header["settings"]), [_row(row) for row in rows], float(header.get("slower", 1.0)))
        version = header.get("format")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_results(path, error, remedy) from error
    if version != FORMAT:
        raise UsageError(f"{path} holds results of other settings (another version). {remedy}")
    return found


def _no_results(path: Path, error: Exception, remedy: str) -> UsageError:
    return UsageError(f"{path} is not the results of an experiment ({error}). {remedy}")


def _row(found: dict[str, Any]) -> Row:
    return Row(**{**found, "passages": tuple(found["passages"]), "gold_places": tuple(found["gold_places"])})


def _write(lines: IO[str], value: object) -> None:
    lines.write(json.dumps(value, ensure_ascii=False) + "\n")
    lines.flush()
