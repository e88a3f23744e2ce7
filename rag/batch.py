"""A file of questions into a file of answers, in order; a run that was cut short is taken up again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import PaperchatError, UsageError
from rag.files import whole_text
from rag.filters import Filters
from rag.pipeline import Pipeline
from rag.serialize import answer_to_dict
from rag.types import Turn

Bar = Callable[[Iterable[Mapping[str, Any]]], Iterable[Mapping[str, Any]]]
"""Wraps a loop in a progress bar."""


def read_questions(path: Path) -> list[dict[str, Any]]:
    """Questions of a JSON lines file: `id` (the line's number where it has none), `question` and `history`.

    Raises:
        UsageError: The file cannot be read, or a line is no question.
    """
    questions: list[dict[str, Any]] = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                data = json.loads(line)
                questions.append(
                    {
                        "id": str(data.get("id", number)),
                        "question": str(data["question"]),
                        "history": turns(data.get("history") or []),
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


def turns(value: Any) -> tuple[Turn, ...]:
    """A conversation so far, out of JSON."""
    return tuple((str(user), str(assistant)) for user, assistant in value)


def answer_all(
    pipeline: Callable[[], Pipeline],
    questions: Sequence[Mapping[str, Any]],
    output: Path,
    bar: Bar,
    filters: Filters | None = None,
) -> int:
    """Answers what is not answered yet and adds a line for each to `output` at once; in the end all are in order.

    Args:
        pipeline: Makes who answers; not called where nothing is left to answer.
        questions: All of them.
        output: The answers.
        bar: See `Bar`.
        filters: As in `Pipeline.stream`.

    Returns:
        How many were left.

    Raises:
        UsageError: The file cannot be written, or holds something other than answers, which must not be touched.
    """
    done = _answered(output)
    todo = [question for question in questions if question["id"] not in done]
    if not todo:
        return 0
    made = pipeline()
    try:
        with output.open("a", encoding="utf-8") as lines:
            for question in bar(todo):
                lines.write(json.dumps(_answer(made, question, filters), ensure_ascii=False) + "\n")
                lines.flush()
        _put_in_order(output, [question["id"] for question in questions])
    except OSError as error:
        raise UsageError(f"{output} cannot be written ({error.strerror}). Check the folder.") from error
    return len(todo)


def _answer(pipeline: Pipeline, question: Mapping[str, Any], filters: Filters | None) -> dict[str, Any]:
    try:
        answer = pipeline.ask(question["question"], question["history"], filters=filters)
    except PaperchatError as error:
        # One bad question must not cost the answers to the others.
        return {"id": question["id"], "question": question["question"], "error": str(error)}
    return {**answer_to_dict(answer), "id": question["id"]}


def _put_in_order(output: Path, ids: Sequence[str]) -> None:
    """What failed once and was asked again does not stay at the end."""
    places = {name: place for place, name in enumerate(ids)}
    lines = output.read_text(encoding="utf-8").split("\n")[:-1]
    ordered = sorted(lines, key=lambda line: places.get(str(json.loads(line)["id"]), len(places)))
    if ordered != lines:
        with whole_text(output) as kept:
            kept.writelines(line + "\n" for line in ordered)


def _answered(output: Path) -> set[str]:
    """Ids with an answer. A last line that was cut off is removed, and so are failures: those are asked once more."""
    if not output.exists():
        return set()
    try:
        *complete, last = output.read_text(encoding="utf-8").split("\n")
        lines = [(line, json.loads(line)) for line in complete if line.strip()]
        answered = {str(answer["id"]): line for line, answer in lines if "error" not in answer}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{output} holds something other than answers. Give another --output file.") from error
    if last or len(answered) < len(lines):
        with whole_text(output) as kept:
            kept.writelines(line + "\n" for line in answered.values())
    return set(answered)
