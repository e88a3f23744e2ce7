"""`python -m tests.real.ingest_process INDEX FILE`: an ingest to be killed.

Everything is real but the embedding model, whose place a hashed bag of words takes: the process
starts in a second and spends its time in the stores, where a kill could do harm. Batches are small,
so that a kill meets many beginnings and ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ingest import pipeline
from rag import build
from rag.adapters import chroma
from rag.config import Config
from rag.index import Index
from tests.fakes import FakeEmbedder

BATCH = 40


def open_index(folder: Path) -> Index:
    """The index, created where there is none; its vector graph is written every few records, not every thousand."""
    chroma.HNSW = {"space": "cosine", "sync_threshold": 60, "batch_size": 20}
    config = Config(index=folder, embedding_model=FakeEmbedder.name)
    return build.create_index(config, lambda: FakeEmbedder.dimension, lambda: "fake")


def run(folder: Path, file: Path) -> None:
    """One ingest."""
    pipeline.WRITE_BATCH = pipeline.READ_BATCH = BATCH
    report = pipeline.ingest([file], open_index(folder), FakeEmbedder)
    sys.stdout.write(f"{report.new} {report.updated} {report.unchanged}\n")


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
