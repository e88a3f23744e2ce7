"""Retrieval reordering: where in the prompt each passage goes.

Jin et al., "Long-Context LLMs Meet RAG" (arXiv 2410.05983), Eq. 1 and Algorithm 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

T = TypeVar("T")
Ordering = Literal["auto", "score", "reverse", "reorder"]

# Fig. 4 of the paper: reordering gains 1.5 to 7 points from 30 passages up, is noise at 5 to 20
# and costs 1 to 2 points there with one of the two models. So `auto` starts it at 30. Below, `auto`
# puts the best passage last, next to the question: the bundled model reads it best there
# (docs/decisions/0003).
REORDER_FROM = 30


def reorder(ranked: Sequence[T]) -> list[T]:
    """Best passages at both ends, the weakest in the middle: ranks 1 3 5 ... 6 4 2."""
    return [*ranked[0::2], *ranked[1::2][::-1]]


def prompt_order(ranked: Sequence[T], ordering: Ordering) -> list[T]:
    """`ranked` (best first) in the order in which the model shall read it."""
    if ordering == "reorder" or (ordering == "auto" and len(ranked) >= REORDER_FROM):
        return reorder(ranked)
    if ordering in ("auto", "reverse"):
        return list(reversed(ranked))
    return list(ranked)
