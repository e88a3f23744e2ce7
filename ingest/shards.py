"""Records embedded elsewhere: a folder of Parquet shards, made by `paperchat embed`, loaded by `paperchat ingest`.

    shards.json            what they were embedded with, and how many there are
    records-00000.parquet  `record`: a paper as JSON
    vectors-00000.parquet  `record`, `spans` (of its chunks), `vectors` (one a chunk) and packed `tokens`

Each file appears under its name only when it is whole, so a run cut short goes on at the first that
is missing.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ingest.records import Records
from ingest.split import Embedded
from rag.errors import IndexMismatchError, SourceError
from rag.files import whole, whole_text
from rag.index import Manifest
from rag.late import Tokens, pack, unpack
from rag.protocols import Vectors
from rag.serialize import paper_from_dict, paper_to_dict
from rag.types import Chunk, Paper

MANIFEST = "shards.json"
ROW_GROUP = 256


@dataclass(frozen=True, slots=True)
class ShardsManifest:
    """What a folder of shards holds; `model` and `chunking` must be the index's own."""

    model: str
    dimension: int
    chunking: str
    shards: int
    papers: int


class Premade:
    """Vectors that came with their papers, kept until the papers are written."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Sequence[tuple[int, int]], Vectors, Tokens]] = {}
        # Two records may have the same text.
        self._wanted: Counter[str] = Counter()

    def add(self, paper: Paper, spans: Sequence[tuple[int, int]], vectors: Vectors, tokens: Tokens) -> None:
        """Keeps the vectors of a paper's chunks, and those of its tokens."""
        key = _key(paper)
        self._held[key] = spans, vectors, tokens
        self._wanted[key] += 1

    def take(self, paper: Paper) -> Embedded | None:
        """This paper, embedded; `None` where its text is not the one embedded."""
        held = self._held.get(_key(paper))
        if held is None:
            return None
        self.drop(paper)
        spans, vectors, tokens = held
        return Embedded([(paper, tuple(Chunk(paper, *span) for span in spans))], vectors, {paper.id: tokens})

    def drop(self, paper: Paper) -> None:
        """This record needs its vectors no more."""
        key = _key(paper)
        if key not in self._held:
            return
        self._wanted[key] -= 1
        if self._wanted[key] <= 0:
            del self._held[key], self._wanted[key]


def _key(paper: Paper) -> str:
    return hashlib.sha256(f"{paper.title}\0{paper.abstract}".encode()).hexdigest()


def is_shards(folder: Path) -> bool:
    """Is this a folder of shards?"""
    try:
        return (folder / MANIFEST).is_file()
    except OSError:  # an address, or a name that no file can have
        return False


def read_manifest(folder: Path) -> ShardsManifest:
    """What the folder holds.

    Raises:
        SourceError: Its manifest is damaged.
    """
    try:
        return ShardsManifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SourceError(f"{folder / MANIFEST} is damaged ({error}). Run 'paperchat embed' again.") from error


def check_shards(folder: Path, index: Manifest) -> None:
    """Refuses vectors that do not belong into this index; any other folder or file passes.

    Raises:
        IndexMismatchError: Another model, or another way of cutting, made them.
    """
    if not is_shards(folder):
        return
    made = read_manifest(folder)
    ours = (index.embedding_model, index.dimension, index.chunking)
    if (made.model, made.dimension, made.chunking) != ours:
        raise IndexMismatchError(
            f"The shards in {folder} were embedded with {made.model} ({made.chunking}), the index with "
            f"{index.embedding_model} ({index.chunking}). Embed them again, or ingest into a new --index folder."
        )


def write_manifest(folder: Path, manifest: ShardsManifest) -> None:
    """Writes it whole or not at all."""
    with whole_text(folder / MANIFEST) as file:
        file.write(json.dumps(asdict(manifest), indent=1) + "\n")


def records_path(folder: Path, number: int) -> Path:
    """Where a shard's records are."""
    return folder / f"records-{number:05}.parquet"


def vectors_path(folder: Path, number: int) -> Path:
    """Where a shard's vectors are."""
    return folder / f"vectors-{number:05}.parquet"


def write_records(path: Path, papers: Sequence[Paper]) -> None:
    """One shard of records."""
    _write(path, {"record": [json.dumps(paper_to_dict(paper), ensure_ascii=False) for paper in papers]})


def write_vectors(path: Path, embedded: Embedded) -> None:
    """One shard of embedded records."""
    own: list[list[list[float]]] = []
    start = 0
    for _, chunks in embedded.rows:
        own.append(embedded.vectors[start : start + len(chunks)].tolist())
        start += len(chunks)
    _write(
        path,
        {
            "record": [json.dumps(paper_to_dict(paper), ensure_ascii=False) for paper, _ in embedded.rows],
            "spans": [[[chunk.start, chunk.end] for chunk in chunks] for _, chunks in embedded.rows],
            "vectors": own,
            "tokens": [pack(embedded.tokens[paper.id]) for paper, _ in embedded.rows],
        },
    )


def _write(path: Path, columns: dict[str, list[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = {
        "record": pa.string(),
        "spans": pa.list_(pa.list_(pa.int32())),
        "vectors": pa.list_(pa.list_(pa.float32())),
        "tokens": pa.binary(),
    }
    table = pa.table({name: pa.array(values, schema[name]) for name, values in columns.items()})
    with whole(path) as part:
        pq.write_table(table, part, row_group_size=ROW_GROUP)


def read_records(path: Path) -> list[Paper]:
    """The papers of one shard of records."""
    import pyarrow.parquet as pq

    return [paper_from_dict(json.loads(text)) for text in pq.read_table(path)["record"].to_pylist()]


def read_shards(folder: Path, premade: Premade) -> Records:
    """Papers of every shard, their vectors put into `premade` as they come.

    Raises:
        SourceError: A shard is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    manifest = read_manifest(folder)
    for number in range(manifest.shards):
        path = vectors_path(folder, number)
        if not path.is_file():
            raise SourceError(f"{path} is missing: the embedding was cut short. Run 'paperchat embed' again to go on.")
        try:
            for batch in pq.ParquetFile(path).iter_batches(ROW_GROUP):
                yield from _papers(batch.to_pylist(), premade, manifest.dimension)
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f"{path} is damaged ({error}). Delete it and run 'paperchat embed' again to make it anew."
            ) from error


def _papers(rows: list[dict[str, Any]], premade: Premade, dimension: int) -> Iterator[Paper]:
    for row in rows:
        paper = paper_from_dict(json.loads(row["record"]))
        spans = [(start, end) for start, end in row["spans"]]
        vectors = np.array(row["vectors"], np.float32)
        if vectors.shape != (len(spans), dimension) or not np.isfinite(vectors).all():
            raise ValueError(f"the vectors of {paper.id} are not {len(spans)} of length {dimension}")
        if not all(0 <= start < end <= len(paper.abstract) for start, end in spans):
            raise ValueError(f"a chunk of {paper.id} lies outside its abstract")
        premade.add(paper, spans, vectors, unpack(row["tokens"]))
        yield paper
