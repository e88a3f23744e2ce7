"""What the user names becomes files to read: folders, patterns, standard input, each once and in order."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from ingest.inputs import expand
from ingest.pipeline import ingest
from ingest.records import IngestReport
from ingest.sources import web
from rag.errors import SourceError, UsageError
from tests.fakes import FakeEmbedder, build_fake_index


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def make(*names: str) -> None:
    for number, name in enumerate(names):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"title": f"Title {number} of {name}", "abstract": f"Words {number} in {name}."}))


def named(*paths: str | Path) -> list[str]:
    return [within(source.name) for source in expand(paths)]


def within(name: str) -> str:
    """An input's name is its whole path; here the part inside the folder tells enough."""
    path = Path(name)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else name


def run(*paths: str | Path) -> IngestReport:
    return ingest(paths, build_fake_index(folder=Path.cwd().parent), FakeEmbedder)


def test_files_come_in_the_order_given_with_their_sizes(here: Path) -> None:
    make("b.jsonl", "a.jsonl")
    found = expand(["b.jsonl", Path("a.jsonl")])
    assert [(within(s.name), s.size) for s in found] == [(n, Path(n).stat().st_size) for n in ("b.jsonl", "a.jsonl")]


def test_a_folder_gives_all_that_lies_in_it_but_what_is_hidden(here: Path) -> None:
    make("d/b.jsonl", "d/sub/a.csv", "d/sub/deep/c.txt", "d/.hidden.jsonl", "d/.git/config", "d/sub/.cache/x.jsonl")
    assert named("d") == ["d/b.jsonl", "d/sub/a.csv", "d/sub/deep/c.txt"]


def test_a_hidden_folder_that_is_named_is_read(here: Path) -> None:
    make(".papers/a.jsonl")
    assert named(".papers") == [".papers/a.jsonl"]


@pytest.mark.parametrize("corpus", ["corpus.jsonl", "corpus.jsonl.gz"])
def test_of_a_beir_folder_only_the_corpus_is_read(here: Path, corpus: str) -> None:
    make(f"beir/{corpus}", "beir/queries.jsonl", "beir/qrels/test.tsv", "other/a.jsonl")
    assert named("beir") == [f"beir/{corpus}"]
    assert named(".") == [f"beir/{corpus}", "other/a.jsonl"]


def test_a_pattern_gives_what_it_matches_in_order(here: Path) -> None:
    make("a/2.jsonl", "a/1.jsonl", "a/x.csv", "b/3.jsonl", "b/c/4.jsonl")
    assert named("a/*.jsonl") == ["a/1.jsonl", "a/2.jsonl"]
    assert named("**/*.jsonl") == ["a/1.jsonl", "a/2.jsonl", "b/3.jsonl", "b/c/4.jsonl"]
    assert named(str(here / "a" / "?.jsonl")) == ["a/1.jsonl", "a/2.jsonl"]
    assert named("[b]") == ["b/3.jsonl", "b/c/4.jsonl"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(here: Path) -> None:
    make("papers [1].jsonl", "papers 1.jsonl")
    assert named("papers [1].jsonl") == ["papers [1].jsonl"]


def test_what_is_named_twice_is_read_once(here: Path) -> None:
    make("a.jsonl", "b.jsonl")
    assert named("b.jsonl", "*.jsonl", ".", "./a.jsonl") == ["b.jsonl", "a.jsonl"]
    assert run("a.jsonl", "*.jsonl", ".").read == 2


def test_a_file_named_by_two_paths_is_read_once(here: Path) -> None:
    make("a.jsonl", "d/b.jsonl")
    assert len(expand(["a.jsonl", here / "a.jsonl", "d/../a.jsonl"])) == 1


def test_standard_input_is_read_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="Name it once"):
        expand(["-", "-"])
    record = json.dumps({"title": "Piped in", "abstract": "Words from a pipe."})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(record.encode())))
    make("a.jsonl")
    assert [(source.name, source.size) for source in expand(["-"])] == [("-", None)]
    assert run("-", "a.jsonl").new == 2


def test_two_tables_piped_in_one_after_the_other_are_both_kept(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = build_fake_index(folder=here.parent)
    for text in ("Whales sing long songs", "Glaciers melt in warm currents"):
        record = json.dumps({"id": "1", "title": text, "abstract": f"{text} as we show."})
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(record.encode())))
        ingest(["-"], index, FakeEmbedder)
    assert index.catalog.counts().papers == 2


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere.jsonl", "nowhere.jsonl does not exist. Check the path"),
        ("no/*.jsonl", "Nothing matches .* Check the pattern"),
        ("empty", "The folder empty holds no file"),
        ("", "does not exist|holds no file"),
    ],
)
def test_what_is_not_there_is_told(here: Path, path: str, words: str) -> None:
    (here / "empty").mkdir()
    with pytest.raises(SourceError, match=words):
        expand([path])


def test_a_folder_of_hidden_files_holds_none(here: Path) -> None:
    make("d/.a.jsonl")
    with pytest.raises(SourceError, match="holds no file"):
        expand(["d"])


def test_an_empty_folder_among_the_matches_of_a_pattern_is_passed_over(here: Path) -> None:
    make("d/a.jsonl")
    (here / "d" / "empty").mkdir()
    assert named("d/*") == ["d/a.jsonl"]


def test_a_link_that_leads_nowhere_is_no_traceback(here: Path) -> None:
    make("d/a.jsonl")
    (here / "d" / "gone.jsonl").symlink_to("nowhere")
    assert named("d") == ["d/a.jsonl"]
    with pytest.raises(SourceError, match=r"gone\.jsonl"):
        expand(["d/gone.jsonl"])


def test_a_file_that_cannot_be_opened_is_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.jsonl", "b.jsonl")
    real = Path.open

    def denied(self: Path, *arguments: object, **options: object) -> object:
        if self.name == "a.jsonl":
            raise PermissionError(13, "Permission denied")
        return real(self, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(SourceError, match=r"a.jsonl cannot be read \(Permission denied\)"):
        run("a.jsonl")
    report = run("a.jsonl", "b.jsonl")
    assert (report.new, within(report.rejected[0].source)) == (1, "a.jsonl")


@pytest.mark.parametrize(
    "path",
    ["x" * 300, "x\0y"],
)
def test_a_name_that_no_file_can_have_is_told(here: Path, path: str) -> None:
    with pytest.raises(SourceError):
        expand([path])


def test_a_long_address_is_not_taken_for_a_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "read_address", lambda address: iter(()))
    with pytest.raises(SourceError, match="holds no paper"):
        run("arxiv:" + ",".join(f"2410.{n:05}" for n in range(50)))


@pytest.mark.parametrize("path", ["d", "d/*"])
def test_a_folder_of_shards_is_found_below_a_folder_too(here: Path, path: str) -> None:
    (here / "d" / "shards").mkdir(parents=True)
    (here / "d" / "shards" / "shards.json").write_text("{}")
    (here / "d" / "shards" / "vectors-00000.parquet").write_bytes(b"PAR1")
    assert named(path) == [str(Path("d", "shards"))]
