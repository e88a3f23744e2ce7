"""The fit of how questions are read finds a movement that is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from eval import fit_questions
from eval.fit_questions import Asked, Collection, fit, measures, read

pytestmark = pytest.mark.real

PAPERS, WIDTH, NARROW, TOKENS = 300, 32, 16, 6


def unit(values: np.ndarray) -> torch.Tensor:
    return torch.tensor(values / np.linalg.norm(values, axis=-1, keepdims=True), dtype=torch.float32)


class Turned:
    """Reads numbers: the vector and tokens of a paper, turned and blurred; what it can learn is to turn them back."""

    def __init__(self, chunks: torch.Tensor, tokens: Sequence[torch.Tensor]) -> None:
        draw = np.random.default_rng(1)
        turn = np.linalg.qr(draw.normal(size=(WIDTH, WIDTH)))[0]
        self.vectors = unit(chunks.numpy() @ (np.eye(WIDTH) + 3.0 * turn) + 0.1 * draw.normal(size=(PAPERS, WIDTH)))
        self.tokens = [unit(own[:3].numpy() + 0.3 * draw.normal(size=(3, NARROW))) for own in tokens]
        self.change = torch.zeros(WIDTH, WIDTH, requires_grad=True)

    def parameters(self) -> list[torch.Tensor]:
        return [self.change]

    def train(self, mode: bool) -> None:
        pass

    def read(self, questions: Sequence[str]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        vectors = self.vectors[[int(text) for text in questions]]
        return normalize(vectors + vectors @ self.change, dim=-1), [self.tokens[int(text)] for text in questions]

    def save(self, path: Path) -> None:
        raise NotImplementedError


def test_questions_of_papers_left_out_find_them_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_questions, "EPOCHS", 30)
    monkeypatch.setattr(fit_questions, "RATE", 1e-2)
    draw = np.random.default_rng(0)
    chunks = unit(draw.normal(size=(PAPERS, WIDTH)))
    tokens = tuple(unit(draw.normal(size=(TOKENS, NARROW))) for _ in range(PAPERS))
    parts = tuple(torch.tensor([0, 1, 1, 2, 2, 3]) for _ in range(PAPERS))
    asked = tuple(Asked(str(paper), paper, (1,), torch.ones(3), {}, 1.0) for paper in range(PAPERS))
    papers, encoder = Collection(chunks, torch.arange(PAPERS), tokens, parts, asked), Turned(chunks, tokens)
    kept = [one for one in asked if one.paper % 3]
    held = [one for one in asked if one.paper % 3 == 0]
    before = measures(papers, held, read(encoder, held))
    fit(papers, kept, encoder)
    after = measures(papers, held, read(encoder, held))
    assert after["nDCG@10"] > before["nDCG@10"]
    assert before["questions"] == after["questions"] == len(held)
