"""Embedding a very large dump with Ray Data: shards over the workers of a machine or a cluster.

Reading is one process; each shard is embedded by whichever worker is free and written whole, so a
run cut short, or a worker lost, costs the shards in work. `paperchat ingest FOLDER` loads the result.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.batches import batches
from ingest.inputs import expand
from ingest.records import Rejected
from ingest.shards import (
    ShardsManifest,
    is_shards,
    read_manifest,
    read_records,
    records_path,
    vectors_path,
    write_manifest,
    write_records,
    write_vectors,
)
from ingest.split import chunking_name, embed_papers
from rag import build
from rag.config import Config
from rag.errors import PaperchatError, SourceError, UsageError
from rag.protocols import Embedder
from rag.types import Paper


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a run did."""

    papers: int
    shards: int
    shards_done_before: int
    rejected: int
    seconds: float


def embed_dump(
    config: Config,
    paths: Sequence[Path | str],
    folder: Path,
    *,
    workers: int,
    per_shard: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Embedded:
    """Embeds every record of `paths` into shards in `folder`.

    Args:
        config: Settings: the embedding model and its device.
        paths: What to read.
        folder: Where the shards go; on a cluster one that every machine sees.
        workers: Models in memory at a time. On a GPU machine, the number of GPUs.
        per_shard: Papers in a shard.
        progress: Told shards done and in all.

    Raises:
        UsageError: Ray is not installed, or the folder holds shards of another run.
        SourceError: Nothing to read.
    """
    ray = _ray()
    start = time.perf_counter()
    manifest, rejected = _prepare(config, paths, folder, per_shard)
    missing = [n for n in range(manifest.shards) if not vectors_path(folder, n).is_file()]
    before = manifest.shards - len(missing)
    progress(before, manifest.shards)
    if missing:
        _embed(ray, config, folder, missing, workers, lambda done: progress(before + done, manifest.shards))
    return Embedded(manifest.papers, manifest.shards, before, rejected, time.perf_counter() - start)


def _ray() -> Any:
    # Before the import: Ray reports its use, and shows a dashboard, unless told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError(
            "Embedding with Ray needs the extra packages. Run: pip install 'paperchat[ray]', "
            "or ingest the files directly."
        ) from error
    return ray


def _prepare(config: Config, paths: Sequence[Path | str], folder: Path, per_shard: int) -> tuple[ShardsManifest, int]:
    """Reads the dump into shards of records, unless a run before has done so."""
    if is_shards(folder):
        manifest = read_manifest(folder)
        if manifest.model != build.embedding_name(config):
            raise UsageError(
                f"{folder} holds shards for the model {manifest.model!r}, not {build.embedding_name(config)!r}. "
                "Give another folder with --shards."
            )
        return manifest, 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("records-*.parquet"):
            leftover.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise PaperchatError(f"{folder} cannot be written ({error.strerror}). Give another --shards folder.") from error
    if free < 1 << 26:
        raise PaperchatError(f"The disk of {folder} is full. Free some space or give another --shards folder.")
    model = build.build_embedder(config)
    papers, rejected, shards = 0, [0], 0
    for part in batches(_records(paths, rejected), per_shard):
        write_records(records_path(folder, shards), part)
        papers, shards = papers + len(part), shards + 1
    if not papers:
        raise SourceError("None of the files holds a paper. Check that they are the files you meant.")
    manifest = ShardsManifest(model.name, model.dimension, chunking_name(model.max_tokens), shards, papers)
    write_manifest(folder, manifest)
    return manifest, rejected[0]


def _records(paths: Sequence[Path | str], rejected: list[int]) -> Iterator[Paper]:
    for source in expand(paths):
        for record in source.read(None, None, lambda done: None):
            if isinstance(record, Rejected):
                rejected[0] += 1
            else:
                yield record


def _embed(
    ray: Any, config: Config, folder: Path, missing: list[int], workers: int, progress: Callable[[int], None]
) -> None:
    started = not ray.is_initialized()
    if started:
        # A cluster where RAY_ADDRESS names one, else this machine.
        address = os.environ.get("RAY_ADDRESS")
        local = {} if address else {"include_dashboard": False, "num_cpus": max(workers, os.cpu_count() or 1)}
        ray.init(address=address, log_to_driver=False, configure_logging=False, **local)
    try:
        gpus = 1 if config.device == "cuda" else 0
        rows = ray.data.from_items([{"shard": number} for number in missing], override_num_blocks=len(missing))
        done = rows.map_batches(
            ShardEmbedder,
            fn_constructor_args=(config, str(folder)),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_gpus=gpus,
        )
        for count, _ in enumerate(done.iter_rows(), start=1):
            progress(count)
    finally:
        if started:
            ray.shutdown()


class ShardEmbedder:
    """A worker: one model, shards one after the other."""

    def __init__(self, config: Config, folder: str) -> None:
        self._folder = Path(folder)
        self._model: Embedder = build.build_embedder(config)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Embeds the shards of a batch."""
        for number in batch["shard"]:
            embed_shard(self._folder, int(number), self._model)
        return batch


def embed_shard(folder: Path, number: int, model: Embedder) -> None:
    """One shard of records to one of vectors."""
    write_vectors(vectors_path(folder, number), embed_papers(read_records(records_path(folder, number)), model))
