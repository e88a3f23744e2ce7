"""The bundled encoder as it reads questions: changed a little, so that they come nearer to what answers them.

People ask in other words than authors write. The bundled model was trained to find texts that say the same; these
changes of low rank were fitted on questions worded far from the abstracts that answer them (`eval/fit_questions.py`,
docs/decisions/0020). Abstracts are read by the model as it is, so an index needs nothing.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

FITTED = Path(__file__).parent / "minilm_questions.npz"
DOWN, UP = ".down", ".up"
"""After a layer's name: its change is the product up x down, shapes (outputs, rank) and (rank, inputs)."""


def asking(model: Any) -> Any:
    """A copy of the bundled encoder with the fitted changes; the embeddings of words are shared with it."""
    import torch

    changed = copy.deepcopy(model, {id(model.embeddings): model.embeddings})
    with np.load(FITTED, allow_pickle=False) as stored, torch.inference_mode():
        for name in layers(model):
            weight = changed.get_submodule(name).weight
            change = stored[name + UP].astype(np.float32) @ stored[name + DOWN].astype(np.float32)
            weight.data = weight.data + torch.from_numpy(change).to(weight)
    return changed


def layers(model: Any) -> list[str]:
    """Names of the layers that are changed: all linear ones, except the pooler, which is not used."""
    import torch

    named = model.named_modules()
    return [name for name, layer in named if isinstance(layer, torch.nn.Linear) and not name.startswith("pooler")]
