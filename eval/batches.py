"""Batches for fits: in an order of chance, and with little to fill up."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

Example = TypeVar("Example")

WINDOW = 8
"""Batches in a row that are sorted by length."""


def of_like_length(
    examples: Sequence[Example], size: int, length: Callable[[Example], int], seed: int
) -> list[list[Example]]:
    """In an order of chance; of some in a row, those of like length come together.

    Args:
        examples: All of them.
        size: Of a batch; the last of a row may be smaller.
        length: Of an example.
        seed: Of the order.
    """
    draw = random.Random(seed)
    shuffled = draw.sample(examples, len(examples))
    windows = [shuffled[at : at + WINDOW * size] for at in range(0, len(shuffled), WINDOW * size)]
    for window in windows:
        window.sort(key=length)
    batches = [window[at : at + size] for window in windows for at in range(0, len(window), size)]
    return draw.sample(batches, len(batches))
