"""What the model is told: the numbered evidence first, the question last."""

from __future__ import annotations

from dataclasses import replace

from rag.prompt import messages
from rag.types import Chunk, Context, Evidence, NumberedPassage, ScoredPassage
from tests.rag.claims import MINFERENCE, PAPERS

FIRST = Evidence(0, 9, MINFERENCE.abstract[:9], 0.9)


def context(*positions: int) -> Context:
    return Context(
        "How fast is it?",
        tuple(
            NumberedPassage(n, ScoredPassage(Chunk(p, 0, 9), 1.0, n), (replace(FIRST, text=p.abstract[:9]),), position)
            for n, (p, position) in enumerate(zip(PAPERS, positions, strict=True), start=1)
        ),
    )


def test_evidence_comes_in_prompt_order_under_its_own_number_and_the_question_last() -> None:
    system, user = messages(context(2, 1))
    assert (system["role"], user["role"]) == ("system", "user")
    assert "[1]" in system["content"]
    body = user["content"]
    first, second = body.index(f"[1] {PAPERS[0].title}"), body.index(f"[2] {PAPERS[1].title}")
    assert second < first < body.index("Question: How fast is it?")
    assert all(paper.abstract[:9] in body for paper in PAPERS)


def test_only_chosen_evidence_is_read() -> None:
    assert MINFERENCE.abstract[:30] not in messages(context(1, 2))[1]["content"]
