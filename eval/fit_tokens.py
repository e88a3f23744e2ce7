"""Fits the projection of token vectors for the bundled embedding model: the main directions of content tokens.

    python -m eval.fit_tokens ../shared/data --output rag/adapters/minilm_tokens.npz

Abstracts alone, no question and no judgement: the first by hash of arxiv_cs (2,000), pubmedqa and scitldr (500 each).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag import build
from rag.config import Config
from rag.text import readable

SAMPLE = {"arxiv_cs/corpus.jsonl.gz": 2000, "pubmedqa/corpus.jsonl": 500, "scitldr/corpus.jsonl.gz": 500}
DIMENSIONS = 64
BATCH = 64


def main() -> None:
    """Writes the projection and prints the share of the variance that it keeps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    texts = [text for file, count in SAMPLE.items() for text in sample(arguments.data / file, count)]
    mean, directions, shares = fit(texts)
    np.savez_compressed(arguments.output, mean=mean.astype(np.float16), basis=directions.astype(np.float16))
    print(  # noqa: T201  # a script for people to run
        json.dumps({"abstracts": len(texts), "variance kept": round(float(shares[:DIMENSIONS].sum()), 3)})
    )


def sample(corpus: Path, count: int) -> list[str]:
    """The first abstracts of a BEIR corpus by the hash of their ids, each with its title in front."""
    opened: Any = gzip.open if corpus.suffix == ".gz" else open
    with opened(corpus, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    records.sort(key=lambda r: hashlib.sha1(f"basis{r['_id']}".encode(), usedforsecurity=False).hexdigest())
    return [f"{readable(r.get('title', ''))}. {readable(r['text'])}" for r in records[:count]]


def fit(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean content token, the first directions (dimension of the model, 64), and each direction's share."""
    embedder = build.build_embedder(Config.load({}), whole_tokens=True)
    products, total, count = np.zeros((embedder.dimension, embedder.dimension)), np.zeros(embedder.dimension), 0
    for start in range(0, len(texts), BATCH):
        _, tokens = embedder.embed_tokens(texts[start : start + BATCH])
        rows = np.concatenate([own.vectors for own in tokens]).astype(np.float64)
        products, total, count = products + rows.T @ rows, total + rows.sum(axis=0), count + len(rows)
    mean = total / count
    shares, directions = np.linalg.eigh(products / count - np.outer(mean, mean))
    return mean, directions[:, ::-1][:, :DIMENSIONS], shares[::-1] / shares.sum()


if __name__ == "__main__":
    main()
