"""Ingest as a research group uses it: every format, out again and in again, rebuilt, on a server, with Ray."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.real.conftest import ROOT, Paperchat

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

ODD_FILES = ROOT / "tests" / "ingest" / "data"


@pytest.fixture
def formats(tmp_path: Path) -> Path:
    """A folder with one odd file of each format."""
    folder = tmp_path / "formats"
    shutil.copytree(ODD_FILES, folder, ignore=shutil.ignore_patterns("duplicates.jsonl"))
    return folder


def test_a_folder_of_every_format_then_out_and_in_again(tmp_path: Path, formats: Path) -> None:
    paperchat = Paperchat(tmp_path)
    first = paperchat("ingest", formats, "--json").value
    assert first["read"] == first["new"] + first["updated"] + first["duplicates"] + first["rejected_count"]
    assert first["papers_in_index"] == first["new"]
    assert len({rejected["source"] for rejected in first["rejected"]}) > 5
    again = paperchat("ingest", formats, "--json").value
    assert (again["new"], again["updated"]) == (0, 0)
    report = [json.loads(line) for line in (paperchat.index / "rejected.jsonl").read_text("utf-8").splitlines()]
    assert report == again["rejected"]
    before = paperchat.papers()
    for form, name in (
        ("jsonl", "out.jsonl"),
        ("csl-json", "out.json"),
        ("csv", "out.csv"),
        ("bibtex", "out.bib"),
        ("ris", "out.ris"),
    ):
        assert paperchat("export", "--format", form, "--output", tmp_path / name).code == 0
        back = paperchat("ingest", tmp_path / name, "--json").value
        assert back["unchanged"] == back["read"] == len(before), (form, back)
    assert paperchat.papers() == before


def test_standard_input_and_columns(tmp_path: Path) -> None:
    paperchat = Paperchat(tmp_path)
    table = "Name,Words\nOrchids at night,Orchids open at night and close at noon.\n"
    columns = ("--columns", "title=Name,abstract=Words", "--format", "csv")
    told = paperchat("ingest", "-", *columns, "--json", input=table).value
    assert told["new"] == 1
    assert [row["title"] for row in paperchat.papers().values()] == ["Orchids at night"]


def test_an_index_is_rebuilt_from_its_own_records(copied: Paperchat) -> None:
    before, stores = copied.papers(), [path.name for path in copied.index.glob("stores-*")]
    manifest = copied.index / "index.json"
    old = json.loads(manifest.read_text("utf-8"))
    manifest.write_text(json.dumps({**old, "chunking": "another way", "embedding_model": "another-model"}), "utf-8")
    assert "paperchat reindex --index" in copied("search", "attention").error
    done = copied("reindex", "--json").value
    assert done["papers"] == len(before)
    assert copied.papers() == before
    assert [path.name for path in copied.index.glob("stores-*")] != stores
    assert copied("search", "long context models", "--json").value[0]["rank"] == 1
    assert copied("doctor").code in (0, 1)


@pytest.fixture
def chroma_server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real `chroma run`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).parent / "chroma"
    command = [program, "run", "--path", tmp_path / "server", "--port", str(port), "--host", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{url}/api/v2/heartbeat")
        yield url, process
    finally:
        process.kill()
        process.wait()


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail("chroma run did not start")


def test_vectors_on_a_chroma_server(
    tmp_path: Path, filled: tuple[Paperchat, Any], chroma_server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    url, process = chroma_server
    paperchat = Paperchat(tmp_path)
    assert paperchat("ingest", "--chroma-url", url, "--json").value["papers_in_index"] == 90
    assert paperchat("status", "--json").value["chroma_url"] == url
    assert not list(paperchat.index.glob("stores-*/chroma"))
    question = "which papers shorten the key-value cache?"
    here = [row["paper_id"] for row in filled[0]("search", question, "--json").value]
    assert [row["paper_id"] for row in paperchat("search", question, "--json").value] == here
    gone = next(iter(paperchat.papers()))
    assert paperchat("papers", "delete", gone, "--json").value["deleted"] == 1
    moved = Paperchat(tmp_path / "moved")
    shutil.copytree(paperchat.index, moved.index)
    process.kill()
    process.wait()
    told = paperchat("search", question).error
    assert url in told
    assert "chroma run" in told


def test_a_dump_embedded_with_ray_and_loaded(tmp_path: Path, filled: tuple[Paperchat, Any]) -> None:
    pytest.importorskip("ray")
    paperchat, shards = Paperchat(tmp_path), tmp_path / "shards"
    samples = ROOT / "ingest" / "samples" / "digests.jsonl"
    arguments = ("embed", samples, "--shards", shards, "--per-shard", "30", "--workers", "1", "--json")
    assert paperchat(*arguments).value | {"seconds": 0} == {
        "papers": 90, "shards": 3, "shards_done_before": 0, "rejected": 0, "seconds": 0,
    }  # fmt: skip
    (shards / "vectors-00001.parquet").unlink()
    assert "paperchat embed" in paperchat("ingest", shards).error
    assert paperchat(*arguments).value["shards_done_before"] == 2
    told = paperchat("ingest", shards, "--json").value
    assert (told["papers_in_index"], told["embedding_seconds"]) == (90, 0.0)
    question = "which papers shorten the key-value cache?"
    here = [row["paper_id"] for row in filled[0]("search", question, "--json").value]
    there = [row["paper_id"] for row in paperchat("search", question, "--json").value]
    # Other batches round other bits, so papers that are nearly as good may change places.
    assert there[0] == here[0]
    assert {*there[:5]} == {*here[:5]}
    assert len(set(there) & set(here)) >= 9


def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    import gzip

    bomb = tmp_path / "bomb.jsonl.gz"
    with gzip.open(bomb, "wb", compresslevel=9) as packed:
        packed.write(b'{"_id": "1", "title": "T", "text": "')
        for _ in range(300):
            packed.write(b" " * (1 << 20))
    assert "unpacks to more than 200 times its size" in Paperchat(tmp_path)("ingest", bomb).error
