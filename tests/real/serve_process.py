"""`python -m tests.real.serve_process serve ...`: a server to be harmed.

Everything is real but the embedding model, whose place a hashed bag of words takes: the process starts in a
few seconds. The vector graph is written every few records, not every thousand, so that there is a file of it
to harm. `ingest` works as well and makes such an index.

While the file that `MEMORY_SWITCH` names exists, the language model runs out of memory in the middle of
every answer.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ingest import pipeline
from rag import build
from rag.adapters import chroma
from tests.fakes import FakeEmbedder

SWITCH = "MEMORY_SWITCH"


def harm_the_model(switch: Path) -> None:
    """Makes `generate` fail as torch does, after the first words, while the file exists."""
    from rag.adapters import local

    put, end = local._TextPieces.put, local._TextPieces.end

    def fail() -> None:
        if switch.exists():
            import torch

            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    def failing_put(self: Any, ids: Any) -> None:
        if self._ids:
            fail()
        put(self, ids)

    def failing_end(self: Any) -> None:
        fail()
        end(self)

    local._TextPieces.put = failing_put  # type: ignore[method-assign]
    local._TextPieces.end = failing_end  # type: ignore[method-assign]


def main() -> None:
    """`paperchat` with what stands above."""
    chroma.HNSW = {"space": "cosine", "sync_threshold": 60, "batch_size": 20}
    pipeline.WRITE_BATCH = pipeline.READ_BATCH = 40
    build.embedding_name = lambda config: FakeEmbedder.name  # type: ignore[assignment]
    build.build_embedder = lambda config, **_: FakeEmbedder()  # type: ignore[assignment]
    if SWITCH in os.environ:
        harm_the_model(Path(os.environ[SWITCH]))
    from ui.cli import main as paperchat

    sys.exit(paperchat())


if __name__ == "__main__":
    main()
