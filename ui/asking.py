"""`paperchat ask`: one question streamed to the terminal, or a file of them, resumable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from rag import build
from rag.config import Config
from rag.errors import PaperchatError, UsageError
from rag.filters import Filters
from rag.pipeline import Pipeline
from rag.serialize import answer_to_dict
from rag.types import Checked, Finished, Queued, Retrieved, Turn, marked
from ui.printing import print_filters, print_json, print_sources


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
                    typer.echo(f"Searched for: {alone}\n")
            case Queued(ahead=ahead):
                typer.echo(f"{ahead} ahead of you", err=True)
            case Checked(sentence=sentence, shown=True):
                if sentence.quoted and not quoting:
                    quoting = True
                    typer.echo("From the abstracts:")
                typer.echo(marked(sentence))
            case Finished(answer=answer):
                if answer.refusal:
                    typer.echo(answer.refusal.message)
                typer.echo("")
                print_sources(answer)


def run_file(config: Config, questions: Path, output: Path, filters: Filters | None, *, generate: bool) -> None:
    """Answers every question of a file in order; lines already in `output` are kept and passed over."""
    from tqdm import tqdm

    asked = _read_questions(questions)
    done = _answered(output)
    todo = [question for question in asked if question["id"] not in done]
    if not todo:
        typer.echo(f"All {len(asked)} questions are answered in {output} already.", err=True)
        return
    pipeline = build.build_pipeline(config, generate=generate)
    try:
        with output.open("a", encoding="utf-8") as lines:
            for question in tqdm(todo, desc="Answering", unit="question"):
                lines.write(json.dumps(_answer(pipeline, question, filters), ensure_ascii=False) + "\n")
                lines.flush()
    except OSError as error:
        raise UsageError(f"{output} cannot be written ({error.strerror}). Check the folder.") from error


def _answer(pipeline: Pipeline, question: dict[str, Any], filters: Filters | None) -> dict[str, Any]:
    try:
        answer = pipeline.ask(question["question"], question["history"], filters=filters)
    except PaperchatError as error:
        # One bad question must not cost the answers to the others.
        return {"id": question["id"], "question": question["question"], "error": str(error)}
    return {**answer_to_dict(answer), "id": question["id"]}


def _answered(output: Path) -> set[str]:
    """Ids of complete lines; a last line that was cut off half way is removed.

    Raises:
        UsageError: The file holds something other than answers, which must not be touched.
    """
    if not output.exists():
        return set()
    try:
        *complete, last = output.read_text(encoding="utf-8").split("\n")
        ids = {str(json.loads(line)["id"]) for line in complete if line.strip()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{output} holds something other than answers. Give another --output file.") from error
    if last:
        output.write_text("".join(line + "\n" for line in complete), encoding="utf-8")
    return ids


def _read_questions(path: Path) -> list[dict[str, Any]]:
    questions: list[dict[str, Any]] = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                data = json.loads(line)
                questions.append(
                    {
                        "id": str(data.get("id", number)),
                        "question": str(data["question"]),
                        "history": _turns(data.get("history") or []),
                    }
                )
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}). Check the path.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f'{path}, line {number}: not a question ({error}). A line looks like {{"id": "1", "question": "..."}}.'
        ) from error
    if not questions:
        raise UsageError(f"{path} holds no question. Write one JSON object a line.")
    return questions


def _read_history(path: Path) -> Sequence[Turn]:
    try:
        return _turns(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f'{path} is no history ({error}). It looks like [["question", "answer"], ...].') from error


def _turns(value: Any) -> tuple[Turn, ...]:
    return tuple((str(user), str(assistant)) for user, assistant in value)
