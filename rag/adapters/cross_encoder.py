"""A cross-encoder that reads a question beside a whole abstract: how relevant it is, and which sentences answer.

It is the bundled all-MiniLM-L6-v2 with tuned layers: `minilm_reader.npz` holds their difference from the
package's weights (8 bits a weight, a scale a row) and the two heads (`eval/fit_cross_encoder.py`,
docs/decisions/0014). One pass gives both, so that ranking and choosing evidence cost one reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.adapters.device import choose_device, choose_dtype
from rag.errors import ModelError
from rag.injection import statement_spans
from rag.protocols import Read
from rag.types import Paper

if TYPE_CHECKING:
    import torch

FITTED = Path(__file__).parent / "minilm_reader.npz"
# Question and paper together; what is longer is cut at the abstract's end.
MAX_TOKENS = 256
# Papers a pass; they are sorted by length, so padding stays small.
BATCH = 8
# Of a sentence that was cut off, or holds no token.
UNREAD = -12.0


def text_of(paper: Paper) -> tuple[str, int]:
    """What is read of a paper, and where its abstract begins in it."""
    lead = f"{paper.title}. " if paper.title else ""
    return lead + paper.abstract, len(lead)


class MiniLMCrossEncoder:
    """The bundled encoder with the tuned layers. Safe to share between threads."""

    def __init__(self, device: str) -> None:
        """Loads the package's weights and adds what was learnt.

        Raises:
            ModelError: The package or the tuned weights are missing.
        """
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as hf_logging

        from rag.adapters.embedder import bundled_folder

        hf_logging.disable_progress_bar()
        self._device = choose_device(device)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(bundled_folder())
            self._model: Any = AutoModel.from_pretrained(bundled_folder(), dtype=torch.float32)
            with np.load(FITTED, allow_pickle=False) as fitted:
                learnt = {name: fitted[name] for name in fitted.files}
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelError(
                f"The cross-encoder cannot be loaded ({error}). Install paperchat again, or set profile to 'fast'."
            ) from error
        add_learnt(self._model, learnt)
        self._model.to(choose_dtype(self._device)).eval().to(self._device)
        self._heads = {name: torch.from_numpy(learnt[name].astype(np.float32)) for name in learnt if "/" in name}

    def read(self, question: str, papers: Sequence[Paper]) -> list[Read]:
        """Every paper, read beside the question.

        Args:
            question: The standalone question.
            papers: Whose titles and abstracts are read.
        """
        order = sorted(range(len(papers)), key=lambda i: -len(papers[i].abstract))
        found: dict[int, Read] = {}
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            found.update(zip(part, self._read(question, [papers[i] for i in part]), strict=True))
        return [found[i] for i in range(len(papers))]

    def _read(self, question: str, papers: Sequence[Paper]) -> list[Read]:
        import torch

        texts = [text_of(paper) for paper in papers]
        batch = self._tokenizer(
            [question] * len(texts), [text for text, _ in texts], truncation="longest_first", max_length=MAX_TOKENS,
            padding=True, return_tensors="pt", return_offsets_mapping=True,
        )  # fmt: skip
        offsets, second = batch.pop("offset_mapping").numpy(), batch["token_type_ids"].numpy() == 1
        with torch.inference_mode():
            hidden = self._model(**batch.to(self._device)).last_hidden_state.float().cpu()
            whole = hidden[:, 0]
            relevance = (whole @ self._heads["relevance/weight"].T + self._heads["relevance/bias"]).squeeze(-1)
            return [
                Read(
                    float(relevance[row]),
                    self._sentences(hidden[row], whole[row], offsets[row], second[row], paper, texts[row][1]),
                )
                for row, paper in enumerate(papers)
            ]

    def _sentences(
        self,
        hidden: torch.Tensor,
        whole: torch.Tensor,
        offsets: NDArray[np.int64],
        second: NDArray[np.bool_],
        paper: Paper,
        lead: int,
    ) -> tuple[float, ...]:
        import torch

        middle = offsets.sum(axis=1) // 2 - lead
        real = second & (offsets[:, 1] > offsets[:, 0])
        scores = []
        for start, end in statement_spans(paper.abstract):
            inside = real & (middle >= start) & (middle < end)
            if not inside.any():
                scores.append(UNREAD)
                continue
            both = torch.cat([hidden[torch.from_numpy(inside)].mean(0), whole])
            scores.append(float(both @ self._heads["sentence/weight"][0] + self._heads["sentence/bias"][0]))
        return tuple(scores)


def add_learnt(model: Any, learnt: dict[str, NDArray[Any]]) -> None:
    """Adds the stored differences to the model's parameters, in place."""
    import torch

    parameters = dict(model.named_parameters())
    for name, stored in learnt.items():
        if "/" in name or name.endswith(":scale"):
            continue
        scale = learnt.get(f"{name}:scale")
        difference = stored.astype(np.float32) * (1.0 if scale is None else scale.astype(np.float32)[:, None])
        with torch.no_grad():
            parameters[name].add_(torch.from_numpy(difference))
