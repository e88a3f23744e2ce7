"""Vectors by id out of a real Chroma folder: as they were written last, whatever happened in between."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.adapters.chroma import ChromaStore
from rag.late import unit
from rag.types import Chunk, Paper

pytestmark = pytest.mark.real

PAPER = Paper("cs/9301111:a", "Vectors", "x" * 400)
CHUNKS = [Chunk(PAPER, n, n + 1) for n in range(300)]
IDS = [chunk.id for chunk in CHUNKS]


def drawn(seed: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(len(CHUNKS), 16)).astype(np.float32))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChromaStore]:
    store = ChromaStore("chunks", tmp_path / "chroma")
    store.upsert(CHUNKS, drawn(1))
    yield store


def assert_holds(store: ChromaStore, ids: list[str], vectors: np.ndarray) -> None:
    # Asked for before any question, which would make Chroma work its log in.
    found = store.vectors([*ids, "unknown"])
    assert found.keys() == set(ids)
    assert np.allclose([found[chunk_id] for chunk_id in ids], vectors, atol=1e-6)
    asked = drawn(3)[0]
    cosines = store.similarities(asked, ids)
    assert np.allclose([cosines[chunk_id] for chunk_id in ids], vectors @ asked, atol=1e-6)
    near = {chunk_id: cosine for chunk_id, _, cosine in store.query(asked, 20)}
    assert near == pytest.approx({chunk_id: cosines[chunk_id] for chunk_id in near}, abs=1e-5)


def test_what_was_written_is_given_back(store: ChromaStore) -> None:
    assert_holds(store, IDS, drawn(1))
    assert store.vectors([]) == store.similarities(drawn(3)[0], []) == {}


def test_a_vector_written_again_takes_the_place_of_the_first(store: ChromaStore) -> None:
    store.upsert(CHUNKS[:100], drawn(2)[:100])
    assert_holds(store, IDS, np.concatenate([drawn(2)[:100], drawn(1)[100:]]))


def test_what_was_removed_is_not_given_though_the_log_still_has_it(store: ChromaStore) -> None:
    store.delete(IDS[:250])
    assert_holds(store, IDS[250:], drawn(1)[250:])
    store.upsert(CHUNKS[:1], drawn(2)[:1])
    assert_holds(store, [IDS[0], *IDS[250:]], np.concatenate([drawn(2)[:1], drawn(1)[250:]]))


def test_a_second_collection_in_the_folder_has_its_own(store: ChromaStore, tmp_path: Path) -> None:
    other = ChromaStore("others", tmp_path / "chroma")
    other.upsert(CHUNKS[:3], drawn(2)[:3])
    assert_holds(other, IDS[:3], drawn(2)[:3])
    assert_holds(store, IDS, drawn(1))


def test_what_the_log_lacks_is_asked_of_chroma(store: ChromaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store._folder is not None
    held = store._folder.log.vectors
    monkeypatch.setattr(store._folder.log, "vectors", lambda name, ids: held(name, ids[::2]))
    assert_holds(store, IDS, drawn(1))
    monkeypatch.setattr("rag.adapters.chroma_log.WRITTEN", "SELECT * FROM a_table_of_another_version")
    assert_holds(store, IDS, drawn(1))


def test_a_folder_that_was_put_back_is_noticed(store: ChromaStore, tmp_path: Path) -> None:
    before = store._folder.log.state()  # type: ignore[union-attr]
    database = tmp_path / "chroma" / "chroma.sqlite3"
    copy = tmp_path / "copy"
    copy.write_bytes(database.read_bytes())
    store.delete(IDS[:250])
    assert store._folder.log.state() != before  # type: ignore[union-attr]
    copy.replace(database)
    assert store._folder.log.state() == before  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name", ["data_level0.bin", "length.bin", "link_lists.bin", "header.bin", "index_metadata.pickle"]
)
def test_a_graph_cut_short_is_built_again_though_it_would_open(tmp_path: Path, name: str) -> None:
    chunks = [Chunk(PAPER, n, n + 1) for n in range(2500)]  # more than Chroma keeps out of its files
    vectors = unit(np.random.default_rng(1).normal(size=(len(chunks), 16)).astype(np.float32))
    written = ChromaStore("chunks", tmp_path / "chroma")
    written.upsert(chunks, vectors)
    near = [[chunk_id for chunk_id, _, _ in written.query(vector, 5)] for vector in vectors[::100]]
    copied = tmp_path / "copy" / "chroma"  # for a process that has not opened it yet
    shutil.copytree(tmp_path / "chroma", copied)
    (file,) = copied.glob(f"*/{name}")
    os.truncate(file, file.stat().st_size // 2)
    store = ChromaStore("chunks", copied)
    found = [[chunk_id for chunk_id, _, _ in store.query(vector, 5)] for vector in vectors[::100]]
    assert [ids[0] for ids in found] == [ids[0] for ids in near]
    # The search is an approximate one: another graph over the same vectors misses another one now and then.
    assert sum(len({*a} & {*b}) for a, b in zip(found, near, strict=True)) >= 0.9 * 5 * len(near)


def test_a_whole_graph_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for count in (3, 1500):  # all in the log, and most of it in files
        chunks = [Chunk(PAPER, n, n + 1) for n in range(count)]
        vectors = unit(np.random.default_rng(1).normal(size=(count, 16)).astype(np.float32))
        folder = tmp_path / str(count)
        ChromaStore("chunks", folder / "chroma").upsert(chunks, vectors)
        shutil.copytree(folder / "chroma", folder / "copy" / "chroma")
        assert ChromaStore("chunks", folder / "copy" / "chroma").query(vectors[0], 1)
    assert "damaged" not in caplog.text
