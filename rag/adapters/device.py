"""Which device and number format models run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.errors import ConfigError

if TYPE_CHECKING:
    import torch


def choose_device(wanted: str) -> str:
    """`cuda` where wanted and present, else `cpu`.

    Raises:
        ConfigError: CUDA was asked for by name and there is none.
    """
    import torch

    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise ConfigError("device is 'cuda' but this machine has no usable GPU. Use --device auto or cpu.")
    return "cuda" if available and wanted != "cpu" else "cpu"


def choose_dtype(device: str) -> torch.dtype:
    """bf16 wherever the hardware multiplies it natively: half the memory traffic, same ranking.

    Measured on SciFact (stack notes): nDCG@10 .6446 in bf16 against .6451 in fp32, twice the speed.
    Without the instructions bf16 is emulated and slower, so fp32 there.
    """
    import torch

    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    native = torch.ops.mkldnn._is_mkldnn_bf16_supported() and torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32
