"""The training loop: LoRA on all linear layers, loss on the answer alone, resumable to the same result.

The adapter's weights are kept in fp32 beside the copies in the model's own number format: in bf16 alone an update
smaller than 1/256 of a weight would be lost.
"""

from __future__ import annotations

import math
import random
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


@dataclass(slots=True)
class Progress:
    """What a step tells."""

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


def train(
    model: Trainable,
    examples: Sequence[Encoded],
    held_out: Sequence[Encoded],
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool = False,
    every: int = 50,
    on_step: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Trained, Any]:
    """Trains and leaves a checkpoint in `folder` every `every` steps, at the end and where `stop` says so.

    Args:
        model: The base model; it gets LoRA layers.
        examples: To train on.
        held_out: To measure the loss on; may be empty.
        recipe: How.
        folder: For the checkpoint.
        resume: Go on from the checkpoint.
        every: Steps between checkpoints.
        on_step: Told after each step.
        stop: Asked after each step.

    Returns:
        What came of it, and the peft model with the trained weights.

    Raises:
        ModelError: peft is not installed.
        UsageError: There is no checkpoint to go on from, or it is of another training.
        OSError: A checkpoint cannot be written.
    """
    import torch

    if not examples:
        raise UsageError("There is nothing to train on. Give more questions, or hold out fewer of them.")
    random.seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    tuned = _with_lora(model, recipe)
    copies = [p for p in tuned.parameters() if p.requires_grad]
    masters = [torch.nn.Parameter(p.detach().float().clone()) for p in copies]
    optimizer = torch.optim.AdamW(masters, lr=recipe.learning_rate, weight_decay=0.0)
    plan = _plan(examples, recipe)
    done = Trained(steps=len(plan))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, len(plan), recipe.warm_up))
    identity = _identity(model, examples, held_out, recipe)
    path = folder / CHECKPOINT

    def save() -> None:
        state = {
            "identity": identity,
            "masters": [m.detach() for m in masters],
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if model.device == "cuda" else [],
            "done": asdict(done),
        }
        with whole(path) as part:
            torch.save(state, part)

    if resume:
        state = _checkpoint(path, identity)
        for master, kept in zip(masters, state["masters"], strict=True):
            master.data.copy_(kept)
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["rng"])
        if state["cuda_rng"]:
            torch.cuda.set_rng_state_all(state["cuda_rng"])
        done = Trained(**state["done"])
        _copy(masters, copies)
    elif held_out:
        done.held_out["before"] = loss_of(tuned, held_out, recipe.batch_tokens, model.device)

    all_tokens = sum(_size(batch) for batch in plan)
    tuned.train()
    begun, before = time.perf_counter(), done.seconds
    while done.step < len(plan):
        batch = plan[done.step]
        total, count = _loss(tuned, batch, model.device)
        loss = total / count
        loss.backward()
        for master, copy in zip(masters, copies, strict=True):
            master.grad = None if copy.grad is None else copy.grad.float()
            copy.grad = None
        torch.nn.utils.clip_grad_norm_(masters, recipe.clip)
        optimizer.step()
        schedule.step()
        _copy(masters, copies)
        done.step += 1
        done.tokens += _size(batch)
        done.losses.append(float(loss.detach()))
        done.seconds = before + time.perf_counter() - begun
        on_step(Progress(done.step, len(plan), done.losses[-1], done.tokens, all_tokens))
        stopped = stop()
        if stopped or done.step % every == 0 or done.step == len(plan):
            save()
        if stopped:
            break
    if held_out and done.step == len(plan):
        done.held_out["after"] = loss_of(tuned, held_out, recipe.batch_tokens, model.device)
    return done, tuned


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


def _with_lora(model: Trainable, recipe: Recipe) -> Any:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise ModelError("Training needs the package peft. Run: pip install --no-deps peft==0.21.2") from error
    settings = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    tuned = get_peft_model(model.model, settings, autocast_adapter_dtype=False)
    for parameter in tuned.parameters():
        parameter.grad = None
    return tuned


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


def _copy(masters: Sequence[Any], copies: Sequence[Any]) -> None:
    import torch

    with torch.no_grad():
        for master, copy in zip(masters, copies, strict=True):
            copy.copy_(master)


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
