"""Examples in tokens, and batches of about equal length so that little is padding."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rag.protocols import Trainable
from rag.tuning.examples import Example


@dataclass(frozen=True, slots=True)
class Encoded:
    """One example in tokens; the loss is on the target alone."""

    prompt: tuple[int, ...]
    target: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.target)


def encode(examples: Sequence[Example], model: Trainable, longest: int) -> list[Encoded]:
    """Every example that has at most `longest` tokens."""
    found = [
        Encoded(tuple(model.encode(example.messages)), tuple(model.encode_answer(example.target)))
        for example in examples
    ]
    return [encoded for encoded in found if len(encoded) <= longest]


def batches(encoded: Sequence[Encoded], tokens: int, seed: str | None = None) -> list[list[Encoded]]:
    """Batches of at most `tokens` tokens, padding included, or of one example that is longer.

    Args:
        encoded: The examples.
        tokens: See above.
        seed: Which examples of one length come together, and the order of batches; `None`: by length.
    """
    rng = random.Random(seed)
    order = list(encoded)
    if seed is not None:
        rng.shuffle(order)
    order.sort(key=len)
    made: list[list[Encoded]] = []
    for example in order:
        if made and len(example) * (len(made[-1]) + 1) <= tokens:
            made[-1].append(example)
        else:
            made.append([example])
    if seed is not None:
        rng.shuffle(made)
    return made
