"""What the model is told: the numbered evidence first, the question last."""

from __future__ import annotations

import pytest

from rag.prompt import messages
from rag.types import Chunk, Context, Evidence, NumberedPassage, Paper, ScoredPassage

PAPERS = [Paper(f"p{n}", f"Title {n}", f"Strong words of {n}. Weak words of {n}.") for n in (1, 2, 3)]


def context(positions: tuple[int, ...], scores: tuple[tuple[float, float], ...]) -> Context:
    """Three papers of two evidence sentences each."""
    passages = []
    for n, (paper, position, (strong, weak)) in enumerate(zip(PAPERS, positions, scores, strict=True), start=1):
        middle = paper.abstract.index(" Weak")
        evidence = (
            Evidence(0, middle, paper.abstract[:middle], strong),
            Evidence(middle + 1, len(paper.abstract), paper.abstract[middle + 1 :], weak),
        )
        found = ScoredPassage(Chunk(paper, 0, len(paper.abstract)), 1.0, n)
        passages.append(NumberedPassage(n, found, evidence, position))
    return Context("How fast is it?", tuple(passages))


DIFFERENT = ((0.9, 0.3), (0.8, 0.2), (0.7, 0.1))


def told(positions: tuple[int, ...], sentences: int, scores: tuple[tuple[float, float], ...] = DIFFERENT) -> list[str]:
    return [line for line in last(positions, sentences, scores).splitlines() if "words of" in line]


def last(positions: tuple[int, ...], sentences: int, scores: tuple[tuple[float, float], ...] = DIFFERENT) -> str:
    return messages(context(positions, scores), sentences)[-1]["content"]


def test_an_instruction_comes_first_and_the_question_last() -> None:
    made = messages(context((1, 2, 3), DIFFERENT), 3)
    assert made[0]["role"] == "system"
    assert made[-1]["role"] == "user"
    assert made[-1]["content"].rstrip().endswith("How fast is it?")
    assert made[-1]["content"].count("How fast is it?") == 1


@pytest.mark.parametrize("positions", [(1, 2, 3), (3, 2, 1), (1, 3, 2)])
def test_papers_come_in_prompt_order_under_their_own_numbers(positions: tuple[int, ...]) -> None:
    in_order = sorted((1, 2, 3), key=lambda n: positions[n - 1])
    assert told(positions, 3) == [f"Strong words of {n}. [{n}]" for n in in_order]


def test_only_the_best_sentences_are_read() -> None:
    assert told((1, 2, 3), 1) == ["Strong words of 1. [1]"]
    assert len(told((1, 2, 3), 5)) == 5
    assert len(told((1, 2, 3), 100)) == 6


def test_no_more_sentences_are_read_than_allowed_where_many_are_equally_good() -> None:
    assert len(told((1, 2, 3), 2, ((0.5, 0.5),) * 3)) == 2
