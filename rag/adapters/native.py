"""Panics of native cores: the stores' Rust sides raise them as what no `except Exception` catches."""

from __future__ import annotations


def is_panic(error: BaseException) -> bool:
    """Did a core written in Rust give up in the middle? Its memory is sound, what it read is not."""
    return type(error).__name__ == "PanicException"
