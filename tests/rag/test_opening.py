"""Opening an index whose stores are not what the records say: mended where that is possible, told where not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from rag import build
from rag.adapters import chroma, lexical
from rag.adapters.lexical import TantivyIndex
from rag.config import Config
from rag.errors import PaperIndexError
from rag.index import Index, locked
from rag.types import Paper
from tests.fakes import FakeEmbedder, FakeVectorStore, embedded, whole

PAPERS = [Paper(f"p{n}", f"Paper {n}", f"Frog number{n} jumps far. It rests.") for n in range(12)]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings of an index of twelve papers: records and words on the disk, vectors in memory."""
    vectors = FakeVectorStore()
    monkeypatch.setattr(build, "embedding_name", lambda config: FakeEmbedder.name)
    monkeypatch.setattr(chroma, "ChromaStore", lambda *_: vectors)
    config = Config(index=tmp_path / "index")
    index = build.create_index(config, lambda: FakeEmbedder.dimension, lambda: "whole")
    rows = [(paper, whole(paper)) for paper in PAPERS]
    index.upsert(rows, embedded(chunk for _, chunks in rows for chunk in chunks))
    return config


def terms(config: Config) -> Path:
    (folder,) = config.index.glob("stores-*/terms")
    return folder


def found(index: Index) -> list[str]:
    return sorted(paper_id for paper in PAPERS for paper_id, _ in index.terms.query(f"number{paper.id[1:]}", 99))


@pytest.mark.parametrize("share", [0, 0.5])
@pytest.mark.parametrize("kind", [".term", ".store", ".idx", "meta.json", ".managed.json"])
def test_a_truncated_term_index_is_built_again_from_the_records(config: Config, kind: str, share: float) -> None:
    (path,) = [path for path in terms(config).iterdir() if path.name.endswith(kind)]
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(PaperIndexError, match="cannot be used"):
        TantivyIndex(terms(config))
    assert found(build.open_index(config)) == sorted(paper.id for paper in PAPERS)
    assert not (terms(config).parent / "terms.new").exists()


def test_a_term_index_that_lacks_papers_is_built_again(config: Config) -> None:
    build.open_index(config).terms.delete(["p3", "p4"])
    assert found(build.open_index(config)) == sorted(paper.id for paper in PAPERS)
    shutil.rmtree(terms(config))
    assert found(build.open_index(config)) == sorted(paper.id for paper in PAPERS)


def test_a_rebuild_cut_short_is_begun_anew(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """The process is gone."""

    def rename(self: Path, target: Path) -> None:
        raise Killed

    shutil.rmtree(terms(config))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "rename", rename)
        build.open_index(config)
    assert found(build.open_index(config)) == sorted(paper.id for paper in PAPERS)


def test_what_another_process_is_writing_is_left_to_it(config: Config) -> None:
    shutil.rmtree(terms(config))
    with locked(config.index), pytest.raises(PaperIndexError, match="Another ingest"):
        build.open_index(config)


def test_more_words_than_records_are_the_rest_of_a_write_and_left_alone(config: Config) -> None:
    index = build.open_index(config)
    index.terms.upsert([Paper("half", "Half", "Half written number99.")])
    assert build.open_index(config).terms.count() == len(PAPERS) + 1


def test_vectors_that_are_not_there_are_told_and_not_passed_over(config: Config) -> None:
    index = build.open_index(config)
    index.vectors.delete([whole(PAPERS[0])[0].id])
    with pytest.raises(PaperIndexError, match=r"holds 11 of 12 entries\. Run 'paperchat reindex'"):
        build.open_index(config)


def test_a_panic_of_the_native_core_is_an_error_of_the_index(config: Config) -> None:
    class PanicException(BaseException):
        """As pyo3 calls it."""

    index = build.open_index(config)
    assert isinstance(index.terms, lexical.TantivyIndex)

    class Panicking:
        schema = index.terms._index.schema

        def searcher(self) -> None:
            raise PanicException("Corrupted data. Invalid VInt 32")

    index.terms._index = Panicking()
    for ask in (lambda: index.terms.query("frog", 3), lambda: index.terms.document_frequency("frog")):
        with pytest.raises(PaperIndexError, match="Invalid VInt"):
            ask()
