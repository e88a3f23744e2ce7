"""Everything a user can get wrong: one clear line, exit code 1 or 2, and nothing in the index touched."""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.conftest import Paperchat, Result
from ui import cli
from ui.passwords import hashed

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

NEW = {"_id": "new", "title": "A new paper", "text": "It says something that no other paper says."}
Broken = Callable[[Paperchat], tuple[object, ...]]


@pytest.fixture(scope="module")
def paperchat(filled: tuple[Paperchat, Result], tmp_path_factory: pytest.TempPathFactory) -> Paperchat:
    """One index for all rows: each of them has to leave it as it was."""
    return filled[0].copy(tmp_path_factory.mktemp("bad"))


@pytest.fixture(scope="module")
def before(paperchat: Paperchat) -> dict[str, object]:
    return contents(paperchat)


def contents(paperchat: Paperchat) -> dict[str, object]:
    papers = paperchat.papers()
    assert len(papers) == 90
    return {"papers": papers, "status": paperchat("status", "--json").value}


def file(paperchat: Paperchat, name: str, data: bytes) -> Path:
    path = paperchat.folder / name
    path.write_bytes(data)
    return path


def missing(paperchat: Paperchat) -> tuple[object, ...]:
    return "ingest", "no/such/file.txt"


def empty(paperchat: Paperchat) -> tuple[object, ...]:
    return "ingest", file(paperchat, "empty.txt", b"")


def binary(paperchat: Paperchat) -> tuple[object, ...]:
    return "ingest", file(paperchat, "paper.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 40)


def no_paper(paperchat: Paperchat) -> tuple[object, ...]:
    page = b"new\n\nGet trending papers in your email inbox!\n\nSubscribe\n\nDaily Papers\n\nNov 5\n"
    return "ingest", file(paperchat, "page_2025-11-05.txt", page)


def damaged(paperchat: Paperchat) -> tuple[object, ...]:
    packed = gzip.compress(json.dumps(NEW).encode())
    return "ingest", file(paperchat, "corpus.jsonl.gz", packed[:-6])


def empty_folder(paperchat: Paperchat) -> tuple[object, ...]:
    (paperchat.folder / "nothing").mkdir(exist_ok=True)
    return "ingest", paperchat.folder / "nothing"


def no_index(paperchat: Paperchat) -> tuple[object, ...]:
    return "ask", "Why?", "--index", paperchat.folder / "elsewhere"


def file_for_folder(paperchat: Paperchat) -> tuple[object, ...]:
    path = file(paperchat, "in-the-way", b"a file")
    return "ingest", paperchat.write("new.jsonl", NEW), "--index", path


def below_a_file(paperchat: Paperchat) -> tuple[object, ...]:
    path = file(paperchat, "in-the-way", b"a file")
    return "ingest", paperchat.write("new.jsonl", NEW), "--index", path / "index"


def other_embedding_model(paperchat: Paperchat) -> tuple[object, ...]:
    return "search", "whales", "--embedding-model", "someone/another-model"


def model_folder(paperchat: Paperchat) -> tuple[object, ...]:
    return "ask", "What is LoRA?", "--model", "./no-such-model"


def empty_model_folder(paperchat: Paperchat) -> tuple[object, ...]:
    (paperchat.folder / "model").mkdir(exist_ok=True)
    return "ask", "What is LoRA?", "--model", paperchat.folder / "model"


def embedding_folder(paperchat: Paperchat) -> tuple[object, ...]:
    index = paperchat.folder / "elsewhere"
    return "ingest", paperchat.write("new.jsonl", NEW), "--embedding-model", "./no-such-model", "--index", index


def no_question(paperchat: Paperchat) -> tuple[object, ...]:
    return "ask", "   ", "--no-generate"


def long_question(paperchat: Paperchat) -> tuple[object, ...]:
    return "ask", "why " * 25_000, "--no-generate"


def long_query(paperchat: Paperchat) -> tuple[object, ...]:
    return "search", "why " * 25_000


def no_such_port(paperchat: Paperchat) -> tuple[object, ...]:
    return "chat", "--port", "70000"


def open_address(paperchat: Paperchat) -> tuple[object, ...]:
    return "chat", "--host", "0.0.0.0"


def foreign_address(paperchat: Paperchat) -> tuple[object, ...]:
    logins = file(paperchat, "logins.txt", f"ada:{hashed('secret')}\n".encode())
    return "chat", "--host", "203.0.113.7", "--auth", logins


@pytest.mark.parametrize(
    ("broken", "code", "told"),
    [
        (missing, 1, "no/such/file.txt does not exist"),
        (empty, 1, "empty.txt is empty"),
        (binary, 1, "paper.pdf is a binary file"),
        (no_paper, 1, "page_2025-11-05.txt holds no paper"),
        (damaged, 1, "damaged gzip"),
        (empty_folder, 1, "holds no file"),
        (no_index, 1, "There is no index in"),
        (file_for_folder, 1, "is a file, not a folder"),
        (below_a_file, 1, "cannot be written"),
        (other_embedding_model, 1, "'all-MiniLM-L6-v2', not 'someone/another-model'"),
        (model_folder, 1, "'./no-such-model' cannot be loaded"),
        (empty_model_folder, 1, "cannot be loaded"),
        (embedding_folder, 1, "'./no-such-model' cannot be loaded"),
        (no_question, 2, "The question is empty"),
        (long_question, 2, "characters; at most 4,000"),
        (long_query, 2, "characters; at most 4,000"),
        (no_such_port, 2, "port"),
        (open_address, 2, "--auth"),
        (foreign_address, 2, "203.0.113.7"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_one_clear_line(paperchat: Paperchat, before: dict[str, object], broken: Broken, code: int, told: str) -> None:
    result = paperchat(*broken(paperchat))
    assert told in result.error
    assert (result.code, result.out) == (code, "")
    assert contents(paperchat) == before


def test_a_model_that_no_hub_has(paperchat: Paperchat, before: dict[str, object]) -> None:
    result = paperchat("ask", "What is LoRA?", "--model", "nobody/no-such-model")
    assert "'nobody/no-such-model' cannot be loaded" in result.error
    assert (result.code, result.out) == (1, "")
    assert contents(paperchat) == before


def test_a_question_of_one_character_is_refused_not_answered(paperchat: Paperchat) -> None:
    answer = paperchat("ask", "?", "--no-generate", "--json").value
    assert answer["mode"] == "refused"
    assert answer["citations"] == []
    assert paperchat("ask", "x", "--no-generate", "--json").value["mode"] == "refused"


@pytest.mark.parametrize("command", [("ask", "Why?"), ("search", "Why?"), ("papers", "delete", "x"), ("ingest",)])
def test_an_index_that_another_embedding_model_built(copied: Paperchat, command: tuple[str, ...]) -> None:
    manifest = copied.index / "index.json"
    built = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**built, "embedding_model": "some/other-model"}), encoding="utf-8")
    result = copied(*command)
    assert (result.code, result.out) == (1, "")
    assert "'some/other-model'" in result.error
    assert "'all-MiniLM-L6-v2'" in result.error
    manifest.write_text(json.dumps(built), encoding="utf-8")
    assert len(copied.papers()) == 90


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("index.json", b"{"),
        ("index.json", b"[1]"),
        ("papers.sqlite", b"This is no database." * 500),
        ("chroma/chroma.sqlite3", b"This is no database." * 500),
    ],
)
def test_a_damaged_index_is_called_so(copied: Paperchat, name: str, data: bytes) -> None:
    (path,) = [*copied.index.glob(name), *copied.index.glob(f"stores-*/{name}")]
    for journal in copied.index.glob("stores-*/*.sqlite-*"):
        journal.unlink()
    path.write_bytes(data)
    result = copied("search", "whales")
    assert (result.code, result.out) == (1, "")
    assert str(copied.index) in result.error


def test_a_damaged_term_index_is_built_again_from_the_records(copied: Paperchat) -> None:
    (path,) = copied.index.glob("stores-*/terms/meta.json")
    before = copied("search", "low-rank adapters").out
    path.write_bytes(b"{")
    result = copied("search", "low-rank adapters")
    assert result.code == 0
    # Scores of the former index still counted papers that had been replaced; the first paper is the same.
    assert result.out.split("(")[0] == before.split("(")[0]


def test_an_unknown_setting_in_the_file(paperchat: Paperchat, tmp_path: Path, before: dict[str, object]) -> None:
    settings = tmp_path / "mine.toml"
    settings.write_text("evidence_token = 200\n", encoding="utf-8")
    result = paperchat("status", env={"PAPERCHAT_CONFIG": str(settings)})
    assert (result.code, result.out) == (2, "")
    assert "'evidence_token'" in result.error
    assert "'evidence_tokens'" in result.error
    result = paperchat("status", env={"PAPERCHAT_INDX": "x"})
    assert result.code == 2
    assert "'PAPERCHAT_INDEX'" in result.error
    assert contents(paperchat) == before


def test_a_port_in_use(paperchat: Paperchat, before: dict[str, object]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = paperchat("chat", "--port", port)
    assert f"Port {port} on 127.0.0.1 is already in use" in result.error
    assert (result.code, result.out) == (2, "")
    assert contents(paperchat) == before


def test_a_folder_that_may_not_be_written(copied: Paperchat) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    new = copied.write("new.jsonl", NEW)
    copied.index.chmod(0o500)
    try:
        result = copied("ingest", new)
    finally:
        copied.index.chmod(0o700)
    assert (result.code, result.out) == (1, "")
    assert str(copied.index) in result.error
    assert len(copied.papers()) == 90


# --- no disk space -------------------------------------------------------------------------------------


def test_a_disk_that_says_it_is_full(
    copied: Paperchat, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new = copied.write("new.jsonl", NEW)
    usage = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    monkeypatch.setattr(sys, "argv", ["paperchat", "ingest", str(new), "--index", str(copied.index)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    captured = capsys.readouterr()
    result = Result(int(ended.value.code or 0), captured.out, captured.err)
    assert (result.code, result.out) == (1, "")
    assert "1 MB free" in result.error
    assert "safe" in result.error
    monkeypatch.undo()
    assert len(copied.papers()) == 90
    assert copied("ingest", new, "--json").value["new"] == 1


@pytest.mark.parametrize("kilobytes", [16, 256, 1024])
def test_a_disk_that_is_full_in_the_middle_of_a_write(copied: Paperchat, kilobytes: int) -> None:
    """No file may grow beyond the limit: the stores fail wherever they happen to be."""
    rows = [
        {
            "_id": f"p{i}",
            "title": f"Paper number {i}",
            "text": f"This abstract is about topic {i}, and {i * 7919}. " * 4,
        }
        for i in range(300)
    ]
    new = copied.write("new.jsonl", *rows)
    samples = set(copied.papers())

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))

    result = copied("ingest", new, preexec_fn=limit)
    assert (result.code, result.out) == (1, "")
    assert str(copied.index) in result.error
    # What was there is there, whole; and with space again the same command goes on.
    assert samples <= set(copied.papers())
    report = copied("ingest", new, "--json").value
    assert report["papers_in_index"] == 390
    found = copied("search", "MInference dynamic sparse attention", "--json").value
    assert found[0]["title"].startswith("MInference")
    doctor = copied("doctor", "--json")
    (index,) = [finding for finding in json.loads(doctor.out) if finding["name"] == "Index"]
    assert index["state"] == "ready", index


def test_a_disk_that_is_full_before_an_index_begins(tmp_path: Path) -> None:
    paperchat = Paperchat(tmp_path)
    new = paperchat.write("new.jsonl", NEW)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

    result = paperchat("ingest", new, preexec_fn=limit)
    assert (result.code, result.out) == (1, "")
    assert str(paperchat.index) in result.error
    assert paperchat("ingest", new, "--json").value["new"] == 1
