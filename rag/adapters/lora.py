"""LoRA adapters: found by name, checked against their base, and merged into it once.

Merging costs under a second at the start and nothing per word, and it needs no peft. The file layout is peft's own
(`adapter_config.json`, `adapter_model.safetensors`); `reader.json` beside it says what peft does not know: how the
tuned model wants its prompt (`rag.protocols.PromptStyle`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import ModelError
from rag.protocols import PromptStyle

SHIPPED = Path(__file__).parent / "readers"
WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
READER = "reader.json"
AUTO, NONE = "auto", "none"
# The shipped adapter that `auto` takes, by name of the model it was trained on.
DEFAULTS = {"SmolLM2-135M-Instruct": "grounded"}
# What peft writes in front of a module's name.
_PREFIX = "base_model.model."


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter on disk.

    Attributes:
        name: As shown to the reader.
        folder: Where its files lie.
        base: Name of the model it was trained on; empty where its files do not tell.
        style: How the tuned model wants its prompt.
    """

    name: str
    folder: Path
    base: str
    style: PromptStyle


def shipped() -> list[str]:
    """Names of the adapters that come with the program."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{WEIGHTS}"))


def find(name: str, base: str) -> Adapter | None:
    """The adapter that a setting names, for the model `base`.

    Args:
        name: A shipped adapter, a folder, `auto` (the shipped one for this model, if there is one), or `none`.
        base: Name of the model it shall be merged into.

    Raises:
        ModelError: There is no such adapter, its files are damaged, or it was trained on another model.
    """
    if name == AUTO:
        name = DEFAULTS.get(base, NONE)
    if name in (NONE, ""):
        return None
    folder = SHIPPED / name if name in shipped() else Path(name).expanduser()
    if not (folder / WEIGHTS).is_file() or not (folder / SETTINGS).is_file():
        known = ", ".join(shipped()) or "none yet"
        raise ModelError(
            f"There is no adapter {name!r}. Give a folder that 'paperchat tune' wrote, the name of a shipped one "
            f"({known}), or 'none'."
        )
    adapter = _read(folder)
    if adapter.base and adapter.base != base:
        raise ModelError(
            f"The adapter {adapter.name} was trained on {adapter.base}, not on {base}. "
            f"Set --model to that model, or --adapter to none."
        )
    return adapter


def merge(model: Any, adapter: Adapter) -> None:
    """Adds the adapter to the weights of `model` (a transformers model), in place: W + (alpha / r) B A.

    Raises:
        ModelError: A file is damaged, of a kind that cannot be merged, or does not fit the model.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    settings = _settings(adapter.folder)
    if settings.get("use_dora") or settings.get("peft_type", "LORA") != "LORA":
        raise ModelError(f"The adapter {adapter.name} is not plain LoRA. Train one with 'paperchat tune'.")
    rank, alpha = int(settings["r"]), float(settings["lora_alpha"])
    scale = alpha / (rank**0.5 if settings.get("use_rslora") else rank)
    try:
        weights = load_file(adapter.folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The adapter in {adapter.folder} is damaged ({error}). Train or copy it again.") from error
    modules = dict(model.named_modules())
    names = [key.removesuffix(".lora_A.weight") for key in weights if key.endswith(".lora_A.weight")]
    with torch.no_grad():
        for name in names:
            layer = modules.get(name.removeprefix(_PREFIX))
            down, up = weights[f"{name}.lora_A.weight"], weights[f"{name}.lora_B.weight"]
            if layer is None or tuple(layer.weight.shape) != (up.shape[0], down.shape[1]):
                raise ModelError(
                    f"The adapter {adapter.name} does not fit this model (at {name.removeprefix(_PREFIX)}). "
                    "Set --model to the model it was trained on, or --adapter to none."
                )
            change = scale * (up.float() @ down.float()).to(layer.weight.device)
            layer.weight.copy_(layer.weight.float() + change)
    if not names:
        raise ModelError(f"The adapter in {adapter.folder} holds no LoRA weights. Train or copy it again.")


def _read(folder: Path) -> Adapter:
    settings = _settings(folder)
    base = str(settings.get("base_model_name_or_path") or "").rstrip("/").rpartition("/")[2]
    told: dict[str, Any] = {}
    if (folder / READER).is_file():
        told = _json(folder / READER)
    try:
        style = PromptStyle(**told.get("style", {}))
    except TypeError as error:
        raise ModelError(
            f"{folder / READER} describes a prompt that this version does not know ({error}). Update paperchat."
        ) from error
    return Adapter(str(told.get("name", folder.resolve().name)), folder, str(told.get("base", base)), style)


def _settings(folder: Path) -> dict[str, Any]:
    settings = _json(folder / SETTINGS)
    if missing := {"r", "lora_alpha"} - settings.keys():
        raise ModelError(f"{folder / SETTINGS} has no {min(missing)!r}. Train or copy the adapter again.")
    return settings


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}). Train or copy the adapter again.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} is not an object. Train or copy the adapter again.")
    return value
