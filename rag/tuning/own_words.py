"""Training on what a model already does well, and on what it still does wrong.

Both let a model answer the training examples and look at each answer through the support check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from rag import prompt, reasoning
from rag.protocols import Generator
from rag.support import SupportChecker
from rag.tuning.evaluate import is_right, sentences
from rag.tuning.examples import Example

Bar = Callable[[Iterable[Example]], Iterable[Example]]


def self_written(
    examples: Sequence[Example], generator: Generator, checker: SupportChecker, new_tokens: int, bar: Bar = iter
) -> tuple[list[Example], int]:
    """The examples with the untuned model's own answer as target, where it is a good one.

    S3FT (arXiv 2502.08130): a model loses less of what it knew when it is trained on its own words. An answer is good
    when the check supports every sentence of it, each resting on a passage that answers.

    Returns:
        The examples, and how many targets are now the model's own.

    Raises:
        GenerationError: The model failed.
    """
    made, own = [], 0
    for example in bar(examples):
        found, _ = sentences(generator, checker, example.context, new_tokens)
        if found and all(s.supported and s.rests_on in example.gold for s in found):
            numbers = example.context.by_number()
            answer = " ".join(f"{prompt.line(s.text, numbers)} [{s.rests_on}]" for s in found)
            head = f"{reasoning.reason(example.context, example.gold)}\n{reasoning.ANSWER} "
            made.append(replace(example, target=(head if example.style.reasoning else "") + answer))
            own += 1
        else:
            made.append(example)
    return made, own


def wrong(
    examples: Sequence[Example], generator: Generator, checker: SupportChecker, new_tokens: int, bar: Bar = iter
) -> list[Example]:
    """The examples that a tuned model answers wrongly.

    LLM2LLM (arXiv 2403.15042) trains a model again, from its base, on the data and on items made from those it got
    wrong; only items of the first data count, so that errors do not compound. Here the items themselves come again.

    Raises:
        GenerationError: The model failed.
    """
    return [
        example
        for example in bar(examples)
        if not is_right(sentences(generator, checker, example.context, new_tokens)[0], example)
    ]
