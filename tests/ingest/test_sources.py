"""Files that cannot be used: each is told in one sentence that says what to do."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from ingest.pipeline import Options, ingest
from ingest.records import IngestReport
from ingest.sources import read_file
from rag.errors import SourceError, UsageError
from rag.index import Index
from tests.fakes import FakeEmbedder, build_fake_index

LINES = [json.dumps({"_id": str(i), "title": f"Title {i}", "text": f"Text number {i * 7919}."}) for i in range(3000)]
CORPUS = "\n".join(LINES).encode()


@pytest.fixture
def index(tmp_path: Path) -> Index:
    folder = tmp_path / "index"
    folder.mkdir()
    return build_fake_index(folder=folder)


def run(index: Index, *paths: Path, form: str | None = None) -> IngestReport:
    return ingest(paths, index, FakeEmbedder, options=Options(form))


def sentence(error: pytest.ExceptionInfo[BaseException]) -> str:
    """The message, which must read like one: it starts and ends like a sentence, on one line."""
    message = str(error.value)
    assert "\n" not in message
    assert "Traceback" not in message
    assert message.endswith((".", "?")), message
    assert message.count(". ") >= 1, message  # what is wrong, and then what to do
    return message


def scrambled(data: bytes, start: int, length: int) -> bytes:
    """`data` with a stretch of other bytes in it."""
    return data[:start] + bytes((7 * i + 13) % 256 for i in range(length)) + data[start + length :]


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b" \n\n\t\n", "is empty"),
        ("empty.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(200), "binary"),
        ("utf16.txt", "A title\n".encode("utf-16"), "no papers in a format"),
        ("latin1.txt", "Un résumé très court.\n".encode("latin-1"), "no papers in a format"),
        ("packed.gz", gzip.compress(bytes(500), mtime=0), "binary"),
        ("head.gz", b"\x1f\x8b" + bytes(range(1, 60)), "damaged gzip"),
        ("shopping.txt", b"milk\nbread\napples\n", "no papers in a format"),
        ("page.html", b"<html><body>Daily Papers</body></html>", "holds no paper"),
        ("table.csv", b"name,price\nA,B\n", "no papers in a format"),
    ],
)
def test_a_file_that_holds_no_papers(tmp_path: Path, index: Index, name: str, data: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SourceError) as error:
        run(index, path)
    message = sentence(error)
    assert told in message
    assert name in message
    assert index.catalog.counts().papers == 0


PACKED = gzip.compress(CORPUS, mtime=0)


@pytest.mark.parametrize(
    "data",
    [
        PACKED[:-4],
        PACKED[: len(PACKED) // 2],
        scrambled(PACKED, len(PACKED) - 8, 4),
        scrambled(PACKED, 30, 400),
        scrambled(PACKED, 2000, 400),
        scrambled(PACKED, len(PACKED) // 2, 400),
    ],
    ids=["end missing", "half missing", "wrong sum", "near the start", "further on", "in the middle"],
)
@pytest.mark.slow
def test_a_gzip_file_damaged_anywhere_is_called_damaged(tmp_path: Path, index: Index, data: bytes) -> None:
    path = tmp_path / "damaged.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(SourceError) as error:
        run(index, path)
    assert "damaged.jsonl.gz is a damaged gzip file" in sentence(error)


def test_a_missing_file(tmp_path: Path, index: Index) -> None:
    with pytest.raises(SourceError) as error:
        run(index, tmp_path / "nowhere.txt")
    assert "nowhere.txt does not exist" in sentence(error)


@pytest.mark.slow
def test_bytes_that_are_no_text_far_into_the_file(tmp_path: Path, index: Index) -> None:
    path = tmp_path / "half.jsonl"
    path.write_bytes(CORPUS + b"\n\xff\xfe\xfd\n" + b'{"_id": "x", "title": "T", "text": "\xff"}\n' + LINES[0].encode())
    report = run(index, path)
    assert (report.new, report.duplicates) == (3000, 1)
    assert [rejected.where for rejected in report.rejected] == ["line 3001", "line 3002"]
    assert "not UTF-8" in report.rejected[1].reason


def test_a_file_that_may_not_be_read(tmp_path: Path, index: Index) -> None:
    path = tmp_path / "secret.jsonl"
    path.write_bytes(CORPUS)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(SourceError) as error:
        run(index, path)
    assert "secret.jsonl cannot be read" in sentence(error)


def test_an_empty_folder(tmp_path: Path, index: Index) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / ".hidden").write_bytes(CORPUS)
    with pytest.raises(SourceError) as error:
        run(index, folder)
    assert "holds no file" in sentence(error)


def test_a_folder_is_read_with_what_lies_deeper(tmp_path: Path, index: Index) -> None:
    folder = tmp_path / "papers" / "2024"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text(LINES[0], encoding="utf-8")
    (folder.parent / "b.jsonl.gz").write_bytes(gzip.compress(LINES[1].encode()))
    assert run(index, folder.parent).new == 2


def test_one_bad_file_among_good_ones_is_reported_and_passed_over(tmp_path: Path, index: Index) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "a.jsonl").write_text(LINES[0], encoding="utf-8")
    (folder / "b.bin").write_bytes(bytes(100))
    (folder / "c.jsonl").write_text(LINES[1], encoding="utf-8")
    report = run(index, folder)
    assert report.new == 2
    (rejected,) = report.rejected
    assert rejected.source == str(folder / "b.bin")
    assert "binary" in rejected.reason


def test_a_folder_of_bad_files_only_is_an_error(tmp_path: Path, index: Index) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "a.bin").write_bytes(bytes(100))
    (folder / "b.txt").write_text("milk", encoding="utf-8")
    with pytest.raises(SourceError) as error:
        run(index, folder)
    assert "None of the 2 files" in sentence(error)


def test_an_unknown_format_names_the_known_ones(tmp_path: Path, index: Index) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(LINES[0], encoding="utf-8")
    with pytest.raises(UsageError) as error:
        run(index, path, form="word")
    message = sentence(error)
    assert "'word'" in message
    assert "jsonl" in message
    assert "daily-papers" in message


def test_a_named_format_is_taken_at_its_word(tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text("\n".join(["# a comment first", LINES[0]]), encoding="utf-8")
    with pytest.raises(SourceError):
        list(read_file(path, None, lambda done: None))
    rejected, paper = read_file(path, "jsonl", lambda done: None)
    assert rejected.where == "line 1"
    assert paper.id == "0"
