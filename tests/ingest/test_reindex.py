"""An index rebuilt from its own records: cut short anywhere, resumed, and answering until the switch."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest import reindex as module
from ingest.identity import keys
from ingest.reindex import Reindexed, reindex
from rag import build
from rag.adapters.catalog import SqliteCatalog
from rag.config import Config
from rag.errors import IndexBusyError, IndexMissingError, PaperIndexError
from rag.index import MANIFEST, Index, Manifest, locked, read_manifest, write_manifest
from rag.serialize import content_hash, paper_to_dict
from rag.types import Paper
from tests.fakes import FakeEmbedder, FakeTermIndex, FakeVectorStore, embedded, whole

PAPERS = [
    Paper(f"p{n}", f"Title {n}", f"Abstract number {n} on topic {n % 3}.", date=f"20{n % 20:02}", doi=f"10.1038/{n}")
    for n in range(30)
]


class Killed(BaseException):
    """The process is gone."""


class Place:
    """An index folder with a real catalog, and vectors and terms that live as long as this object."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.stores: dict[str, tuple[FakeVectorStore, FakeTermIndex]] = {}
        self.embedder = FakeEmbedder()
        folder.mkdir()
        monkeypatch.setattr(build, "open_stores", self.open)
        monkeypatch.setattr(module, "WRITE_BATCH", 10)

    def open(self, folder: Path, manifest: Manifest) -> Index:
        vectors, terms = self.stores.setdefault(manifest.stores, (FakeVectorStore(), FakeTermIndex()))
        return Index(folder, manifest, vectors, terms, SqliteCatalog(folder / manifest.stores / build.CATALOG))

    def make(self, papers: list[Paper] = PAPERS, model: str = "old-model") -> Index:
        manifest = Manifest(model, FakeEmbedder.dimension, "abstract-256", stores="stores-old")
        (self.folder / manifest.stores).mkdir()
        index = self.open(self.folder, manifest)
        self.write(index, papers)
        write_manifest(self.folder, manifest)
        return index

    def write(self, index: Index, papers: list[Paper]) -> None:
        rows = [(paper, whole(paper)) for paper in papers]
        vectors = embedded(chunk for _, chunks in rows for chunk in chunks)
        index.upsert(rows, vectors, {paper.id: keys(paper) for paper in papers})

    def reindex(self, model: str = "new-model", progress: Callable[..., None] = lambda *_: None) -> Reindexed:
        return reindex(Config(index=self.folder, embedding_model=model), lambda: self.embedder, progress)

    def current(self) -> Index:
        return self.open(self.folder, read_manifest(self.folder))

    def assert_holds(self, papers: list[Paper], model: str = "new-model") -> None:
        index = self.current()
        assert index.manifest.embedding_model == model
        assert sorted(index.catalog.papers(), key=lambda p: p.id) == sorted(papers, key=lambda p: p.id)
        counts = index.catalog.counts()
        assert (counts.papers, counts.chunks) == (len(papers), len(papers))
        assert index.vectors.count() == index.terms.count() == len(papers)

    def left_over(self) -> set[str]:
        keep = {MANIFEST, "write.lock", read_manifest(self.folder).stores}
        return {path.name for path in self.folder.iterdir()} - keep


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path / "library", monkeypatch)


def test_another_model_gives_the_same_papers_with_new_vectors(place: Place) -> None:
    place.make()
    seen: list[tuple[int, int, int]] = []
    done = place.reindex(progress=lambda *told: seen.append(told))
    assert (done.papers, done.chunks, done.embedding_model) == (30, 30, "new-model")
    place.assert_holds(PAPERS)
    assert place.left_over() == set()
    assert len(place.embedder.embedded) == 30
    assert seen == [(10, 30, 10), (20, 30, 20), (30, 30, 30)]


def test_papers_are_found_by_their_identifiers_afterwards(place: Place) -> None:
    place.make()
    place.reindex()
    assert place.current().catalog.find(["doi:10.1038/7"]) == {"doi:10.1038/7": ["p7"]}


def test_what_else_found_a_paper_finds_it_afterwards(place: Place) -> None:
    index = place.make()
    index.catalog.upsert([(PAPERS[0], whole(PAPERS[0]))], {"p0": ["doi:10.1101/preprint"]})
    place.reindex()
    assert place.current().catalog.find(["doi:10.1101/preprint"]) == {"doi:10.1101/preprint": ["p0"]}


def test_the_old_index_answers_until_the_switch(place: Place) -> None:
    old = place.make()
    questions = 0

    def ask(*_: int) -> None:
        nonlocal questions
        questions += 1
        assert read_manifest(place.folder) == old.manifest
        assert len(place.current().vectors.query(place.embedder.embed_query("topic"), 50)) == 30
        assert len(list(place.current().catalog.papers())) == 30

    place.reindex(progress=ask)
    assert questions == 3


STEPS = [
    (Index, "upsert"),
    (SqliteCatalog, "begin"),
    (SqliteCatalog, "upsert"),
    (SqliteCatalog, "end"),
    (FakeVectorStore, "upsert"),
    (FakeTermIndex, "upsert"),
    (FakeEmbedder, "embed"),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.slow
def test_cut_short_anywhere_and_run_again_nothing_is_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, when: str
) -> None:
    place.make()
    original, calls = getattr(owner, name), 0

    def dying(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2 and when == "before":
            raise Killed
        result = original(*arguments, **options)
        if calls == 2:
            raise Killed
        return result

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying)
        try:
            place.reindex()
        except Killed:
            model = read_manifest(place.folder).embedding_model
            place.assert_holds(PAPERS, model)
    place.reindex()
    place.assert_holds(PAPERS)


def test_a_rebuild_that_goes_on_embeds_only_what_is_missing(place: Place) -> None:
    place.make()

    def stop(done: int, *_: int) -> None:
        if done == 20:
            raise Killed

    with pytest.raises(Killed):
        place.reindex(progress=stop)
    place.embedder.embedded.clear()
    place.reindex()
    assert len(place.embedder.embedded) == 10
    place.assert_holds(PAPERS)
    assert place.left_over() == set()


def cut_after(place: Place, batches: int) -> None:
    def stop(done: int, *_: int) -> None:
        if done == 10 * batches:
            raise Killed

    with pytest.raises(Killed):
        place.reindex(progress=stop)


def test_what_changed_while_a_rebuild_lay_idle_is_as_the_old_index_has_it(place: Place) -> None:
    old = place.make()
    cut_after(place, 3)
    changed = replace(PAPERS[5], abstract="A corrected abstract.")
    place.write(old, [changed])
    place.reindex()
    place.assert_holds([changed if paper.id == "p5" else paper for paper in PAPERS])


def test_a_paper_deleted_while_a_rebuild_lay_idle_does_not_come_back(place: Place) -> None:
    old = place.make()
    cut_after(place, 3)
    old.delete(["p5"])
    place.reindex()
    place.assert_holds([paper for paper in PAPERS if paper.id != "p5"])


def test_a_rebuild_for_a_third_model_starts_afresh(place: Place) -> None:
    place.make()
    cut_after(place, 1)
    place.reindex("third-model")
    place.assert_holds(PAPERS, "third-model")
    assert place.left_over() == set()


@pytest.mark.parametrize("model", ["new-model", "third-model"])
def test_killed_right_after_the_switch_the_records_survive_the_next_rebuild(
    place: Place, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    place.make()
    with monkeypatch.context() as patch:

        def switch(folder: Path, manifest: Manifest, name: str = MANIFEST) -> None:
            write_manifest(folder, manifest, name)
            if name == MANIFEST:
                raise Killed

        patch.setattr(module, "write_manifest", switch)
        with pytest.raises(Killed):
            place.reindex()
    place.assert_holds(PAPERS)
    place.reindex(model)
    place.assert_holds(PAPERS, model)


def test_old_stores_that_were_not_removed_in_time_go_with_the_next_rebuild(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    place.make()
    with monkeypatch.context() as patch:
        patch.setattr(build, "remove_stores", killed)
        with pytest.raises(Killed):
            place.reindex()
    place.assert_holds(PAPERS)
    place.reindex("third-model")
    place.assert_holds(PAPERS, "third-model")
    assert place.left_over() == set()


def make_format_1(folder: Path, papers: list[Paper]) -> None:
    """The layout before: stores beside the manifest, no keys, no counts."""
    for name in ("chroma", "terms"):
        (folder / name).mkdir()
    with closing(sqlite3.connect(folder / "papers.sqlite")) as connection, connection:
        connection.execute(
            "CREATE TABLE papers (id TEXT PRIMARY KEY, hash TEXT NOT NULL, date TEXT, title TEXT NOT NULL, "
            "record TEXT NOT NULL, spans TEXT NOT NULL) WITHOUT ROWID"
        )
        connection.execute("CREATE INDEX papers_by_date ON papers (date DESC, id)")
        connection.execute("CREATE TABLE pending (id TEXT PRIMARY KEY) WITHOUT ROWID")
        for paper in papers:
            row = (paper.id, content_hash(paper), paper.date, paper.title, json.dumps(paper_to_dict(paper)), "[[0, 5]]")
            connection.execute("INSERT INTO papers VALUES (?, ?, ?, ?, ?, ?)", row)
    manifest = {"embedding_model": "old-model", "dimension": 8, "schema": 1}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_an_index_of_format_1_is_rebuilt_and_its_files_removed(place: Place) -> None:
    make_format_1(place.folder, PAPERS)
    place.reindex()
    place.assert_holds(PAPERS)
    assert place.left_over() == set()


def test_the_progress_of_a_rebuild_from_format_1_knows_its_end(place: Place) -> None:
    make_format_1(place.folder, PAPERS)
    totals: set[int] = set()
    place.reindex(progress=lambda done, total, papers: totals.add(total))
    assert totals == {30}


def test_an_index_of_a_newer_format_is_left_alone(place: Place) -> None:
    place.make()
    write_manifest(place.folder, replace(read_manifest(place.folder), schema=99))
    with pytest.raises(PaperIndexError, match="Update paperchat"):
        place.reindex()
    assert len(list(place.current().catalog.papers())) == 30


def test_while_another_process_writes_it_says_so(place: Place) -> None:
    place.make()
    with locked(place.folder), pytest.raises(IndexBusyError, match="Wait for it to finish"):
        place.reindex()
    place.assert_holds(PAPERS, "old-model")


def test_without_an_index_it_says_how_to_make_one_and_makes_nothing(place: Place) -> None:
    place.folder.rmdir()
    with pytest.raises(IndexMissingError, match="paperchat ingest"):
        place.reindex()
    assert not place.folder.exists()


def test_a_full_disk_leaves_the_old_index(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.make()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(FakeVectorStore, "upsert", full)
        with pytest.raises(PaperIndexError, match="No space left on device"):
            place.reindex()
    place.assert_holds(PAPERS, "old-model")
    place.reindex()
    place.assert_holds(PAPERS)
