"""The bundled encoder, open for the changes that let it read questions (`rag.adapters.questions`)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import parametrize

from rag.adapters.embedder import TransformersEmbedder
from rag.adapters.questions import DOWN, UP, layers

RANK, SCALE = 16, 2.0
KEPT = 0.8
"""Share of the change that is written: between the model as it is and as it was fitted, questions worded near their
abstracts lose nothing and those worded far lose little (Wortsman et al. 2022; docs/decisions/0020)."""


class LowRank(torch.nn.Module):
    """A weight, shape (outputs, inputs), and what is added to it; nothing at first (Hu et al. 2021, section 4.1)."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.down = torch.nn.Parameter(torch.empty(RANK, inputs).uniform_(-(inputs**-0.5), inputs**-0.5))
        self.up = torch.nn.Parameter(torch.zeros(outputs, RANK))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """The weight with its change."""
        return weight + SCALE * self.up @ self.down


class QuestionFit:
    """An embedding model whose reading of questions is being fitted."""

    def __init__(self, embedder: TransformersEmbedder) -> None:
        """Starts from the model as it is."""
        self._embedder = embedder
        self._model = copy.deepcopy(embedder.encoder).requires_grad_(False)
        self._changes: dict[str, LowRank] = {}
        for name in layers(self._model):
            layer = self._model.get_submodule(name)
            self._changes[name] = LowRank(*layer.weight.shape)
            parametrize.register_parametrization(layer, "weight", self._changes[name])

    def parameters(self) -> list[torch.nn.Parameter]:
        """What is fitted."""
        return [parameter for change in self._changes.values() for parameter in change.parameters()]

    def train(self, mode: bool) -> None:
        """With dropout or without."""
        self._model.train(mode)

    def read(self, questions: Sequence[str]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Vectors, shape (questions, dimension), and the content tokens of each; all of unit length, with gradients."""
        return self._embedder.read_with(self._model, questions)

    def save(self, path: Path) -> None:
        """Writes the share of the changes that is kept, for `rag.adapters.questions`."""
        arrays = {}
        for name, change in self._changes.items():
            arrays[name + DOWN] = change.down.detach().numpy().astype(np.float16)
            arrays[name + UP] = (KEPT * SCALE * change.up).detach().numpy().astype(np.float16)
        np.savez_compressed(path, allow_pickle=False, **arrays)
