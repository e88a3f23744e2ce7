"""The records on disk: counted right, found by their keys, paged while they change, and honest about damage."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import sentences
from rag.adapters import catalog as module
from rag.adapters.catalog import SqliteCatalog
from rag.errors import PaperIndexError
from rag.filters import NONE
from rag.protocols import Counts, Unfinished
from rag.serialize import content_hash
from rag.types import Chunk, Paper
from tests.fakes import embedded_papers


def paper(number: int, date: str | None = None, abstract: str = "One. Two. Three.") -> Paper:
    return Paper(f"p{number:04}", f"Title {number}", abstract, date=date)


def row(record: Paper, chunks: int = 1) -> tuple[Paper, tuple[Chunk, ...]]:
    return record, tuple(Chunk(record, n, n + 3) for n in range(chunks))


@pytest.fixture
def catalog(tmp_path: Path) -> SqliteCatalog:
    return SqliteCatalog(tmp_path / "papers.sqlite")


def test_a_record_comes_back_as_it_was_written(catalog: SqliteCatalog) -> None:
    whole = Paper(
        "x/1 ü", "Tïtle 王", "Ab\U0001d54dstract.", ("A", "B"), 2, "Org", "2020-01", "Venue", "https://x.org", "10.1/x",
        "2001.00001", "7", ("cs.CL",), 0, "digest", "a.jsonl", {"k": "v"}, True,
    )  # fmt: skip
    catalog.upsert([row(whole, 2)])
    assert catalog.get(["unknown", "x/1 ü"]) == {"x/1 ü": row(whole, 2)}
    assert list(catalog.papers()) == [whole]


def test_records_come_in_the_order_asked_for(catalog: SqliteCatalog) -> None:
    catalog.upsert([row(paper(n)) for n in range(5)])
    assert list(catalog.get(["p0003", "p0001", "nobody", "p0004"])) == ["p0003", "p0001", "p0004"]


def test_a_paper_given_twice_in_one_write_counts_once(catalog: SqliteCatalog) -> None:
    catalog.upsert([row(paper(1), 1), row(paper(1), 3)])
    assert catalog.counts() == Counts(1, 3, 1)


IDS = st.integers(0, 5)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("upsert"), st.dictionaries(IDS, st.integers(1, 4), max_size=4)),
        st.tuples(st.just("delete"), st.lists(IDS, max_size=4)),
    ),
    max_size=8,
)


@settings(max_examples=50)
@given(CHANGES)
def test_counts_and_keys_are_right_after_any_changes(changes: list[tuple[str, object]]) -> None:
    catalog, model, keys = SqliteCatalog(Path(":memory:")), dict[str, int](), dict[str, set[str]]()
    for revision, (change, what) in enumerate(changes, start=1):
        if change == "upsert":
            assert isinstance(what, dict)
            own = {f"p{n:04}": [f"id:{n}", f"odd:{n % 2}", f"chunks:{chunks}"] for n, chunks in what.items()}
            catalog.upsert([row(paper(n), chunks) for n, chunks in what.items()], own)
            model |= {f"p{n:04}": chunks for n, chunks in what.items()}
            for paper_id, names in own.items():
                keys.setdefault(paper_id, set()).update(names)
        else:
            assert isinstance(what, list)
            catalog.delete([f"p{n:04}" for n in what])
            for n in what:
                model.pop(f"p{n:04}", None)
                keys.pop(f"p{n:04}", None)
        assert catalog.counts() == Counts(len(model), sum(model.values()), revision)
    asked = sorted({name for names in keys.values() for name in names} | {"id:none"})
    found = {name: sorted(p for p, names in keys.items() if name in names) for name in asked}
    assert catalog.find(asked) == {name: ids for name, ids in found.items() if ids}
    assert {p.id for p in catalog.papers()} == model.keys() == catalog.hashes([*model, "nobody"]).keys()


def test_ten_thousands_of_keys_are_asked_for_at_once(catalog: SqliteCatalog) -> None:
    catalog.upsert([row(paper(1))], {"p0001": ["k1", "k39999"]})
    assert catalog.find([f"k{n}" for n in range(40_000)]) == {"k1": ["p0001"], "k39999": ["p0001"]}


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(module, "PAGE", 20)
    yield 20


def expected(papers: list[Paper]) -> list[Paper]:
    by_id = sorted(papers, key=lambda p: p.id)
    return sorted(by_id, key=lambda p: p.date or "", reverse=True)


@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 40, 41, 130])
@pytest.mark.parametrize("dates", [[None], ["2020"], ["2020", "2021-05", None, "2021", "2020-01-01"]])
@pytest.mark.slow
def test_papers_come_newest_first_over_any_number_of_pages(
    catalog: SqliteCatalog, pages: int, count: int, dates: list[str | None]
) -> None:
    papers = [paper(n, dates[n % len(dates)]) for n in range(count)]
    catalog.upsert([row(p) for p in papers])
    assert list(catalog.papers()) == expected(papers)


@pytest.mark.parametrize("dates", [["2020"], ["2020", "2021", None]])
@pytest.mark.slow
def test_paging_goes_on_where_it_was_while_others_write(
    catalog: SqliteCatalog, tmp_path: Path, pages: int, dates: list[str | None]
) -> None:
    papers = [paper(2 * n, dates[n % len(dates)]) for n in range(100)]
    catalog.upsert([row(p) for p in papers])
    writer = SqliteCatalog(tmp_path / "papers.sqlite")
    reading, read = catalog.papers(), []
    for number, found in enumerate(reading):
        read.append(found)
        if number < 100:
            writer.upsert([row(paper(2 * number + 1, dates[number % len(dates)]))])  # in the middle of everything
        if number % 7 == 3:
            writer.delete([found.id])  # the place where the next page begins, too
    ids = [p.id for p in read]
    assert len(ids) == len(set(ids))
    assert [p for p in read if p in papers] == expected(papers)


def test_a_reader_sees_a_write_of_another_connection_whole_or_not_at_all(
    catalog: SqliteCatalog, tmp_path: Path
) -> None:
    path, stop, seen = tmp_path / "papers.sqlite", threading.Event(), set[tuple[str, ...]]()
    batch = [paper(n) for n in range(50)]
    catalog.upsert([row(p) for p in batch])

    def read() -> None:
        mine = SqliteCatalog(path)
        while not stop.is_set():
            seen.add(tuple({p.abstract for p, _ in mine.get([p.id for p in batch]).values()}))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        while not seen:  # the first look takes a moment
            time.sleep(0.001)
        for version in range(8):
            catalog.upsert([row(replace(p, abstract=f"Version {version}.")) for p in batch])
    finally:
        stop.set()
        thread.join(timeout=20)
    assert not thread.is_alive()
    assert seen
    assert {len(abstracts) for abstracts in seen} == {1}


def test_a_catalog_is_used_from_several_threads(catalog: SqliteCatalog) -> None:
    catalog.upsert([row(paper(1))])
    counted: list[Counts] = []
    thread = threading.Thread(target=lambda: counted.append(catalog.counts()))
    thread.start()
    thread.join(timeout=20)
    assert counted == [Counts(1, 1, 1)]


def test_the_journal_outlives_the_process(catalog: SqliteCatalog, tmp_path: Path) -> None:
    catalog.begin(["b", "a", "a"], ["c2", "c1"])
    catalog.begin(["a"], [])
    assert SqliteCatalog(tmp_path / "papers.sqlite").pending() == Unfinished(["a", "b"], ["c1", "c2"])
    catalog.end()
    assert catalog.pending() == Unfinished([], [])


def test_a_write_that_fails_half_way_changes_nothing(catalog: SqliteCatalog) -> None:
    catalog.upsert([row(paper(1))], {"p0001": ["k"]})
    with pytest.raises((PaperIndexError, UnicodeError)):
        catalog.upsert([row(paper(2)), row(replace(paper(3), title="half \ud800"))], {"p0002": ["k"]})
    assert catalog.counts() == Counts(1, 1, 1)
    assert catalog.find(["k"]) == {"k": ["p0001"]}
    assert [p.id for p in catalog.papers()] == ["p0001"]


@pytest.mark.parametrize("content", [b"no database at all, " * 100, b"SQLite format 3\x00" + b"\xff" * 8000])
def test_a_damaged_file_is_told_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "papers.sqlite"
    path.write_bytes(content)
    with pytest.raises(PaperIndexError, match=r"papers\.sqlite is damaged"):
        SqliteCatalog(path).counts()


def test_a_file_cut_off_in_the_middle_is_told(catalog: SqliteCatalog, tmp_path: Path) -> None:
    path = tmp_path / "papers.sqlite"
    catalog.upsert([row(paper(n, abstract="Words. " * 200)) for n in range(200)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cut = tmp_path / "cut.sqlite"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PaperIndexError, match=r"cut\.sqlite is damaged"):
        list(SqliteCatalog(cut).papers())


@pytest.mark.parametrize("column", ["record", "spans"])
def test_a_damaged_record_is_told_in_one_sentence(catalog: SqliteCatalog, tmp_path: Path, column: str) -> None:
    catalog.upsert([row(paper(1))])
    with closing(sqlite3.connect(tmp_path / "papers.sqlite")) as connection, connection:
        connection.execute(f"UPDATE papers SET {column} = '[{{'")
    with pytest.raises(PaperIndexError, match=r"papers\.sqlite"):
        catalog.get(["p0001"])


@pytest.mark.parametrize(
    "change", ["record = replace(record, 'Three', 'Threx')", "spans = '[[0, 2]]'", "hash = replace(hash, '-', '-0')"]
)
def test_letters_that_change_on_the_disk_are_never_shown(catalog: SqliteCatalog, tmp_path: Path, change: str) -> None:
    catalog.upsert([row(paper(1)), row(paper(2))])
    with closing(sqlite3.connect(tmp_path / "papers.sqlite")) as connection, connection:
        connection.execute(f"UPDATE papers SET {change} WHERE id = 'p0001'")
    with pytest.raises(PaperIndexError, match=r"p0001 is not as it was written\). Put back a copy"):
        catalog.get(["p0001", "p0002"])
    with pytest.raises(PaperIndexError, match="not as it was written"):
        list(catalog.papers())
    assert catalog.get(["p0002"]) == {"p0002": row(paper(2))}


def test_records_and_token_vectors_of_an_earlier_version_are_read_as_they_are(
    catalog: SqliteCatalog, tmp_path: Path
) -> None:
    rows = [row(paper(1), 2)]
    tokens = embedded_papers(rows).tokens
    catalog.upsert(rows, tokens=tokens)
    kept, hashes = catalog.tokens(["p0001"])["p0001"], catalog.hashes(["p0001"])
    with closing(sqlite3.connect(tmp_path / "papers.sqlite")) as connection, connection:
        connection.execute("UPDATE papers SET hash = substr(hash, 1, instr(hash, '-') - 1)")
        connection.execute("UPDATE tokens SET vectors = substr(vectors, 1, length(vectors) - 4)")
    assert catalog.get(["p0001"]) == {"p0001": rows[0]}
    assert catalog.hashes(["p0001"]) == hashes == {"p0001": content_hash(paper(1))}
    assert np.array_equal(catalog.tokens(["p0001"])["p0001"].levels, kept.levels)


def test_damaged_token_vectors_are_left_out_to_be_made_again(catalog: SqliteCatalog, tmp_path: Path) -> None:
    rows = [row(paper(1)), row(paper(2))]
    catalog.upsert(rows, tokens=embedded_papers(rows).tokens)
    with closing(sqlite3.connect(tmp_path / "papers.sqlite")) as connection, connection:
        ((data,),) = connection.execute("SELECT vectors FROM tokens WHERE id = 'p0001'")
        connection.execute("UPDATE tokens SET vectors = ? WHERE id = 'p0001'", (data[:20] + b"xx" + data[22:],))
    assert catalog.tokens(["p0001", "p0002"]).keys() == {"p0002"}


def test_counts_that_are_gone_are_told(catalog: SqliteCatalog, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "papers.sqlite")) as connection, connection:
        connection.execute("DELETE FROM counts")
    for count in (catalog.counts, lambda: catalog.count(NONE)):
        with pytest.raises(PaperIndexError, match="is damaged"):
            count()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(PaperIndexError, match="cannot be used"):
        SqliteCatalog(tmp_path / "nowhere" / "papers.sqlite")


def test_token_vectors_go_with_their_paper(catalog: SqliteCatalog) -> None:
    paper, other = Paper("p", "Whales", "They sing."), Paper("q", "Corals", "They bleach.")
    rows = [(p, (Chunk(p, 0, len(p.abstract)),)) for p in (paper, other)]
    catalog.upsert(rows, tokens=embedded_papers(rows).tokens)
    assert catalog.tokens(["q", "p", "none"]).keys() == {"p", "q"}
    catalog.delete(["q"])
    assert catalog.tokens(["p", "q"]).keys() == {"p"}
    # A record written again without them must not keep those of its old text.
    catalog.upsert([(replace(paper, abstract="They hum."), (Chunk(paper, 0, 4),))])
    assert catalog.tokens(["p"]) == {}
    catalog.upsert(rows, tokens=embedded_papers(rows).tokens)
    catalog.upsert(rows[:1], absorbed={"q": "p"}, tokens=embedded_papers(rows[:1]).tokens)
    assert catalog.tokens(["p", "q"]).keys() == {"p"}


def test_what_the_sentences_of_a_paper_hold_is_kept_and_goes_with_it(catalog: SqliteCatalog) -> None:
    whales = Paper("w", "Whales", "They sing. Half of them are 20 m long.")
    corals = Paper("c", "Corals", "")
    rows = [(whales, (Chunk(whales, 0, 10),)), (corals, (Chunk(corals, 0, 0),))]
    catalog.upsert(rows)
    found = catalog.sentences(["w", "c", "none"])
    assert found.keys() == {"w", "c"}
    for paper, _ in rows:
        kept, read = found[paper.id], sentences.of(paper)
        assert np.array_equal(kept.places, read.places)
        assert kept.held == read.held
    changed = replace(whales, abstract="They hum.")
    catalog.upsert([(changed, (Chunk(changed, 0, 4),))], absorbed={"c": "w"})
    assert catalog.sentences(["w", "c"]).keys() == {"w"}
    assert catalog.sentences(["w"])["w"].spans.tolist() == [[0, 9]]
    catalog.delete(["w"])
    assert catalog.sentences(["w", "c"]) == {}


@pytest.mark.parametrize(
    "damage", [lambda data: data[:20] + b"x" + data[21:], lambda data: data[:30], lambda data: b""]
)
def test_sentences_that_are_damaged_are_left_out_to_be_read_again(
    catalog: SqliteCatalog, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    catalog.upsert([row(paper(1)), row(paper(2))])
    with closing(sqlite3.connect(tmp_path / "papers.sqlite")) as connection, connection:
        ((data,),) = connection.execute("SELECT held FROM sentences WHERE id = 'p0001'")
        connection.execute("UPDATE sentences SET held = ? WHERE id = 'p0001'", (damage(data),))
    assert catalog.sentences(["p0001", "p0002"]).keys() == {"p0002"}


def test_sentences_that_other_rules_read_are_left_out(catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.upsert([row(paper(1))])
    monkeypatch.setattr(sentences, "RULES", sentences.RULES + 1)
    assert catalog.sentences(["p0001"]) == {}


def test_the_catalog_of_an_earlier_version_is_read_and_written_without_its_sentences(
    catalog: SqliteCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.upsert([row(paper(1))])
    with closing(sqlite3.connect(tmp_path / "papers.sqlite")) as connection, connection:
        connection.execute("DROP TABLE sentences")
    with monkeypatch.context() as locked:  # a folder that may not be written to
        locked.setattr(module, "SENTENCES", "INSERT INTO nowhere VALUES (1)")
        reader = SqliteCatalog(tmp_path / "papers.sqlite")
        assert reader.sentences(["p0001"]) == {}
        assert reader.get(["p0001"]).keys() == {"p0001"}
    writer = SqliteCatalog(tmp_path / "papers.sqlite")
    writer.upsert([row(paper(2))])
    assert writer.sentences(["p0001", "p0002"]).keys() == {"p0002"}
    writer.delete(["p0001"])
