"""`paperchat ask`: one question streamed to the terminal, or a file of them, resumable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import typer

from rag import batch, build
from rag.config import Config
from rag.errors import UsageError
from rag.filters import Filters
from rag.serialize import answer_to_dict
from rag.types import Checked, Finished, Queued, Retrieved, Turn, marked
from ui.printing import print_filters, print_json, print_sources, say


def run(
    config: Config, question: str, history: Path | None, filters: Filters | None, *, generate: bool, as_json: bool
) -> None:
    """Answers one question; sentences appear as they pass their check."""
    turns = _read_history(history) if history else ()
    pipeline = build.build_pipeline(config, generate=generate)
    if as_json:
        print_json(answer_to_dict(pipeline.ask(question, turns, filters=filters)))
        return
    quoting = False
    for event in pipeline.stream(question, turns, filters=filters):
        match event:
            case Retrieved(standalone_question=alone, filters=used):
                print_filters(used)
                if alone != " ".join(question.split()):
                    say(f"Searched for: {alone}\n")
            case Queued(ahead=ahead):
                typer.echo(f"{ahead} ahead of you", err=True)
            case Checked(sentence=sentence, shown=True):
                if sentence.quoted and not quoting:
                    quoting = True
                    typer.echo("From the abstracts:")
                say(marked(sentence))
            case Finished(answer=answer):
                if answer.refusal:
                    say(answer.refusal.message)
                typer.echo("")
                print_sources(answer)


def run_file(
    config: Config, questions: Path, output: Path, filters: Filters | None, *, generate: bool, as_json: bool
) -> None:
    """Answers every question of a file in order; what `output` answers already is kept and passed over."""
    from tqdm import tqdm

    asked, pipeline = batch.read_questions(questions), partial(build.build_pipeline, config, generate=generate)
    if not batch.answer_all(pipeline, asked, output, partial(tqdm, desc="Answering", unit="question"), filters):
        typer.echo(f"All {len(asked)} questions are answered in {output} already.", err=True)
    if as_json:
        print_json({"questions": len(asked), "output": str(output)})


def _read_history(path: Path) -> Sequence[Turn]:
    try:
        return batch.turns(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f'{path} is no history ({error}). It looks like [["question", "answer"], ...].') from error
