"""Files appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.files import whole, whole_text
from rag.trec import descending, write_run


def test_a_file_stands_there_when_all_of_it_is_written() -> None:
    path = Path("out.txt").absolute()  # the test's own folder
    with whole_text(path, durable=True) as file:
        file.write("é")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "é"
    assert list(Path.cwd().iterdir()) == [path]


def test_what_stood_there_stays_where_writing_fails_and_no_half_is_left() -> None:
    path = Path("out.txt").absolute()  # the test's own folder
    path.write_text("before")
    with pytest.raises(RuntimeError), whole_text(path) as file:
        file.write("half")
        raise RuntimeError
    with pytest.raises(KeyboardInterrupt), whole(path) as part:
        part.write_bytes(b"half")
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert list(Path.cwd().iterdir()) == [path]


def test_a_folder_that_is_a_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"), whole_text(tmp_path / "file" / "out.txt"):
        pass


def test_a_run_keeps_the_order_it_was_given_through_ties(tmp_path: Path) -> None:
    ranking = [("b", 0.5), ("a", 0.5), ("a paper", 0.7)]
    write_run(tmp_path / "run", [("q 1", descending(ranking).items()), ("q2", [("x", 1.0)])], "a tag")
    rows = [line.split("\t" if "\t" in line else " ") for line in (tmp_path / "run").read_text().splitlines()]
    assert [(row[0], row[2], row[3], row[5]) for row in rows] == [
        ("q 1", "b", "1", "a_tag"),
        ("q 1", "a", "2", "a_tag"),
        ("q 1", "a paper", "3", "a_tag"),
        ("q2", "x", "1", "a_tag"),
    ]
    scores = [float(row[4]) for row in rows[:3]]
    assert scores == sorted(set(scores), reverse=True)
