"""BEIR folders, `ir_datasets` (a fake of it), and known items."""

from __future__ import annotations

import gzip
import json
import sys
from collections import namedtuple
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eval.datasets import Dataset, load, sampled, write_questions
from eval.known_items import distinctive, held_out_corpus, is_usable, known_items, write_question
from rag.errors import SourceError, UsageError
from rag.text import sentences
from rag.types import Paper
from tests.fakes import FakeGenerator, build_fake_index


def no_bar(what: str, items: Iterable[Any], total: int) -> Iterator[Any]:
    yield from items


def beir(folder: Path, *, packed: bool = False, header: bool = True) -> Path:
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    rows = {
        "corpus": [{"_id": "d1", "title": "One", "text": "First."}, {"_id": "d2", "title": "", "text": "Second."}],
        "queries": [{"_id": "q1", "text": "first?"}, {"_id": "q2", "text": "second?"}, {"_id": "q3", "text": "?"}],
    }
    for name, entries in rows.items():
        text = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
        path = folder / f"{name}.jsonl{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(text) if packed else text)
    start = "query-id\tcorpus-id\tscore\n" if header else ""
    (folder / "qrels" / "test.tsv").write_text(f"{start}q2\td2\t1\nq1\td1\t2\n")
    return folder


def loaded(folder: Path, split: str | None = None, **options: Any) -> Dataset:
    return load(str(folder), split, folder / "cache", no_bar, **options)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", [False, True])
def test_a_beir_folder(tmp_path: Path, packed: bool, header: bool) -> None:
    dataset = loaded(beir(tmp_path, packed=packed, header=header))
    assert dataset.queries == {"q1": "first?", "q2": "second?"}
    assert dataset.qrels == {"q1": {"d1": 2}, "q2": {"d2": 1}}
    assert list(dataset.qrels) == list(dataset.queries)
    assert dataset.corpus == tmp_path / ("corpus.jsonl.gz" if packed else "corpus.jsonl")


def test_a_folder_without_a_corpus_serves_an_index_that_exists(tmp_path: Path) -> None:
    (beir(tmp_path) / "corpus.jsonl").unlink()
    assert loaded(tmp_path, corpus=False).corpus is None
    with pytest.raises(SourceError, match="no corpus"):
        loaded(tmp_path)


def test_what_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--known-items"):
        loaded(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="Choose --split test"):
        loaded(beir(tmp_path), "train")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "first?"}\n')
    with pytest.raises(SourceError, match="1 of 2 judged queries"):
        loaded(tmp_path)


@pytest.mark.parametrize("line", ["not json", '{"_id": "q9"}', '{"_id": "q1", "text": "again"}', '["q9", "?"]'])
def test_a_bad_query_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    path = beir(tmp_path) / "queries.jsonl"
    path.write_text(f'{{"_id": "q1", "text": "first?"}}\n{line}\n')
    with pytest.raises(SourceError, match=r"queries\.jsonl, line 2"):
        loaded(tmp_path)


def test_queries_without_a_relevant_document_stay_and_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (beir(tmp_path) / "qrels" / "test.tsv").write_text("q1\td1\t1\nq2\td2\t0\n")
    assert len(loaded(tmp_path).queries) == 2
    assert "1 of 2 queries have no relevant document" in caplog.text


def test_a_sample_is_always_the_same_one() -> None:
    queries = {f"q{number}": "?" for number in range(100)}
    dataset = Dataset("d", "", queries, {query: {"a": 1} for query in queries}, None)
    small, large = sampled(dataset, 5), sampled(dataset, 20)
    assert len(small.queries) == 5
    assert small.queries.keys() <= large.queries.keys()
    assert list(small.queries) != list(queries)[:5]
    assert small.qrels.keys() == small.queries.keys()


# --- ir_datasets --------------------------------------------------------------------------------

Doc = namedtuple("Doc", "doc_id title text")
Plain = namedtuple("Plain", "doc_id text")
Query = namedtuple("Query", "query_id title description")
Qrel = namedtuple("Qrel", "query_id doc_id relevance iteration")


class FakeSource:
    """What `ir_datasets.load` gives."""

    def __init__(self, docs: list[Any], fails: Exception | None = None, has_qrels: bool = True) -> None:
        self.docs, self.fails, self.with_qrels, self.reads = docs, fails, has_qrels, 0

    def has_docs(self) -> bool:
        return True

    def has_queries(self) -> bool:
        return True

    def has_qrels(self) -> bool:
        return self.with_qrels

    def docs_count(self) -> int:
        return len(self.docs)

    def docs_iter(self) -> Iterator[Any]:
        self.reads += 1
        yield from self.docs

    def queries_iter(self) -> Iterator[Any]:
        yield from [Query("1", "a question", "long"), Query("2", "not judged", "long")]

    def qrels_iter(self) -> Iterator[Any]:
        if self.fails:
            raise self.fails
        yield Qrel("1", "d1", 1, "0")


def install(monkeypatch: pytest.MonkeyPatch, source: FakeSource) -> None:
    def loader(name: str) -> FakeSource:
        if name != "known/test":
            raise KeyError(name)
        return source

    monkeypatch.setitem(sys.modules, "ir_datasets", SimpleNamespace(load=loader))


def test_ir_datasets_are_written_once_as_a_beir_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource([Doc("d1", "Title", "Text."), Plain("d2", "Plain.")])
    install(monkeypatch, source)
    for _ in range(2):
        dataset = load("ir_datasets:known/test", None, tmp_path, no_bar)
    assert source.reads == 1
    assert dataset.queries == {"1": "a question"}
    assert dataset.qrels == {"1": {"d1": 1}}
    assert dataset.corpus is not None
    assert [json.loads(line) for line in dataset.corpus.read_text().splitlines()] == [
        {"_id": "d1", "title": "Title", "text": "Text."},
        {"_id": "d2", "title": "", "text": "Plain."},
    ]


def test_ir_datasets_missing_unknown_unjudged_or_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ir_datasets", None)
    with pytest.raises(UsageError, match="pip install ir_datasets"):
        load("ir_datasets:known/test", None, tmp_path, no_bar)
    install(monkeypatch, FakeSource([]))
    with pytest.raises(UsageError, match="no data set 'other'"):
        load("ir_datasets:other", None, tmp_path, no_bar)
    with pytest.raises(UsageError, match="ir_datasets:known/test"):
        load("ir_datasets:known", "test", tmp_path, no_bar)
    install(monkeypatch, FakeSource([], has_qrels=False))
    with pytest.raises(UsageError, match="no qrels"):
        load("ir_datasets:known/test", None, tmp_path, no_bar)
    install(monkeypatch, FakeSource([], fails=ConnectionError("no route to host")))
    with pytest.raises(SourceError, match="check the network"):
        load("ir_datasets:known/test", None, tmp_path, no_bar)


# --- known items --------------------------------------------------------------------------------

PAPERS = [
    Paper(
        f"p{number}",
        f"Title {name}",
        f"We study a common problem of learning systems here. {name} quantises gradients with stochastic lattices. "
        "We study a common problem of learning systems here.",
    )
    for number, name in enumerate(["Alphanet", "Betaflow", "Gammaware", "Deltacore"])
]


def test_the_sentence_whose_words_are_rarest_is_taken() -> None:
    index = build_fake_index(PAPERS)
    assert distinctive(PAPERS[0], index.terms) == "Alphanet quantises gradients with stochastic lattices."
    assert distinctive(Paper("x", "Only a title", "Too short."), index.terms) == ""


def test_titles_and_papers_without_a_sentence_to_ask() -> None:
    index = build_fake_index([*PAPERS, Paper("bare", "Only a title", "Too short."), Paper("none", "", "Nothing.")])
    titles = known_items(index, 9, no_bar, "title")
    assert {titles.queries[f"known-{paper.id}"] for paper in PAPERS} == {paper.title for paper in PAPERS}
    assert "known-none" not in titles.queries
    assert known_items(index, 9, no_bar).queries["known-bare"] == "Only a title"
    assert "known-bare" not in known_items(index, 9, no_bar, "held-out").queries
    assert all("upper bound" in known_items(index, 1, no_bar, kind).note for kind in ("title", "sentence"))


def test_a_sentence_that_is_held_out_is_not_in_the_corpus_and_the_rest_is(tmp_path: Path) -> None:
    index = build_fake_index(PAPERS)
    dataset = known_items(index, 2, no_bar, "held-out")
    rows = {row["_id"]: row for row in map(json.loads, held_out_corpus(index, dataset, tmp_path).open())}
    assert rows.keys() == {paper.id for paper in PAPERS}
    for paper in PAPERS:
        asked = dataset.queries.get(f"known-{paper.id}")
        left = [sentence for sentence in sentences(paper.abstract) if sentence != asked]
        assert rows[paper.id]["text"] == " ".join(left)
        assert (len(left) == 2) == (asked is not None)


def test_known_items_are_the_same_every_time_and_lead_to_their_paper() -> None:
    index = build_fake_index(PAPERS)
    dataset = known_items(index, 3, no_bar)
    assert dataset == known_items(index, 3, no_bar)
    assert len(dataset.queries) == 3
    for query, judged in dataset.qrels.items():
        (paper_id,) = judged
        assert dataset.queries[query] in next(p.abstract for p in PAPERS if p.id == paper_id)
    assert len(known_items(index, 99, no_bar).queries) == 4
    assert "copied" in dataset.note


def test_questions_that_copy_are_dropped_and_the_next_paper_is_asked() -> None:
    index = build_fake_index(PAPERS)
    good = FakeGenerator("Question: How can communication of gradients between workers be made cheaper?\nMore.")
    dataset = known_items(index, 2, no_bar, "model", good)
    assert set(dataset.queries.values()) == {"How can communication of gradients between workers be made cheaper?"}
    assert "2 of 2" in dataset.note
    copying = FakeGenerator("Does it quantise gradients with stochastic lattices?")
    with pytest.raises(UsageError, match="4 papers made no usable question"):
        known_items(index, 2, no_bar, "model", copying)


@pytest.mark.parametrize(
    ("question", "usable"),
    [
        ("How are gradients made cheaper to send?", True),
        ("How are gradients made cheaper to send.", False),
        ("Gradients?", False),
        ("What is the capital city of France today?", False),
        ("Which method quantises gradients with stochastic lattices?", False),
        ("How does the Alphanet title of gradients go?", False),
        ("", False),
    ],
)
def test_what_is_a_usable_question(question: str, usable: bool) -> None:
    sentence = "Alphanet quantises gradients with stochastic lattices."
    assert is_usable(question, sentence, PAPERS[0]) is usable


def test_what_the_model_says_around_its_question_is_cut() -> None:
    generator = FakeGenerator(["\n “How does ", "it learn?” It answers", " this.\nAnd more?"])
    assert write_question(generator, PAPERS[0], "s") == "How does it learn?"


def test_an_empty_index_is_told() -> None:
    with pytest.raises(UsageError, match="is empty"):
        known_items(build_fake_index(), 3, no_bar)


def test_questions_can_be_written_corrected_and_asked_again(tmp_path: Path) -> None:
    dataset = known_items(build_fake_index(PAPERS), 3, no_bar)
    write_questions(dataset, tmp_path / "questions")
    again = loaded(tmp_path / "questions", corpus=False)
    assert again.queries == dataset.queries
    assert again.qrels == dataset.qrels
