"""Vectors made elsewhere: read back as written, refused where they do not belong, and never half believed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.pipeline import ingest
from ingest.records import IngestReport
from ingest.shards import (
    MANIFEST,
    Premade,
    ShardsManifest,
    check_shards,
    is_shards,
    read_manifest,
    read_records,
    read_shards,
    records_path,
    vectors_path,
    write_manifest,
    write_records,
    write_vectors,
)
from rag.errors import IndexMismatchError, SourceError
from rag.index import Index, Manifest
from rag.late import empty
from rag.types import Chunk, Paper
from tests.fakes import FakeEmbedder, build_fake_index, by_sentence, embedded, embedded_papers

PAPERS = [
    Paper(
        f"p{n}",
        f"Title {n} ü",
        f"Abstract {n} says whales. It has two parts.",
        ("A B",),
        doi=f"10.1038/{n}",
        extra={"k": "v"},
    )
    for n in range(7)
]
CHUNKING = "abstract-256"


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Three shards of seven papers, two chunks each."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for number in range(3):
        part = PAPERS[3 * number : 3 * number + 3]
        write_records(records_path(folder, number), part)
        rows = [(paper, by_sentence(paper)) for paper in part]
        write_vectors(vectors_path(folder, number), embedded_papers(rows))
    write_manifest(folder, ShardsManifest(FakeEmbedder.name, FakeEmbedder.dimension, CHUNKING, 3, 7))
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Index:
    index = build_fake_index(folder=tmp_path)
    index.manifest = Manifest(FakeEmbedder.name, FakeEmbedder.dimension, CHUNKING)
    return index


class Model:
    """Counts how often the model is asked for."""

    def __init__(self) -> None:
        self.embedder, self.loads = FakeEmbedder(), 0

    def __call__(self) -> FakeEmbedder:
        self.loads += 1
        return self.embedder


def load(index: Index, folder: Path, model: Model | None = None) -> IngestReport:
    return ingest([folder], index, model or Model())


def rewrite(path: Path, change: dict[str, object]) -> None:
    """The first row of a shard, changed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[0] |= change
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)


def test_records_and_vectors_come_back_as_they_were_written(shards: Path) -> None:
    assert [p for n in range(3) for p in read_records(records_path(shards, n))] == PAPERS
    premade = Premade()
    assert list(read_shards(shards, premade)) == PAPERS
    for paper in PAPERS:
        made, chunks = premade.take(paper), by_sentence(paper)
        assert made is not None
        assert made.rows == [(paper, chunks)]
        assert made.vectors.dtype == np.float32
        assert np.array_equal(made.vectors, embedded(chunks))
        expected = embedded_papers([(paper, chunks)]).tokens[paper.id]
        assert np.array_equal(made.tokens[paper.id].places, expected.places)
        assert np.allclose(made.tokens[paper.id].vectors, expected.vectors, atol=0.1)


def test_nothing_is_left_beside_the_shards(shards: Path) -> None:
    names = [f"{kind}-0000{n}.parquet" for kind in ("records", "vectors") for n in range(3)]
    assert sorted(path.name for path in shards.iterdir()) == sorted([*names, MANIFEST])


def test_shards_are_loaded_without_the_model(shards: Path, index: Index) -> None:
    model = Model()
    report = load(index, shards, model)
    assert (report.new, report.papers_in_index, report.chunks_in_index, model.loads) == (7, 7, 14, 0)
    assert list(index.catalog.papers()) == PAPERS
    nearest = index.vectors.query(model.embedder.embed_query("Title 3 ü. Abstract 3 says whales."), 1)
    assert nearest[0][1] == "p3"


def test_loading_them_again_changes_nothing(shards: Path, index: Index) -> None:
    load(index, shards)
    assert load(index, shards).unchanged == 7


def test_vectors_of_unchanged_papers_are_let_go(shards: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Premade] = []
    monkeypatch.setattr("ingest.pipeline.Premade", lambda: made.append(Premade()) or made[-1])
    load(index, shards)
    load(index, shards)
    assert [len(premade._held) for premade in made] == [0, 0]


def test_a_paper_whose_text_became_another_is_embedded_here(shards: Path, index: Index, tmp_path: Path) -> None:
    # The better record of paper 2 wins, and its text is not the one in the shards.
    better = {"title": PAPERS[2].title, "abstract": "Another text, from a journal.", "doi": PAPERS[2].doi, "pmid": "5"}
    (tmp_path / "a.jsonl").write_text(json.dumps({**better, "id": "p2"}))
    model = Model()
    report = ingest([tmp_path / "a.jsonl", shards], index, model)
    assert (report.papers_in_index, model.loads) == (7, 1)
    assert model.embedder.embedded == [f"{PAPERS[2].title}. Another text, from a journal."]
    assert index.vectors.count() == report.chunks_in_index == 13


def test_premade_vectors_are_for_the_same_text_only() -> None:
    premade, paper = Premade(), PAPERS[0]
    premade.add(paper, [(0, 5)], np.ones((1, 4), np.float32), empty(4))
    assert premade.take(replace(paper, abstract="Other words.")) is None
    assert premade.take(replace(paper, title="Other words")) is None
    made = premade.take(replace(paper, id="another id"))
    assert made is not None
    [(_, chunks)] = made.rows
    assert chunks == (Chunk(replace(paper, id="another id"), 0, 5),)
    assert premade.take(paper) is None


def test_two_papers_of_the_same_text_need_no_model(tmp_path: Path, index: Index) -> None:
    twins = [Paper(f"b{n}", "Same", "The same abstract.", keep_id=True) for n in range(2)]
    rows = [(paper, by_sentence(paper)) for paper in twins]
    folder = tmp_path / "twins"
    folder.mkdir()
    write_vectors(vectors_path(folder, 0), embedded_papers(rows))
    write_manifest(folder, ShardsManifest(FakeEmbedder.name, FakeEmbedder.dimension, CHUNKING, 1, 2))
    model = Model()
    assert load(index, folder, model).new == 2
    assert model.loads == 0


@pytest.mark.parametrize(
    "other",
    [{"embedding_model": "another"}, {"dimension": 3}, {"chunking": "abstract-128"}],
    ids=["model", "dimension", "chunking"],
)
def test_vectors_of_another_kind_are_refused(shards: Path, index: Index, other: dict[str, object]) -> None:
    index.manifest = replace(index.manifest, **other)
    with pytest.raises(IndexMismatchError, match=r"were embedded with fake-bag-of-words .* new --index folder"):
        load(index, shards)
    assert index.catalog.counts().papers == 0


def test_any_other_folder_or_file_passes(tmp_path: Path, index: Index) -> None:
    (tmp_path / "a.jsonl").write_text("{}")
    for path in (tmp_path, tmp_path / "a.jsonl", tmp_path / "nowhere", Path("-")):
        check_shards(path, index.manifest)
        assert not is_shards(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"model": "m"}', '{"surplus": 1}'])
def test_a_damaged_manifest_is_told(shards: Path, index: Index, text: str) -> None:
    (shards / MANIFEST).write_text(text)
    with pytest.raises(SourceError, match=r"shards.json is damaged .* Run 'paperchat embed' again"):
        load(index, shards)


def test_a_manifest_is_written_whole(tmp_path: Path) -> None:
    made = ShardsManifest("m", 3, "c", 2, 5)
    write_manifest(tmp_path, made)
    assert read_manifest(tmp_path) == made
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [MANIFEST]


def test_a_missing_shard_is_told_and_what_came_before_is_kept(shards: Path, index: Index) -> None:
    vectors_path(shards, 1).unlink()
    with pytest.raises(SourceError, match=r"vectors-00001.parquet is missing: .* to go on"):
        load(index, shards)
    assert list(index.catalog.papers()) == PAPERS[:3]


@pytest.mark.parametrize("damage", ["empty", "cut", "noise"])
def test_a_damaged_shard_is_told(shards: Path, index: Index, damage: str) -> None:
    path = vectors_path(shards, 1)
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "noise": b"PAR1" + b"\x07" * 500}[damage])
    with pytest.raises(SourceError, match=r"vectors-00001.parquet is damaged .* Delete it"):
        load(index, shards)
    assert list(index.catalog.papers()) == PAPERS[:3]


@pytest.mark.parametrize(
    "change",
    [
        {"record": None},
        {"record": "{"},
        {"record": "{}"},
        {"record": '{"surplus": 1}'},
        {"spans": None},
        {"spans": [[1]]},
    ],
)
def test_a_shard_with_a_damaged_row_is_told(shards: Path, index: Index, change: dict[str, object]) -> None:
    rewrite(vectors_path(shards, 0), change)
    with pytest.raises(SourceError, match=r"vectors-00000\.parquet is damaged"):
        load(index, shards)


@pytest.mark.parametrize(
    "change",
    [
        {"vectors": None},
        {"vectors": []},
        {"vectors": [[0.5] * 1024]},
        {"vectors": [[0.5] * 3] * 2},
        {"spans": [[0, 5], [9000, 9001]]},
    ],
    ids=["no vectors", "none", "one for two chunks", "short ones", "a span beyond the abstract"],
)
def test_a_shard_whose_vectors_do_not_fit_is_told(shards: Path, index: Index, change: dict[str, object]) -> None:
    rewrite(vectors_path(shards, 0), change)
    with pytest.raises(SourceError, match=r"vectors-00000\.parquet is damaged"):
        load(index, shards)
