"""A language model in this process, with transformers: CUDA in bf16 where there is a GPU, else the CPU."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rag.adapters import bundled, lora
from rag.adapters.device import choose_device, choose_dtype
from rag.adapters.hub import require
from rag.config import BUNDLED
from rag.errors import GenerationError, ModelError
from rag.protocols import UNTUNED, GenerationLimits, Message
from rag.turns import FairQueue

log = logging.getLogger(__name__)

# Answers quote their evidence, so the prompt itself is a good draft; token for token the text stays the same. The tuned
# reader takes whole sentences over: 24 development questions in 1.0 s each instead of 1.35 with 10 (fp32, AVX2), and
# untuned it is no slower, since reading 33 tokens at once costs little more than reading one.
PROMPT_LOOKUP_TOKENS = 32
DONE = object()
# Ends a prompt that is plain text.
ANSWER = "Answer:\n"


class LocalGenerator:
    """One model, one answer at a time, in the order of asking."""

    def __init__(self, model: str, device: str, cache: Path, adapter: str = lora.NONE) -> None:
        """Loads `model`: `bundled`, a folder, or a hub name; `adapter` as in `rag.adapters.lora.find`.

        Raises:
            ModelError: There is no such model, here or on the hub, or no such adapter for it.
        """
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging as hf_logging

        hf_logging.disable_progress_bar()
        source = str(bundled.ensure_converted(cache)) if model == BUNDLED else model
        self.name = bundled.NAME if model == BUNDLED else model.rstrip("/").rpartition("/")[2] or model
        self.device = choose_device(device)
        tuned = lora.find(adapter, self.name)
        self.style = tuned.style if tuned else UNTUNED
        if model != BUNDLED:
            require(model, "language model")
        try:
            # Said, not left out: where it is left out, transformers asks at the terminal.
            self._tokenizer: Any = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
            self._model: Any = AutoModelForCausalLM.from_pretrained(
                source, dtype=choose_dtype(self.device), use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelError(
                f"The language model {model!r} cannot be loaded. Give 'bundled', a folder with a transformers "
                "model, a name on the model hub, or the URL of an OpenAI-compatible server."
            ) from error
        if tuned:
            lora.merge(self._model, tuned)
            self.name = f"{self.name} + {tuned.name}"
        self._model.eval().to(self.device)
        # A single character is punctuation that some model has made its own, not markup.
        self._special = sorted((t for t in self._tokenizer.all_special_tokens if len(t) > 2), key=len, reverse=True)
        self._queue = FairQueue()

    @property
    def context_tokens(self) -> int:
        """Longest prompt plus answer, in tokens."""
        return int(getattr(self._model.config, "max_position_embeddings", 4096))

    def count_tokens(self, text: str) -> int:
        """Length of `text` in this model's tokens."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Length of the prompt that these messages make, template included."""
        return len(self.encode(messages))

    def waiting(self) -> int:
        """Answers being written or queued now."""
        return self._queue.waiting()

    def stream(self, messages: Sequence[Message], limits: GenerationLimits, cancel: threading.Event) -> Iterator[str]:
        """Yields text as it is written; see `rag.protocols.Generator`."""
        with self._queue.turn(cancel) as mine:
            if not mine:
                return
            pieces: queue.Queue[object] = queue.Queue()
            stop = threading.Event()
            writer = threading.Thread(
                target=self._write, args=(self.encode(messages), limits, cancel, stop, pieces), daemon=True
            )
            writer.start()
            try:
                yield from _drain(pieces)
            finally:
                # A reader that went away must not leave the model computing.
                stop.set()
                writer.join()

    @property
    def model(self) -> Any:
        """The transformers model itself, for training."""
        return self._model

    def encode_answer(self, text: str) -> list[int]:
        """What the model has to write for `text` to be its whole answer: its tokens and the end."""
        ids: list[int] = self._tokenizer.encode(self._plain(text), add_special_tokens=False)
        return [*ids, self._tokenizer.eos_token_id]

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The prompt in tokens, in the model's style: exactly what it reads when it answers."""
        told = [{**message, "content": self._plain(message["content"])} for message in messages]
        ids: list[int]
        if self.style.template:
            ids = self._tokenizer.apply_chat_template(told, add_generation_prompt=True, return_dict=False)
        else:
            ids = self._tokenizer.encode("\n\n".join([*(m["content"] for m in told), ANSWER]))
        return ids

    def _plain(self, text: str) -> str:
        """Text in which none of this model's own special tokens is one: whatever `rag.prompt` does not know."""
        for token in self._special:
            text = text.replace(token, f"{token[:1]} {token[1:]}")
        return text

    def _write(
        self,
        prompt: list[int],
        limits: GenerationLimits,
        cancel: threading.Event,
        stop: threading.Event,
        pieces: queue.Queue[object],
    ) -> None:
        try:
            self._generate(prompt, limits, lambda: cancel.is_set() or stop.is_set(), pieces)
        except Exception as error:  # whatever the model raises must reach the reader, not the thread's grave
            log.exception("generation failed")
            pieces.put(error)
        finally:
            pieces.put(DONE)

    def _generate(self, prompt: list[int], limits: GenerationLimits, stopped: Any, pieces: Any) -> None:
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        class StopWhenAsked(StoppingCriteria):  # type: ignore[misc]
            def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
                return torch.full((input_ids.shape[0],), stopped(), device=input_ids.device, dtype=torch.bool)

        ids = torch.tensor([prompt], device=self.device)
        with torch.inference_mode():
            self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=limits.max_new_tokens,
                do_sample=False,
                # Sampling settings of the model's own configuration do not apply to greedy decoding.
                temperature=None,
                top_p=None,
                top_k=None,
                prompt_lookup_num_tokens=PROMPT_LOOKUP_TOKENS,
                pad_token_id=self._tokenizer.eos_token_id,
                stopping_criteria=StoppingCriteriaList([StopWhenAsked()]),
                streamer=_TextPieces(self._tokenizer, pieces),
            )


class _TextPieces:
    """Receives token ids from `generate` and passes on text whose last word is complete."""

    def __init__(self, tokenizer: Any, pieces: queue.Queue[object]) -> None:
        self._tokenizer = tokenizer
        self._pieces = pieces
        self._ids: list[int] = []
        self._sent = 0
        self._prompt_seen = False

    def put(self, ids: Any) -> None:
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        self._ids += ids.reshape(-1).tolist()
        text = self._tokenizer.decode(self._ids, skip_special_tokens=True)
        # A replacement character at the end is half of a multi-byte character.
        if not text.endswith("\ufffd"):
            self._send(text)

    def end(self) -> None:
        self._send(self._tokenizer.decode(self._ids, skip_special_tokens=True))

    def _send(self, text: str) -> None:
        if len(text) > self._sent:
            self._pieces.put(text[self._sent :])
            self._sent = len(text)


def _drain(pieces: queue.Queue[object]) -> Iterator[str]:
    while (piece := pieces.get()) is not DONE:
        if isinstance(piece, Exception):
            raise GenerationError(_reason(piece)) from piece
        yield str(piece)


def _reason(error: Exception) -> str:
    if "out of memory" in str(error).lower():
        return "The model ran out of memory. Ask again, lower --evidence-tokens, or use a smaller model."
    return f"The model failed while writing ({type(error).__name__}). Ask again, or choose another --model."
