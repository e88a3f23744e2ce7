"""Is there such a model? Asked once and briefly, before transformers would ask for a minute."""

from __future__ import annotations

import logging
from pathlib import Path

from rag.errors import ModelError

SECONDS = 5.0


def require(model: str, kind: str) -> None:
    """Makes sure that `model` is a folder, in the hub's cache, or on the hub.

    Args:
        model: A folder or a hub name.
        kind: "language model" or "embedding model", for the message.

    Raises:
        ModelError: It is none of them, or the hub cannot be reached.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    if Path(model).is_dir():
        return
    try:
        if isinstance(try_to_load_from_cache(model, "config.json"), str):
            return
        HfApi().model_info(model, timeout=SECONDS)
    except HFValidationError as error:
        raise ModelError(
            f"The {kind} {model!r} cannot be loaded: it is neither a folder nor a name on the model hub. "
            "Give 'bundled', an existing folder, or a hub name such as 'owner/name'."
        ) from error
    except Exception as error:  # the hub client raises its own errors and those of its HTTP library
        raise ModelError(
            f"The {kind} {model!r} cannot be loaded: it is no folder, not in the cache, and the model hub does not "
            f"offer it ({type(error).__name__}). Check the name and the network, or give 'bundled'."
        ) from error
