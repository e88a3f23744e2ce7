"""A job out of the words of the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from rag.errors import UsageError
from rag.protocols import PromptStyle
from rag.tuning.prepare import Method, Negatives, Plan, Targets
from rag.tuning.run import Job
from rag.tuning.train import Recipe

CHOICES = {"method": get_args(Method), "targets": get_args(Targets), "negatives": get_args(Negatives)}


def job_of(
    output: Path,
    name: str,
    questions: Sequence[Path],
    prepared: Sequence[Path],
    plan: Mapping[str, Any],
    recipe: Mapping[str, Any],
    **rest: Any,
) -> Job:
    """The job.

    Args:
        output: Its folder.
        name: Of the adapter; empty: the folder's.
        questions: Files or data folders.
        prepared: Files of examples.
        plan: Fields of `Plan`; `passages` as numbers between commas, the style as `example` and `template`.
        recipe: Fields of `Recipe`.
        rest: Further fields of `Job`.

    Raises:
        UsageError: A word is not one of those known, or a number is none.
    """
    for option, known in CHOICES.items():
        if plan[option] not in known:
            raise UsageError(f"--{option} is {plan[option]!r}. Choose one of {', '.join(known)}.")
    values = dict(plan)
    style = PromptStyle(values.pop("example"), values.pop("template"), values["method"] == "reasoning")
    values["passages"] = _numbers(str(values["passages"]))
    return Job(
        output,
        name or output.resolve().name,
        tuple(questions),
        tuple(prepared),
        Plan(**values, style=style),
        Recipe(**recipe),
        **rest,
    )


def _numbers(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise UsageError(f"--passages is {text!r}. Give numbers from 1 up between commas, as in 1,3,5.")
    return found
