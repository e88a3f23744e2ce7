"""The training loop: LoRA on all linear layers, loss on the answer alone, resumable to the same result.

The adapter's weights are kept in fp32 beside the copies in the model's own number format: in bf16 alone an update
smaller than 1/256 of a weight would be lost.
"""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from rag.errors import ModelError, UsageError
from rag.files import whole
from rag.protocols import Trainable
from rag.tuning.batches import Encoded, batches

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the adapter is trained.

    Attributes:
        rank: Of the LoRA matrices.
        alpha: Their change is scaled by alpha / rank.
        dropout: On their input.
        learning_rate: Highest, after the warm-up.
        warm_up: Share of all steps in which it rises.
        epochs: Passes over the examples.
        batch_tokens: Tokens in a step, padding included.
        clip: Largest norm of a gradient.
        seed: Of initial weights, order and dropout.
        longest: Examples with more tokens are left out.
        steps: At most that many; 0: as many as the epochs have.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    learning_rate: float = 2e-4
    warm_up: float = 0.05
    epochs: int = 2
    batch_tokens: int = 1024
    clip: float = 1.0
    seed: int = 0
    longest: int = 2048
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come after a step; `all_tokens` are those of all steps."""

    step: int
    steps: int
    loss: float
    tokens: int
    all_tokens: int


@dataclass(slots=True)
class Trained:
    """What came of it.

    Attributes:
        losses: Of each step.
        held_out: Mean loss of a held-out target token, before and after.
        step: Steps done.
        steps: Steps wanted; more than done after a stop.
        seconds: Of all parts of the run.
        tokens: Read in training.
    """

    losses: list[float] = field(default_factory=list)
    held_out: dict[str, float] = field(default_factory=dict)
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks on while the model is trained.

    Attributes:
        stepped: Told after each step.
        stopped: Asked after each step.
    """

    stepped: Callable[[Progress], None] = lambda progress: None
    stopped: Callable[[], bool] = lambda: False


class Training:
    """A model with LoRA layers, and how far its training has come."""

    def __init__(
        self, model: Trainable, examples: Sequence[Encoded], held_out: Sequence[Encoded], recipe: Recipe
    ) -> None:
        """Puts fresh LoRA layers into `model`.

        Raises:
            ModelError: peft is not installed.
            UsageError: There is no example.
        """
        import torch

        if not examples:
            raise UsageError("There is nothing to train on. Give more questions, or hold out fewer of them.")
        self._device = model.device
        self._held_out = held_out
        self._recipe = recipe
        self._plan = _plan(examples, recipe)
        self._identity = _identity(model, examples, held_out, recipe)
        torch.manual_seed(recipe.seed)
        self.tuned = with_lora(model, recipe)
        self._copies = [p for p in self.tuned.parameters() if p.requires_grad]
        self._masters = [torch.nn.Parameter(p.detach().float().clone()) for p in self._copies]
        self._optimizer = torch.optim.AdamW(self._masters, lr=recipe.learning_rate, weight_decay=0.0)
        steps = len(self._plan)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: rate(step, steps, recipe.warm_up)
        )
        self.done = Trained(steps=steps)

    def run(self, path: Path, *, every: int, watch: Watch) -> Trained:
        """Trains to the end or a stop; leaves a checkpoint every `every` steps, at the end and at a stop.

        Raises:
            OSError: A checkpoint cannot be written.
        """
        done = self.done
        if self._held_out and not done.step:
            done.held_out["before"] = self._held_out_loss()
        self.tuned.train()
        begun, before = time.perf_counter(), done.seconds
        all_tokens = sum(map(_size, self._plan))
        while done.step < done.steps:
            self._step(self._plan[done.step])
            done.seconds = before + time.perf_counter() - begun
            watch.stepped(Progress(done.step, done.steps, done.losses[-1], done.tokens, all_tokens))
            stopped = watch.stopped()
            if stopped or done.step % every == 0 or done.step == done.steps:
                self.save(path)
            if stopped:
                break
        if self._held_out and done.step == done.steps:
            done.held_out["after"] = self._held_out_loss()
        return done

    def save(self, path: Path) -> None:
        """Writes everything that the next step depends on.

        Raises:
            OSError: It cannot be written.
        """
        import torch

        state = {
            "identity": self._identity,
            "masters": [master.detach() for master in self._masters],
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if self._device == "cuda" else [],
            "done": asdict(self.done),
        }
        with whole(path) as part:
            try:
                torch.save(state, part)
            except RuntimeError as error:  # what torch makes of a full disk
                raise OSError(str(error)) from error

    def load(self, path: Path) -> None:
        """Goes back to where a checkpoint was written.

        Raises:
            UsageError: There is none, it is damaged, or it is of another training.
        """
        import torch

        state = _checkpoint(path, self._identity)
        with torch.no_grad():
            for master, kept in zip(self._masters, state["masters"], strict=True):
                master.copy_(kept)
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["rng"])
        if state["cuda_rng"]:
            torch.cuda.set_rng_state_all(state["cuda_rng"])
        self.done = Trained(**state["done"])
        self._copy()

    def _step(self, batch: Sequence[Encoded]) -> None:
        import torch

        total, count = _loss(self.tuned, batch, self._device)
        loss = total / count
        loss.backward()
        for master, copy in zip(self._masters, self._copies, strict=True):
            master.grad = None if copy.grad is None else copy.grad.float()
            copy.grad = None
        torch.nn.utils.clip_grad_norm_(self._masters, self._recipe.clip)
        self._optimizer.step()
        self._schedule.step()
        self._copy()
        self.done.step += 1
        self.done.tokens += _size(batch)
        self.done.losses.append(float(loss.detach()))

    def _copy(self) -> None:
        import torch

        with torch.no_grad():
            for master, copy in zip(self._masters, self._copies, strict=True):
                copy.copy_(master)

    def _held_out_loss(self) -> float:
        import torch

        # Dropout is off, but nothing measured may touch what the next step draws.
        state = torch.get_rng_state()
        loss = loss_of(self.tuned, self._held_out, self._recipe.batch_tokens, self._device)
        torch.set_rng_state(state)
        return loss


def rate(step: int, steps: int, warm_up: float) -> float:
    """Share of the highest learning rate: rises in a line, then falls along a cosine to nothing."""
    rising = max(1, math.ceil(warm_up * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def loss_of(tuned: Any, examples: Sequence[Encoded], batch_tokens: int, device: str) -> float:
    """Mean loss of a target token, without dropout."""
    import torch

    tuned.eval()
    total, count = 0.0, 0
    with torch.inference_mode():
        for batch in batches(examples, batch_tokens):
            loss, tokens = _loss(tuned, batch, device)
            total, count = total + float(loss), count + tokens
    tuned.train()
    return total / count


def require_peft() -> None:
    """Raises where peft is not installed.

    Raises:
        ModelError: It is not.
    """
    if importlib.util.find_spec("peft") is None:
        raise ModelError("Training needs the package peft. Run: pip install --no-deps peft==0.21.2")


def with_lora(model: Trainable, recipe: Recipe) -> Any:
    """`model` with untrained LoRA layers in all its linear layers but the head."""
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model.model, settings, autocast_adapter_dtype=False)


def _loss(tuned: Any, batch: Sequence[Encoded], device: str) -> tuple[Any, int]:
    """Summed loss of the target tokens, and their number; the head computes those places only."""
    import torch

    longest = max(map(len, batch))
    ids = torch.zeros((len(batch), longest), dtype=torch.long)
    mask = torch.zeros_like(ids)
    wanted = torch.zeros_like(ids, dtype=torch.bool)
    labels: list[int] = []
    for row, example in enumerate(batch):
        ids[row, : len(example)] = torch.tensor(example.prompt + example.target)
        mask[row, : len(example)] = 1
        wanted[row, len(example.prompt) - 1 : len(example) - 1] = True
        labels += example.target
    causal = tuned.get_base_model()
    hidden = causal.get_decoder()(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
    logits = causal.get_output_embeddings()(hidden[wanted.to(device)]).float()
    target = torch.tensor(labels, device=logits.device)
    return torch.nn.functional.cross_entropy(logits, target, reduction="sum"), len(labels)


def _plan(examples: Sequence[Encoded], recipe: Recipe) -> list[list[Encoded]]:
    """Every step's batch, of all epochs."""
    plan = [
        batch
        for epoch in range(recipe.epochs)
        for batch in batches(examples, recipe.batch_tokens, f"{recipe.seed} {epoch}")
    ]
    return plan[: recipe.steps] if recipe.steps else plan


def _size(batch: Sequence[Encoded]) -> int:
    return sum(map(len, batch))


def _identity(model: Trainable, examples: Sequence[Encoded], held_out: Sequence[Encoded], recipe: Recipe) -> str:
    parts = [model.name, str(model.style), str(recipe), *(f"{e.prompt}{e.target}" for e in (*examples, *held_out))]
    return sha256("\0".join(parts).encode()).hexdigest()


def _checkpoint(path: Path, identity: str) -> dict[str, Any]:
    import pickle

    import torch

    if not path.is_file():
        raise UsageError(f"There is no checkpoint {path} to go on from. Leave --resume out.")
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        kept = state["identity"]
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise UsageError(f"The checkpoint {path} is damaged. Delete it and train without --resume.") from error
    if kept != identity:
        raise UsageError(
            f"The checkpoint {path} is of another training (examples, model or settings differ). "
            "Give the same ones, another --output, or leave --resume out."
        )
    return state
