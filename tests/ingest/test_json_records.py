"""JSON lines: BEIR corpora, our digests, and records with the usual field names."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.pipeline import SAMPLES
from ingest.records import Record, Rejected
from ingest.sources import read_file
from rag.types import Paper

BEIR = [
    {"_id": "4983", "title": "Microstructural development", "text": "Alterations of white matter.", "metadata": {}},
    {"_id": "MED-10", "title": "", "text": "A text that has no title."},
]
Read = Callable[..., list[Record]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_lines(*lines: Any, name: str = "corpus.jsonl") -> list[Record]:
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n"
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return list(read_file(path, None, lambda done: None))

    return read_lines


def paper(record: Record) -> Paper:
    assert isinstance(record, Paper), record
    return record


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.jsonl.gz", "misnamed.gz.txt"])
def test_a_beir_corpus_keeps_its_ids(read: Read, name: str) -> None:
    first, second = (paper(record) for record in read(*BEIR, name=name))
    assert (first.id, first.title, first.abstract) == (
        "4983",
        "Microstructural development",
        "Alterations of white matter.",
    )
    assert (second.id, second.title) == ("MED-10", "")
    assert first.kind == "abstract"


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(gzip.compress(json.dumps(BEIR[0]).encode()))
    (record,) = read_file(path, None, lambda done: None)
    assert paper(record).id == "4983"


@pytest.mark.parametrize("given", [0, "0", 17])
def test_a_number_is_an_id_as_well(read: Read, given: int | str) -> None:
    (record,) = read({"_id": given, "title": "A title", "text": "A text."})
    assert paper(record).id == str(given)


def test_without_an_id_the_title_gives_one_that_stays(read: Read) -> None:
    (once,) = read({"title": "S²FT: Sparse Tuning", "abstract": "One."})
    (again,) = read({"title": "S^{2}FT: sparse   tuning", "abstract": "Another."})
    assert paper(once).id == paper(again).id
    assert paper(once).id.startswith("s2ft-sparse-tuning-")


def test_a_digest_is_called_a_digest(read: Read) -> None:
    digest, abstract = read(
        {"title": "A", "digest": "In our words.", "num_authors": 3, "num_comments": 2, "date": "2024-10-08"},
        {"title": "B", "digest": "In our words.", "abstract": "In theirs."},
    )
    assert paper(digest).kind == "digest"
    assert paper(digest).abstract == "In our words."
    assert (paper(digest).author_count, paper(digest).comments, paper(digest).date) == (3, 2, "2024-10-08")
    assert paper(abstract).kind == "abstract"
    assert paper(abstract).abstract == "In theirs."


def test_the_packaged_samples_are_ninety_digests() -> None:
    samples = [paper(record) for record in read_file(SAMPLES, None, lambda done: None)]
    assert len({sample.id for sample in samples}) == 90
    assert {sample.kind for sample in samples} == {"digest"}


def test_the_usual_field_names(read: Read) -> None:
    (record,) = read(
        {
            "id": "x1",
            "title": "T",
            "summary": "An abstract.",
            "authors": [{"name": "Ada Lovelace"}, {"name": "Alan Turing"}],
            "published": "2024-10-08T12:00:00Z",
            "journal_ref": "ICLR 2025",
            "link": "https://arxiv.org/abs/2410.05983",
            "DOI": "10.1/2",
            "arxiv": "2410.05983",
            "categories": "cs.CL cs.LG",
            "license": "CC-BY",
        }
    )
    found = paper(record)
    assert found.authors == ("Ada Lovelace", "Alan Turing")
    assert (found.date, found.venue, found.url) == ("2024-10-08", "ICLR 2025", "https://arxiv.org/abs/2410.05983")
    assert (found.doi, found.arxiv_id, found.categories) == ("10.1/2", "2410.05983", ("cs.CL", "cs.LG"))
    assert found.extra == {"license": "CC-BY"}


@pytest.mark.parametrize("authors", ["Ada Lovelace; Alan Turing", "Ada Lovelace and Alan Turing"])
def test_authors_in_one_text_are_taken_apart(read: Read, authors: str) -> None:
    (record,) = read({"title": "T", "abstract": "A.", "authors": authors})
    assert paper(record).authors == ("Ada Lovelace", "Alan Turing")


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ("John Smith, Jane Doe and Bob Roe", ("John Smith", "Jane Doe", "Bob Roe")),
        ("John Smith, Jane Doe, and Bob Roe", ("John Smith", "Jane Doe", "Bob Roe")),
        ("J. Smith, A. Doe & B. Roe", ("J. Smith", "A. Doe", "B. Roe")),
        ("Smith, J., Doe, A., & Roe, B.", ("J. Smith", "A. Doe", "B. Roe")),  # APA
        ("Smith, J., & Doe, A.", ("J. Smith", "A. Doe")),
        ("John Smith, Jane Doe, et al.", ("John Smith", "Jane Doe")),
        ("Smith, J.; Doe, A. et al.", ("J. Smith", "A. Doe")),
        ("[['Smith', 'John', ''], ['O\\'Neil', 'Seán', 'Jr']]", ("John Smith", "Seán O'Neil Jr")),
        ("[{'name': 'John Smith'}, {'name': \"Seán O'Neil\"}]", ("John Smith", "Seán O'Neil")),
        # As before.
        ("Smith, John and Doe, Jane Ann", ("John Smith", "Jane Ann Doe")),
        ("Smith, John and Doe, Jane and Roe, Bob", ("John Smith", "Jane Doe", "Bob Roe")),
        ("Smith, John Paul and Bob Roe", ("John Paul Smith", "Bob Roe")),
        ("van der Berg, John Paul", ("John Paul van der Berg",)),
        ("Zhang, Wei, Li, Na", ("Zhang, Wei, Li, Na",)),
        ("Smith J, Doe A, Roe BC", ("Smith J", "Doe A", "Roe BC")),
        ("['John Smith', \"Seán O'Neil\"]", ("John Smith", "Seán O'Neil")),
    ],
)
def test_authors_on_one_line(read: Read, authors: str, names: tuple[str, ...]) -> None:
    (record,) = read({"title": "T", "abstract": "A.", "authors": authors})
    assert paper(record).authors == names


@pytest.mark.parametrize("middle", ["(", "{", "-", "1+", "{'a':", "not ", "lambda x:", "\x00"])
def test_a_hostile_list_of_authors_ends_no_ingest(read: Read, middle: str) -> None:
    text = "[[" + middle * (90_000 // len(middle)) + "]]"
    assert len(read({"title": "T", "abstract": "A.", "authors": text}, BEIR[0])) == 2


@pytest.mark.parametrize(
    "abstract", ["[No abstract available]", "No abstract available.", "N/A", "nan", "None", "Abstract not available"]
)
def test_what_stands_for_no_abstract_is_none(read: Read, abstract: str) -> None:
    (record,) = read({"title": "T", "abstract": abstract})
    assert isinstance(record, Rejected)
    assert record.reason == "no abstract"


@pytest.mark.parametrize("abstract", ["No abstract art available in Ghent was counted.", "Nan Goldin.", "N"])
def test_an_abstract_that_begins_so_is_one(read: Read, abstract: str) -> None:
    (record,) = read({"title": "T", "abstract": abstract})
    assert paper(record).abstract == abstract


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ("[No author name available]", ()),
        ("N/A", ()),
        ("nan", ()),
        (["Kim, Y.", "et al."], ("Y. Kim",)),
        ("Nan Null", ("Nan Null",)),
        (["Null", "Nan"], ("Null", "Nan")),
    ],
)
def test_what_stands_for_no_author_is_none(read: Read, authors: Any, names: tuple[str, ...]) -> None:
    (record,) = read({"title": "T", "abstract": "A.", "authors": authors})
    assert paper(record).authors == names


def test_the_answer_of_a_search_engine_on_one_line_is_no_beir_corpus(read: Read) -> None:
    held = [{"_id": str(number), "_source": {"title": f"Paper {number}", "abstract": "A."}} for number in range(2)]
    records = read({"took": 1, "hits": {"hits": held}}, name="answer.json")
    assert [paper(record).title for record in records] == ["Paper 0", "Paper 1"]


def test_a_year_alone_is_a_date(read: Read) -> None:
    (record,) = read({"title": "T", "abstract": "A.", "year": 2019})
    assert paper(record).date == "2019"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "JSON"),
        ('{"_id": "1", "title": "cut off', "JSON"),
        ("[1, 2]", "not a JSON object"),
        ("7", "not a JSON object"),
        ({"_id": "1", "title": "No text"}, "no abstract"),
        ({"_id": "1", "title": "Empty", "text": "  "}, "no abstract"),
        ({"_id": "1", "title": "An object", "text": {"pages": [1, 2]}}, "no abstract"),
        ({"text": "Nobody knows whose."}, "neither a title nor an identifier"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_a_bad_line_is_rejected_with_its_number_and_the_others_are_kept(
    read: Read, tmp_path: Path, line: Any, reason: str
) -> None:
    before, rejected, after = read(BEIR[0], "", line, BEIR[1])
    assert isinstance(rejected, Rejected)
    assert (rejected.source, rejected.where) == (str(tmp_path / "corpus.jsonl"), "line 3")
    assert reason in rejected.reason
    assert len(rejected.reason) <= 200
    assert [paper(before).id, paper(after).id] == ["4983", "MED-10"]


def test_a_text_in_pieces_is_one_text(read: Read) -> None:
    (record,) = read({"_id": "1", "title": "A list", "text": ["One sentence.", "Another."]})
    assert paper(record).abstract == "One sentence. Another."


@pytest.mark.parametrize(
    "line",
    [
        {"title": "T", "abstract": "A.", "volume": 10**400},
        '{"abstract": "A.", "title": ' + '{"name": ' * 950 + '"x"' + "}" * 951,
    ],
    ids=["a number beyond floats", "names inside names"],
)
def test_what_no_paper_holds_ends_no_ingest(read: Read, line: Any) -> None:
    assert len(read(line, BEIR[0])) == 2


def test_half_a_character_in_a_text_does_not_reach_the_index(read: Read) -> None:
    # JSON can spell half of a surrogate pair; nothing after this point can store it.
    for record in read(BEIR[0], '{"_id": "half", "title": "T \\ud800", "text": "A \\udfff text."}'):
        if isinstance(record, Paper):
            f"{record.title} {record.abstract}".encode()


def test_progress_counts_the_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(json.dumps({**BEIR[0], "_id": str(i)}) + "\n" for i in range(2000)), encoding="utf-8")
    seen: list[int] = []
    assert len(list(read_file(path, None, seen.append))) == 2000
    assert seen == sorted(seen)
    assert seen[-1] == path.stat().st_size
