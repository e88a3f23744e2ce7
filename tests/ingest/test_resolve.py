"""One paper, one record: whatever the order, the batches and the runs in which its records come."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.identity import derived_id
from ingest.pipeline import ingest
from ingest.resolve import Decision, Resolver
from rag.index import Index
from rag.types import Paper
from tests.fakes import FakeCatalog, FakeEmbedder, build_fake_index, whole

TOPICS = (
    "Whales sing long songs across cold northern oceans while calves listen near quiet shallow bays every winter",
    "Glaciers shrink where warm currents melt deep basal ice and surface lakes drain through widening cracks",
    "Transformers attend sparsely over tokens using learned kernels that lower memory and keep accuracy high",
    "Mosquito larvae resist common insecticides because copied genes detoxify compounds within fatty tissue",
)
JOURNAL, PREPRINT = "10.1038/s41586-020-1", "10.1101/2020.01.02.123456"


def paper(topic: int = 0, **fields: object) -> Paper:
    """A record about a topic: same title, authors and abstract; the rest as given."""
    first = Paper(
        "", f"{TOPICS[topic]}", f"{TOPICS[topic]}. We measure it.", (f"Ann Author{topic}", f"Bo Coauthor{topic}")
    )
    made = replace(first, **{"source": "a.jsonl", **fields})
    return made if made.id else replace(made, id=derived_id(made))


class Shelf:
    """Resolver and catalog; decisions are written as they come, or some decisions later."""

    def __init__(self, lag: int = 0) -> None:
        self.catalog = FakeCatalog()
        self.lag = lag

    def run(self, *parts: Sequence[Paper]) -> list[Decision]:
        """One run, its records read in these parts."""
        resolver, waiting, made = Resolver(self.catalog), deque[list[Decision]](), []
        for part in parts:
            decisions = list(resolver.decide(part))
            made += decisions
            waiting.append([d for d in decisions if d.paper is not None])
            while len(waiting) > self.lag:
                self._write(resolver, waiting.popleft())
        while waiting:
            self._write(resolver, waiting.popleft())
        return made

    def _write(self, resolver: Resolver, decisions: list[Decision]) -> None:
        for decision in decisions:
            assert decision.paper is not None
            self.catalog.upsert([(decision.paper, whole(decision.paper))], {decision.paper.id: decision.keys})
            self.catalog.delete(decision.absorbed)
        resolver.written(decisions)

    def papers(self) -> dict[str, Paper]:
        return {paper.id: paper for paper in self.catalog.papers()}

    def the_one(self) -> Paper:
        (only,) = self.catalog.papers()
        return only


def outcomes(decisions: Sequence[Decision]) -> dict[str, int]:
    return dict(Counter(decision.outcome for decision in decisions))


def written(decisions: Sequence[Decision]) -> int:
    return sum(decision.paper is not None for decision in decisions)


def test_records_are_new_then_unchanged_then_updated() -> None:
    shelf = Shelf()
    first, second = paper(0, doi=JOURNAL), paper(1)
    assert outcomes(shelf.run([first, second])) == {"new": 2}
    again = shelf.run([first, second])
    assert (outcomes(again), written(again)) == ({"unchanged": 2}, 0)
    assert outcomes(shelf.run([replace(first, abstract="Corrected. " + first.abstract)])) == {"updated": 1}
    assert shelf.papers()[first.id].abstract.startswith("Corrected. ")


@pytest.mark.parametrize("parts", [1, 2], ids=["one batch", "two batches"])
def test_within_one_run_the_first_of_two_equals_stays(parts: int) -> None:
    shelf, record = Shelf(), paper(0, doi=JOURNAL)
    other = replace(record, abstract="Other words. " + record.abstract)
    assert outcomes(shelf.run(*([[record, other]] if parts == 1 else [[record], [other]]))) == {
        "new": 1,
        "duplicates": 1,
    }
    assert shelf.the_one().abstract == record.abstract


PREPRINTED = paper(0, arxiv_id="2001.00001", venue="arXiv", date="2020-01-01")
BIORXIV = paper(0, doi=PREPRINT, date="2020-01-01", abstract=f"{TOPICS[0]}. Preliminary results.")
PUBLISHED = paper(0, doi=JOURNAL, pubmed_id="123", venue="Nature", date="2021-05-05", source="b.jsonl")


@pytest.mark.parametrize("preprint", [PREPRINTED, BIORXIV], ids=["arXiv", "bioRxiv"])
@pytest.mark.parametrize("runs", [1, 2])
def test_a_preprint_and_its_published_version_give_one_record_in_either_order(preprint: Paper, runs: int) -> None:
    found = []
    for order in ([preprint, PUBLISHED], [PUBLISHED, preprint]):
        shelf = Shelf()
        for part in [order] if runs == 1 else [[record] for record in order]:
            shelf.run(part)
        only = shelf.the_one()
        assert (only.venue, only.date, only.doi, only.abstract) == ("Nature", "2021-05-05", JOURNAL, PUBLISHED.abstract)
        found.append((only.arxiv_id, only.pubmed_id, only.extra.get("preprint_doi")))
    assert found[0] == found[1]
    assert found[0] == (preprint.arxiv_id, "123", preprint.doi)


def test_a_preprint_read_again_after_the_paper_appeared_changes_nothing() -> None:
    shelf = Shelf()
    shelf.run([BIORXIV])
    shelf.run([PUBLISHED])
    assert written(shelf.run([BIORXIV, PUBLISHED])) == 0


def test_a_preprint_doi_finds_the_published_paper_under_another_title() -> None:
    shelf = Shelf()
    shelf.run([PUBLISHED, BIORXIV])
    revised = replace(BIORXIV, title="How whales sing", abstract=f"Second version. {TOPICS[0]}")
    shelf.run([revised])
    assert len(shelf.papers()) == 1


# Three records of one paper that have nothing in common, and a fourth that joins them.
APART = [
    Paper("10.1038/x", "Alpha", TOPICS[0], doi="10.1038/x", source="a"),
    Paper("2001.00001", "Beta", TOPICS[1], arxiv_id="2001.00001", source="b"),
    Paper("pmid:77", "Gamma", TOPICS[2], pubmed_id="77", source="c"),
]
BRIDGE = Paper("own", "Delta", TOPICS[3], doi="10.1038/x", arxiv_id="2001.00001", pubmed_id="77", source="d")


@pytest.mark.parametrize("lag", [0, 1, 5])
@pytest.mark.parametrize("runs", ["one batch", "many batches", "two runs"])
def test_a_fourth_record_joins_three_and_the_absorbed_are_gone(runs: str, lag: int) -> None:
    shelf = Shelf(lag)
    if runs == "one batch":
        shelf.run([*APART, BRIDGE])
    elif runs == "many batches":
        shelf.run(*([record] for record in [*APART, BRIDGE]))
    else:
        shelf.run(APART)
        shelf.run([BRIDGE])
    only = shelf.the_one()
    assert (only.doi, only.arxiv_id, only.pubmed_id) == ("10.1038/x", "2001.00001", "77")
    again = shelf.run([*APART, BRIDGE])
    assert len(shelf.papers()) == 1
    assert {d.outcome for d in again} <= {"updated", "unchanged", "duplicates"}


def test_a_title_without_identifiers_does_not_join_two_papers_of_different_dois() -> None:
    shelf = Shelf()
    first, second = paper(0, doi="10.1038/one"), paper(0, doi="10.1038/two")
    shelf.run([first, second])
    assert len(shelf.papers()) == 2
    digest = paper(0, kind="digest", abstract="In our words: whales sing.", id="digest-id")
    shelf.run([digest])
    assert {p.doi for p in shelf.papers().values()} == {"10.1038/one", "10.1038/two"}


def test_a_paper_that_changed_its_doi_is_still_found_by_the_first() -> None:
    conference = paper(0, arxiv_id="2001.00001", doi="10.1145/1.1")
    journal = replace(conference, doi="10.1109/2.2")
    shelf = Shelf()
    for record in (conference, journal, paper(0, doi="10.1145/1.1", source="c")):
        shelf.run([record])
    assert len(shelf.papers()) == 1


def test_versions_of_a_preprint_doi_do_not_take_turns() -> None:
    versions = [paper(0, doi=f"10.21203/rs.3.rs-1/v{n}") for n in (1, 2)]
    shelf = Shelf()
    shelf.run([*versions, PUBLISHED])
    assert len(shelf.papers()) == 1
    assert written(shelf.run([*versions, PUBLISHED])) == 0


def test_many_papers_of_one_title_are_found_again() -> None:
    editorials = [
        paper(n % 4, title="Editorial", abstract=f"{TOPICS[n % 4]} {'x' * n}", authors=(chr(97 + n) * 9,))
        for n in range(30)
    ]
    shelf = Shelf()
    shelf.run(editorials)
    assert len(shelf.papers()) == 30
    assert written(shelf.run(editorials)) == 0


def test_two_tables_that_count_from_one_keep_all_papers() -> None:
    tables = [
        [paper(n, id=str(1 + n % 2), source=source) for n in numbers]
        for source, numbers in (("a.csv", (0, 1)), ("b.csv", (2, 3)))
    ]
    for runs in ([[*tables[0], *tables[1]]], tables):
        shelf = Shelf()
        for records in runs:
            assert outcomes(shelf.run(records)) == {"new": len(records)}
        assert sorted(p.title for p in shelf.papers().values()) == sorted(TOPICS)
        for records in runs:
            assert written(shelf.run(records)) == 0


@pytest.mark.parametrize("lag", [0, 1])
@pytest.mark.parametrize("parts", [1, 2], ids=["one batch", "two batches"])
def test_two_rows_of_one_file_under_one_id_are_both_kept(parts: int, lag: int) -> None:
    rows = [paper(0, id="7"), paper(1, id="7"), paper(0, id="8")]
    for _ in range(2):
        shelf = Shelf(lag)
        made = shelf.run(*([rows] if parts == 1 else [[row] for row in rows]))
        assert outcomes(made) == {"new": 2, "duplicates": 1}
        assert sorted(p.title for p in shelf.papers().values()) == sorted(TOPICS[:2])
        assert written(shelf.run(*([rows] if parts == 1 else [[row] for row in rows]))) == 0
        rows.reverse()


def test_a_row_that_is_read_again_with_other_words_is_a_correction() -> None:
    shelf = Shelf()
    shelf.run([paper(0, id="7")])
    assert outcomes(shelf.run([paper(1, id="7")])) == {"updated": 1}
    assert shelf.the_one().title == TOPICS[1]
    # In one run too, where the words are the same for the most part.
    assert outcomes(shelf.run([paper(1, id="7"), paper(1, id="7", title="Ice")])) == {"unchanged": 1, "duplicates": 1}
    assert len(shelf.papers()) == 1


def test_a_row_keeps_the_number_of_its_own_table_after_another_table_told_of_its_paper() -> None:
    shelf = Shelf()
    for record in (
        paper(0, id="1"),
        paper(0, title=TOPICS[0].upper(), source="b.jsonl"),
        paper(1, id="1", source="b.jsonl"),
    ):
        shelf.run([record])
    assert sorted(p.abstract for p in shelf.papers().values()) == sorted(
        f"{topic}. We measure it." for topic in TOPICS[:2]
    )
    shelf.run([paper(0, id="1", abstract="Corrected.")])
    assert shelf.papers()["1"].abstract == "Corrected."


def test_chapters_under_the_doi_of_their_book_are_all_kept() -> None:
    names = ("Ann Author", "Bo Lund", "Cy Poe")
    shelf, chapters = Shelf(), [paper(n, doi="10.1007/978-3", authors=(name,)) for n, name in enumerate(names)]
    assert outcomes(shelf.run(chapters)) == {"new": 3}
    assert written(shelf.run(chapters)) == 0
    assert len(shelf.papers()) == 3


def test_beir_ids_are_papers_of_their_own() -> None:
    shelf = Shelf()
    records = [paper(0, id=f"d{n}", keep_id=True, doi=JOURNAL) for n in range(3)]
    assert outcomes(shelf.run(records)) == {"new": 3}
    assert written(shelf.run([PUBLISHED])) == 1
    assert set(shelf.papers()) == {"d0", "d1", "d2", PUBLISHED.id}


def test_a_table_that_counts_from_one_spares_a_beir_corpus_that_does_too() -> None:
    shelf = Shelf()
    shelf.run([paper(0, id="1", keep_id=True, source="corpus.jsonl")])
    shelf.run([paper(1, id="1", source="table.csv")])
    assert sorted(p.title for p in shelf.papers().values()) == sorted(TOPICS[:2])


# --- through the pipeline, where many decisions are written at once -------------------------------


def read(folder: Path, index: Index, *files: list[dict[str, str]]) -> None:
    """One run over files `0.jsonl`, `1.jsonl` and so on."""
    paths = [folder / f"{number}.jsonl" for number in range(len(files))]
    for path, records in zip(paths, files, strict=True):
        path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    ingest(paths, index, FakeEmbedder)


def about(topic: int, **fields: str) -> dict[str, str]:
    return {"title": TOPICS[topic], "abstract": TOPICS[topic], **fields}


def test_a_paper_that_takes_the_id_of_an_absorbed_one_stays(tmp_path: Path) -> None:
    index = build_fake_index(folder=tmp_path)
    joined = [about(0, doi="10.1038/x"), about(1, id="1", pmid="77"), about(2, id="2", doi="10.1038/x", pmid="77")]
    read(tmp_path, index, joined, [about(3, id="1")])
    assert TOPICS[3] in [paper.title for paper in index.catalog.papers()]


def test_what_an_absorbed_paper_had_absorbed_is_gone_too(tmp_path: Path) -> None:
    index = build_fake_index(folder=tmp_path)
    read(tmp_path, index, [about(0, pmid="77")])
    chain = [
        about(1, arxiv_id="2001.00001"),
        about(1, id="d", arxiv_id="2001.00001", pmid="77"),
        about(2, doi="10.1038/x"),
        about(2, id="e", doi="10.1038/x", arxiv_id="2001.00001"),
    ]
    read(tmp_path, index, chain)
    assert len(list(index.catalog.papers())) == 1
    assert index.vectors.count() == index.terms.count() == 1


def test_files_of_one_name_in_two_folders_are_two_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = build_fake_index(folder=tmp_path)
    for topic, name in enumerate(("first", "second")):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        read(Path(), index, [about(topic, id="1")])
    assert {paper.title for paper in index.catalog.papers()} == set(TOPICS[:2])


def test_a_run_cut_short_between_a_merge_and_its_clean_up_ends_as_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [about(0, id="a", pmid="77"), about(1, id="b", doi="10.1038/x")]
    bridge = about(2, id="c", doi="10.1038/x", pmid="77")
    undisturbed, cut = build_fake_index(folder=tmp_path), build_fake_index(folder=tmp_path)
    for index in (undisturbed, cut):
        read(tmp_path, index, records)
    read(tmp_path, undisturbed, [*records, bridge])

    def killed(chunk_ids: Sequence[str]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cut.vectors, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            read(tmp_path, cut, [*records, bridge])
    # Records that disagree about one paper settle with the second reading.
    read(tmp_path, undisturbed, [*records, bridge])
    read(tmp_path, cut, [*records, bridge])
    assert list(cut.catalog.papers()) == list(undisturbed.catalog.papers())


# --- any world -----------------------------------------------------------------------------------


@st.composite
def worlds(draw: st.DrawFn) -> list[Paper]:
    """Records of up to four papers, each record with some of its paper's identifiers."""
    records = []
    for topic in draw(st.lists(st.integers(0, 3), min_size=1, max_size=8)):
        known = {"doi": f"10.1038/p{topic}", "arxiv_id": f"2001.0000{topic}", "pubmed_id": f"10{topic}"}
        shown = draw(st.sets(st.sampled_from(sorted(known))))
        fields: dict[str, object] = {name: known[name] for name in shown}
        source = draw(st.sampled_from(["a.jsonl", "b.jsonl"]))
        number = topic + 1 if source == "a.jsonl" else 4 - topic  # each counts from 1, in its own order
        own = draw(st.sampled_from(["", str(number), f"own-{topic}"]))
        kind = draw(st.sampled_from(["abstract", "abstract", "digest"]))
        text = f"{TOPICS[topic]}. " + draw(st.sampled_from(["", "We measure it.", "It holds."]))
        title = draw(st.sampled_from([TOPICS[topic], TOPICS[topic].upper(), TOPICS[topic].replace(" ", "-", 1)]))
        records.append(paper(topic, title=title, abstract=text, id=own, kind=kind, source=source, **fields))
    return records


def partition(shelf: Shelf) -> set[str]:
    return {paper.authors[0] for paper in shelf.catalog.papers()}


@settings(max_examples=30)
@given(worlds(), st.integers(0, 3))
def test_every_paper_is_there_once_and_a_second_run_writes_nothing(records: list[Paper], lag: int) -> None:
    shelf = Shelf(lag)
    shelf.run(*([record] for record in records))
    assert len(shelf.papers()) == len(partition(shelf)) == len({record.authors for record in records})
    again = shelf.run(records)
    assert (set(outcomes(again)) <= {"unchanged", "duplicates"}, written(again)) == (True, 0)


@settings(max_examples=30)
@given(worlds(), st.integers(1, 3), st.integers(1, 3))
def test_batches_runs_and_a_late_writer_make_no_difference(records: list[Paper], size: int, lag: int) -> None:
    parts = [records[i : i + size] for i in range(0, len(records), size)]
    shelves = [Shelf(), Shelf(), Shelf(lag), Shelf()]
    decided = [shelves[0].run(records), shelves[1].run(*parts), shelves[2].run(*parts)]
    assert decided[0] == decided[1] == decided[2]
    assert shelves[0].papers() == shelves[1].papers() == shelves[2].papers()
    for part in parts:
        shelves[3].run(part)
    assert partition(shelves[3]) == partition(shelves[0])
    assert len(shelves[3].papers()) == len(shelves[0].papers())
