"""A trained adapter on disk, in peft's own layout, with what `rag.adapters.lora` needs to know beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag.files import whole, whole_text
from rag.protocols import PromptStyle

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
READER = "reader.json"


def write(tuned: Any, folder: Path, name: str, base: str, style: PromptStyle, made: Mapping[str, Any]) -> None:
    """Writes the adapter.

    Args:
        tuned: The peft model.
        folder: For the files.
        name: Of the adapter, as shown to readers.
        base: Name of the model it was trained on.
        style: The prompts it was trained on.
        made: How it was made; for people.

    Raises:
        OSError: A file cannot be written.
    """
    import torch
    from peft import get_peft_model_state_dict
    from safetensors.torch import save

    weights = {
        key: value.detach().to("cpu", torch.bfloat16).contiguous()
        for key, value in get_peft_model_state_dict(tuned).items()
    }
    settings = tuned.peft_config["default"].to_dict()
    shown = {key: settings[key] for key in ("peft_type", "task_type", "r", "lora_alpha", "lora_dropout")}
    shown |= {"target_modules": sorted(settings["target_modules"]), "base_model_name_or_path": base}
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / WEIGHTS) as part:
        part.write_bytes(save(weights))  # `save_file` would make it unreadable for others
    for file, value in (
        (SETTINGS, {key: getattr(v, "value", v) for key, v in shown.items()}),
        (READER, {"name": name, "base": base, "style": asdict(style), "made": dict(made)}),
    ):
        with whole_text(folder / file) as text:
            text.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
