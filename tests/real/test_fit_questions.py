"""The fit of the question maps finds a movement that is there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eval import fit_questions
from eval.fit_questions import Asked, Collection, fit, measures, unmoved

pytestmark = pytest.mark.real

PAPERS, WIDTH, NARROW, TOKENS = 300, 32, 16, 6


def collection() -> Collection:
    """Papers at random; each is asked about twice, in words turned and blurred: chance finds some of them only."""
    draw = np.random.default_rng(0)

    def unit(values: np.ndarray) -> torch.Tensor:
        return torch.tensor(values / np.linalg.norm(values, axis=-1, keepdims=True), dtype=torch.float32)

    turn = np.linalg.qr(draw.normal(size=(WIDTH, WIDTH)))[0]
    chunks = unit(draw.normal(size=(PAPERS, WIDTH)))
    tokens = tuple(unit(draw.normal(size=(TOKENS, NARROW))) for _ in range(PAPERS))
    asked = tuple(
        Asked(
            paper,
            (1,),
            unit(chunks[paper].numpy() @ (np.eye(WIDTH) + 3.0 * turn) + 0.1 * draw.normal(size=WIDTH)),
            unit(tokens[paper][:3].numpy() + 1.0 * draw.normal(size=(3, NARROW))),
            torch.ones(3),
            {},
            1.0,
        )
        for paper in range(PAPERS)
        for _ in range(2)
    )
    parts = tuple(torch.tensor([0, 1, 1, 2, 2, 3]) for _ in range(PAPERS))
    return Collection(chunks, torch.arange(PAPERS), tokens, parts, asked)


def test_questions_of_papers_left_out_find_them_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_questions, "WHOLE_EPOCHS", 60)
    monkeypatch.setattr(fit_questions, "WHOLE_RATE", 5e-3)
    monkeypatch.setattr(fit_questions, "TOKEN_EPOCHS", 1)
    papers = collection()
    kept = [asked for asked in papers.asked if asked.paper % 3]
    held = [asked for asked in papers.asked if asked.paper % 3 == 0]
    before = measures(papers, held, unmoved(papers))
    after = measures(papers, held, fit(papers, kept))
    assert after["nDCG@10"] > before["nDCG@10"]
    assert before["questions"] == after["questions"] == len(held)
