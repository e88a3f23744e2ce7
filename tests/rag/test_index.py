"""The three stores stay in step, whatever happens in the middle of a write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rag import index as index_module
from rag.errors import IndexBusyError, IndexMismatchError, IndexMissingError, PaperIndexError
from rag.index import MANIFEST, Index, Manifest, check_manifest, read_manifest, write_manifest
from rag.protocols import Unfinished
from rag.retrieve import HybridRetriever
from rag.types import Paper
from tests.fakes import FakeEmbedder, FakeTermIndex, build_fake_index, by_sentence, embedded

KEPT = Paper("kept", "Coral reefs", "Reefs bleach in warm water. Fish leave the reefs.")
OLD = Paper("changed", "Sparse attention", "Sparse attention skips most of the matrix. It is exact.")
NEW = Paper("changed", "Sparse attention", "Sparse attention now skips all of the matrix. It is approximate.")
RETITLED = Paper("changed", "Dense attention", OLD.abstract)
ADDED = Paper("added", "Sepsis in hospitals", "Early antibiotics help patients with sepsis. Delay costs lives.")

UPSERT = ["catalog.begin", "vectors.upsert", "terms.upsert", "catalog.upsert", "vectors.delete", "catalog.end"]
DELETE = ["catalog.begin", "catalog.delete", "vectors.delete", "terms.delete", "catalog.end"]
RECOVER = ["vectors.delete", "terms.delete", "terms.upsert", "catalog.end"]
WHEN = ["before", "after"]
# A batch of these can be cut in two; the catalog writes in one transaction.
HALVES = [("vectors.upsert", "half"), ("terms.upsert", "half"), ("vectors.delete", "half")]


class Killed(BaseException):
    """The process is gone: nothing after it runs."""


def upsert(index: Index, *papers: Paper) -> None:
    rows = [(paper, by_sentence(paper)) for paper in papers]
    index.upsert(rows, embedded(chunk for _, chunks in rows for chunk in chunks))


@pytest.fixture
def index() -> Index:
    index = build_fake_index()
    upsert(index, KEPT, OLD)
    return index


def kill(index: Index, step: str, when: str, work: Callable[[], object]) -> None:
    """Does `work` and dies at a step of it; afterwards the stores are whole again, as after a restart."""
    store_name, _, method = step.partition(".")
    store = getattr(index, store_name)

    def dying(*arguments: Any, **options: Any) -> None:
        if when == "half":
            arguments = tuple(part[: len(part) // 2] for part in arguments)
        if when != "before":
            getattr(type(store), method)(store, *arguments, **options)
        raise Killed

    setattr(store, method, dying)
    try:
        with pytest.raises(Killed), index.writing():
            work()
    finally:
        delattr(store, method)


def assert_in_step(index: Index) -> None:
    """Every store holds exactly what the catalog says, as if it had been written in one go."""
    rows: dict[str, Any] = index.catalog.rows  # type: ignore[attr-defined]
    chunks = [chunk for _, own in rows.values() for chunk in own]
    stored: dict[str, Any] = index.vectors.rows  # type: ignore[attr-defined]
    assert stored.keys() == {chunk.id for chunk in chunks}
    for chunk, vector in zip(chunks, embedded(chunks), strict=True):
        assert stored[chunk.id][0] == chunk.paper.id
        assert (stored[chunk.id][1] == vector).all()
    expected = FakeTermIndex()
    expected.upsert([paper for paper, _ in rows.values()])
    assert index.terms.documents == expected.documents  # type: ignore[attr-defined]
    assert index.catalog.pending() == Unfinished([], [])


def papers(index: Index) -> set[Paper]:
    return set(index.catalog.papers())


def test_a_write_goes_through_the_stores_in_the_order_that_can_be_mended(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def note(step: str) -> None:
        store = getattr(index, step.partition(".")[0])
        original = getattr(store, step.partition(".")[2])
        monkeypatch.setattr(store, step.partition(".")[2], lambda *a, **o: (done.append(step), original(*a, **o))[1])

    for step in {*UPSERT, *DELETE}:
        note(step)
    upsert(index, NEW)
    assert done == UPSERT
    done.clear()
    index.delete(["changed"])
    assert done == DELETE


@pytest.mark.parametrize(("step", "when"), [*((s, w) for s in UPSERT for w in WHEN), *HALVES])
@pytest.mark.parametrize("change", [NEW, RETITLED], ids=["new abstract", "new title"])
def test_a_write_killed_anywhere_leaves_every_paper_as_it_was_or_as_it_is(
    index: Index, change: Paper, step: str, when: str
) -> None:
    kill(index, step, when, lambda: upsert(index, change, ADDED))
    with index.writing():
        assert_in_step(index)
    assert papers(index) in ({KEPT, OLD}, {KEPT, change, ADDED})
    with index.writing():
        upsert(index, change, ADDED)
    assert_in_step(index)
    assert papers(index) == {KEPT, change, ADDED}


@pytest.mark.parametrize(("step", "when"), [*((s, w) for s in DELETE for w in WHEN), HALVES[2]])
def test_a_removal_killed_anywhere_leaves_the_paper_whole_or_gone(index: Index, step: str, when: str) -> None:
    kill(index, step, when, lambda: index.delete(["changed"]))
    with index.writing():
        assert_in_step(index)
    assert papers(index) in ({KEPT, OLD}, {KEPT})


@pytest.mark.parametrize(("step", "when"), [*((s, w) for s in RECOVER for w in WHEN), *HALVES[1:]])
@pytest.mark.parametrize("first", ["vectors.upsert", "terms.upsert", "catalog.upsert"])
def test_cleaning_up_may_be_killed_too(index: Index, first: str, step: str, when: str) -> None:
    kill(index, first, "after", lambda: upsert(index, NEW, ADDED))
    kill(index, step, when, lambda: None)
    with index.writing():
        assert_in_step(index)


@pytest.mark.parametrize(("step", "when"), [*((s, w) for s in UPSERT for w in WHEN), *HALVES])
def test_a_reader_finds_whole_papers_while_a_write_is_unfinished(index: Index, step: str, when: str) -> None:
    kill(index, step, when, lambda: upsert(index, NEW, ADDED))
    found = HybridRetriever(index, FakeEmbedder()).retrieve("Does sparse attention skip the matrix?", 5)
    assert found[0].paper in (OLD, NEW)
    assert {passage.paper for passage in found} == papers(index)
    assert all(passage.chunk in by_sentence(passage.paper) for passage in found)


def test_a_changed_paper_leaves_nothing_of_its_old_self(index: Index) -> None:
    with index.writing():
        upsert(index, NEW)
    assert_in_step(index)
    assert papers(index) == {KEPT, NEW}
    assert "exact" not in index.terms.documents["changed"]  # type: ignore[attr-defined]


def test_removing_counts_what_was_there(index: Index) -> None:
    with index.writing():
        assert index.delete(["changed", "unknown"]) == 1
        assert index.delete(["changed"]) == 0
    assert_in_step(index)
    assert papers(index) == {KEPT}


def test_the_identity_counts_papers_and_chunks(index: Index) -> None:
    before = index.identity()
    assert (before.papers, before.chunks, before.embedding_model) == (2, 4, FakeEmbedder.name)
    upsert(index, ADDED)
    after = index.identity()
    assert (after.papers, after.chunks) == (3, 6)
    assert after.version != before.version


def test_one_writes_at_a_time(index: Index) -> None:
    other = Index(index.folder, index.manifest, index.vectors, index.terms, index.catalog)
    with index.writing(), pytest.raises(IndexBusyError, match="Another ingest is writing"), other.writing():
        pytest.fail("two wrote at once")
    with other.writing():
        upsert(other, ADDED)


def test_the_lock_is_free_after_a_failure(index: Index) -> None:
    with pytest.raises(ZeroDivisionError), index.writing():
        raise ZeroDivisionError
    with index.writing():
        upsert(index, ADDED)


def test_a_failing_disk_is_told_in_one_sentence(index: Index) -> None:
    with pytest.raises(PaperIndexError, match=r"No space left on device.*run the same command again"), index.writing():
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_noticed_before_anything_is_written(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    with index.writing(), pytest.raises(PaperIndexError, match=r"has 1 MB free .* Free some space"):
        upsert(index, NEW, ADDED)
    assert_in_step(index)
    assert papers(index) == {KEPT, OLD}


def test_the_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_manifest(tmp_path, Manifest("model", 384))
    assert read_manifest(tmp_path) == Manifest("model", 384)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [MANIFEST]


def test_an_index_of_another_model_is_refused(tmp_path: Path) -> None:
    check_manifest(tmp_path, Manifest("model", 384), "model")
    with pytest.raises(IndexMismatchError, match="built with the embedding model 'model', not 'other'"):
        check_manifest(tmp_path, Manifest("model", 384), "other")


def test_an_index_of_another_version_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, Manifest("model", 384, schema=99))
    with pytest.raises(IndexMismatchError, match=r"format 99.*Update paperchat"):
        check_manifest(tmp_path, read_manifest(tmp_path), "model")
    write_manifest(tmp_path, Manifest("model", 384, schema=1))
    with pytest.raises(IndexMismatchError, match=r"format 1, .*paperchat reindex --index"):
        check_manifest(tmp_path, read_manifest(tmp_path), "model")


def test_a_missing_index_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="paperchat ingest"):
        read_manifest(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 1}', '{"embedding_model": "m", "dimension": "x"}'])
def test_a_damaged_manifest_is_told_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(PaperIndexError, match=f"{MANIFEST} is damaged"):
        read_manifest(tmp_path)
