"""Ingest over fakes: what is counted, what is embedded, and what may replace what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.pipeline import ingest
from ingest.records import IngestReport
from rag.index import Index
from rag.protocols import Unfinished
from tests.fakes import FakeEmbedder, build_fake_index

ABSTRACT = {"title": "LoRA Revisited", "abstract": "We adapt large models with few weights. It works."}
DIGEST = {"title": "LoRA Revisited", "digest": "Few weights are enough, says this paper."}


class Library:
    """An index, and how often its embedding model was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index: Index = build_fake_index(folder=folder)
        self.embedder = FakeEmbedder()
        self.loads = 0

    def _load(self) -> FakeEmbedder:
        self.loads += 1
        return self.embedder

    def ingest(self, *records: dict[str, Any] | str, name: str = "papers.jsonl") -> IngestReport:
        return ingest([self.write(*records, name=name)], self.index, self._load)

    def ingest_files(self, *paths: Path) -> IngestReport:
        return ingest(paths, self.index, self._load)

    def write(self, *records: dict[str, Any] | str, name: str = "papers.jsonl") -> Path:
        path = self.folder / name
        lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    def abstract(self, paper_id: str) -> str:
        return self.index.catalog.get([paper_id])[paper_id][0].abstract

    def stored(self) -> dict[str, tuple[str, ...]]:
        """Chunk ids by paper."""
        ids = [paper.id for paper in self.index.catalog.papers()]
        return {i: tuple(c.id for c in chunks) for i, (_, chunks) in self.index.catalog.get(ids).items()}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "library"
    folder.mkdir()
    return Library(folder)


def counts(report: IngestReport) -> dict[str, int]:
    found = {name: getattr(report, name) for name in ("new", "updated", "unchanged", "duplicates")}
    return {name: count for name, count in found.items() if count}


def beir(number: int, text: str = "") -> dict[str, Any]:
    return {"_id": f"p{number}", "title": f"Title {number}", "text": text or f"Abstract number {number}."}


def test_new_papers_are_in_every_store(library: Library) -> None:
    report = library.ingest(beir(1), beir(2), beir(3))
    assert counts(report) == {"new": 3}
    assert (report.read, report.papers_in_index, report.chunks_in_index) == (3, 3, 3)
    assert library.index.vectors.count() == 3
    assert library.index.terms.count() == 3
    assert library.index.catalog.pending() == Unfinished([], [])


def test_a_second_ingest_changes_nothing_and_never_loads_the_embedding_model(library: Library) -> None:
    library.ingest(beir(1), beir(2))
    before, loads = library.stored(), library.loads
    report = library.ingest(beir(1), beir(2))
    assert counts(report) == {"unchanged": 2}
    assert library.loads == loads
    assert library.stored() == before


def test_a_paper_from_another_file_is_the_same_paper(library: Library) -> None:
    library.ingest(beir(1), name="a.jsonl")
    assert counts(library.ingest(beir(1), name="b.jsonl")) == {"unchanged": 1}


def test_only_what_is_new_is_embedded(library: Library) -> None:
    library.ingest(beir(1), beir(2))
    library.embedder.embedded.clear()
    assert counts(library.ingest(beir(1), beir(2), beir(3))) == {"new": 1, "unchanged": 2}
    assert library.embedder.embedded == ["Title 3. Abstract number 3."]


def test_a_changed_abstract_replaces_the_old_one_everywhere(library: Library) -> None:
    library.ingest(beir(1, "The old words about whales."))
    report = library.ingest(beir(1, "The new words about giraffes."))
    assert counts(report) == {"updated": 1}
    assert (report.papers_in_index, report.chunks_in_index) == (1, 1)
    assert library.abstract("p1") == "The new words about giraffes."
    assert library.index.terms.query("whales", 5) == []
    assert [hit[0] for hit in library.index.terms.query("giraffes", 5)] == ["p1"]
    (chunk_id,) = library.stored()["p1"]
    assert [hit[0] for hit in library.index.vectors.query(library.embedder.embed_query("giraffes"), 5)] == [chunk_id]


def test_a_changed_date_is_an_update_too(library: Library) -> None:
    library.ingest({**beir(1), "date": "2024-01-01"})
    assert counts(library.ingest({**beir(1), "date": "2024-01-02"})) == {"updated": 1}
    assert library.index.catalog.get(["p1"])["p1"][0].date == "2024-01-02"


def test_a_paper_named_twice_in_one_file_is_a_duplicate(library: Library) -> None:
    report = library.ingest(beir(1, "First."), beir(2), beir(1, "Second."))
    assert counts(report) == {"new": 2, "duplicates": 1}
    assert library.abstract("p1") == "First."


def test_duplicates_far_apart_are_found(library: Library) -> None:
    report = library.ingest(*(beir(i) for i in range(300)), beir(0, "Again."))
    assert counts(report) == {"new": 300, "duplicates": 1}
    assert library.abstract("p0") == "Abstract number 0."


def test_a_digest_never_replaces_an_abstract(library: Library) -> None:
    library.ingest(ABSTRACT)
    before = library.stored()
    report = library.ingest(DIGEST)
    assert counts(report) == {"duplicates": 1}
    assert library.stored() == before


def test_an_abstract_replaces_a_digest(library: Library) -> None:
    library.ingest(DIGEST)
    assert counts(library.ingest(ABSTRACT)) == {"updated": 1}
    (paper,) = library.index.catalog.papers()
    assert (paper.kind, paper.abstract) == ("abstract", ABSTRACT["abstract"])


@pytest.mark.parametrize("digest_first", [True, False])
def test_of_a_digest_and_an_abstract_in_one_ingest_the_abstract_is_kept(library: Library, digest_first: bool) -> None:
    files = [library.write(DIGEST, name="a.jsonl"), library.write(ABSTRACT, name="b.jsonl")]
    library.ingest_files(*(files if digest_first else files[::-1]))
    (paper,) = library.index.catalog.papers()
    assert paper.kind == "abstract"


def test_ids_are_the_same_in_every_index(tmp_path: Path) -> None:
    stored = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        library = Library(tmp_path / name)
        library.ingest(ABSTRACT, beir(1))
        stored.append(library.stored())
    assert stored[0] == stored[1]
    assert set(stored[0]) >= {"p1"}


def test_rejected_lines_are_counted_and_the_rest_is_written(library: Library) -> None:
    report = library.ingest(beir(1), "{broken", {"_id": "x", "title": "No text"}, beir(2))
    assert (report.read, report.new) == (4, 2)
    assert [rejected.where for rejected in report.rejected] == ["line 2", "line 3"]


def test_a_file_of_nothing_but_junk_can_be_stopped(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "junk.jsonl"
    path.write_text('{"title": "T"}\n' * 5000, encoding="utf-8")

    class Enough(Exception):
        pass

    def stop(*_: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        ingest([path], library.index, FakeEmbedder, progress=stop)
    assert library.index.catalog.counts().papers == 0


def test_every_record_read_is_accounted_for(library: Library) -> None:
    library.ingest(beir(1), beir(2), ABSTRACT)
    report = library.ingest(beir(1), beir(2, "Changed."), beir(3), beir(3), DIGEST, "{broken")
    told = report.new + report.updated + report.unchanged + report.duplicates + len(report.rejected)
    assert told == report.read == 6


def test_progress_ends_at_the_size_of_all_files(library: Library) -> None:
    files = [library.write(beir(1), name="a.jsonl"), library.write(beir(2), beir(3), name="b.jsonl")]
    seen: list[tuple[int, int]] = []
    ingest(files, library.index, lambda: library.embedder, progress=lambda done, total, _: seen.append((done, total)))
    total = sum(path.stat().st_size for path in files)
    assert {t for _, t in seen} == {total}
    assert max(done for done, _ in seen) == total
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_an_ingest_that_dies_half_way_is_finished_by_the_next(library: Library) -> None:
    records = [beir(i) for i in range(1200)]

    class Dies(FakeEmbedder):
        def embed(self, texts: Any) -> Any:
            if len(self.embedded) > 600:
                raise KeyboardInterrupt
            return super().embed(texts)

    library.embedder = Dies()
    with pytest.raises(KeyboardInterrupt):
        library.ingest(*records)
    kept = library.index.catalog.counts().papers
    assert 0 < kept < 1200
    library.embedder = FakeEmbedder()
    report = library.ingest(*records)
    assert counts(report) == {"new": 1200 - kept, "unchanged": kept}
    assert library.index.vectors.count() == library.index.terms.count() == 1200


def test_half_a_character_in_one_record_does_not_cost_the_others(library: Library) -> None:
    report = library.ingest(beir(1), '{"_id": "half", "title": "T", "text": "A \\ud800 text."}', beir(2))
    assert {"p1", "p2"} <= set(library.stored())
    assert report.read == 3
