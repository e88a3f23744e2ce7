"""What `paperchat doctor` finds, without a model loaded."""

from __future__ import annotations

import json
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from rag import build
from rag.adapters.catalog import SqliteCatalog
from rag.config import Config
from rag.errors import ModelError
from rag.index import Index, Manifest, write_manifest
from rag.types import Chunk, Paper
from tests.fakes import FakeEmbedder, FakeTermIndex, FakeVectorStore, embedded, whole
from ui import cli, doctor

PAPER = Paper("p1", "A Title", "An abstract about whales.")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings of a machine on which everything is there; the GPU and the packages are not looked for."""
    monkeypatch.setattr(doctor, "_gpu", lambda config: doctor.Finding("GPU", "note", "not looked at"))
    monkeypatch.setattr(build, "embedding_name", lambda config: FakeEmbedder.name)
    return Config(index=tmp_path / "index", cache=tmp_path / "cache")


@pytest.fixture
def index(config: Config, monkeypatch: pytest.MonkeyPatch) -> Index:
    """An index that holds one paper."""
    config.index.mkdir()
    manifest = Manifest(FakeEmbedder.name, FakeEmbedder.dimension)
    write_manifest(config.index, manifest)
    catalog = SqliteCatalog(config.index / build.CATALOG)
    opened = Index(config.index, manifest, FakeVectorStore(), FakeTermIndex(), catalog)
    monkeypatch.setattr(build, "open_stores", lambda folder, manifest: opened)
    chunks: tuple[Chunk, ...] = whole(PAPER)
    opened.upsert([(PAPER, chunks)], embedded(chunks))
    return opened


def finding(config: Config, name: str) -> doctor.Finding:
    (found,) = [found for found in doctor.examine(config) if found.name == name]
    return found


def with_settings(config: Config, **changed: Any) -> Config:
    return Config(index=config.index, cache=config.cache, **changed)


def test_everything_missing_comes_with_the_command_that_mends_it(config: Config) -> None:
    for found in doctor.examine(config):
        assert found.state in ("ready", "note", "missing")
        assert found.detail
        if found.state == "missing":
            assert found.mend, found.name


def test_no_index_yet(config: Config) -> None:
    found = finding(config, "Index")
    assert (found.state, found.mend) == ("missing", "paperchat ingest")
    assert str(config.index) in found.detail


def test_an_index_in_order(config: Config, index: Index) -> None:
    found = finding(config, "Index")
    assert found.state == "ready"
    assert "1 papers in 1 chunks" in found.detail


def test_a_write_cut_short_is_noted(config: Config, index: Index) -> None:
    index.catalog.begin(["p2", "p3"], [])
    found = finding(config, "Index")
    assert (found.state, found.mend) == ("note", "paperchat ingest")
    assert "2 papers" in found.detail


def test_stores_that_disagree_are_found(config: Config, index: Index) -> None:
    index.vectors.delete([chunk.id for chunk in whole(PAPER)])
    found = finding(config, "Index")
    assert found.state == "missing"
    assert "disagree" in found.detail


def test_an_index_of_another_embedding_model(config: Config, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "embedding_name", lambda config: "another-model")
    found = finding(config, "Index")
    assert found.state == "missing"
    assert FakeEmbedder.name in found.detail
    assert "another-model" in found.detail


def test_a_damaged_manifest(config: Config, index: Index) -> None:
    (config.index / "index.json").write_text("{", encoding="utf-8")
    found = finding(config, "Index")
    assert found.state == "missing"
    assert "damaged" in found.detail


def test_a_package_that_is_not_installed(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "tantivy":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    found = finding(config, "Libraries")
    assert (found.state, found.detail, found.mend) == ("missing", "tantivy", "make setup")


def test_a_bundled_model_that_is_not_installed(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("Embedding model", "Language model"):
        found = finding(config, name)
        assert found.state == "missing"
        assert found.mend.startswith("pip install")


def test_the_language_model_is_noted_until_it_is_converted(config: Config) -> None:
    found = finding(config, "Language model")
    assert found.state == "note"
    assert "converted at the first start" in found.detail
    folder = config.cache / "models" / "SmolLM2-135M-Instruct-1"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    assert finding(config, "Language model").state == "ready"


def test_a_folder_is_a_model_only_with_its_configuration(config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    mine = with_settings(config, model=str(folder), embedding_model=str(folder))
    assert finding(mine, "Language model").state == "missing"
    assert finding(mine, "Embedding model").state == "missing"
    (folder / "config.json").write_text("{}", encoding="utf-8")
    assert finding(mine, "Language model").state == "ready"
    assert finding(mine, "Embedding model").state == "ready"


def test_a_name_on_the_hub_is_not_looked_for(config: Config) -> None:
    found = finding(with_settings(config, model="someone/some-model"), "Language model")
    assert found.state == "note"
    assert "someone/some-model" in found.detail


def test_a_server_that_does_not_answer(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(config: Config) -> None:
        raise ModelError("No OpenAI-compatible server answers at http://127.0.0.1:1/v1. Start it.")

    monkeypatch.setattr(build, "build_generator", down)
    found = finding(with_settings(config, model="http://127.0.0.1:1/v1"), "Language model")
    assert found.state == "missing"
    assert "No OpenAI-compatible server" in found.detail


def test_a_server_that_answers(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fakes import FakeGenerator

    monkeypatch.setattr(build, "build_generator", lambda config: FakeGenerator())
    found = finding(with_settings(config, model="http://127.0.0.1:8000/v1"), "Language model")
    assert (found.state, found.detail) == ("ready", "fake-model at http://127.0.0.1:8000/v1")


@pytest.mark.parametrize(("free", "state"), [(50_000_000_000, "ready"), (200_000_000, "note")])
def test_free_disk_space(config: Config, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    found = finding(config, "Disk")
    assert found.state == state
    assert f"{free / 1e9:.1f} GB free" in found.detail


def test_a_folder_that_cannot_be_written(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda folder, mode: False)
    found = finding(config, "Disk")
    assert (found.state, found.mend) == ("missing", "give another --index folder")


def test_every_line_begins_with_its_state() -> None:
    ready, missing = doctor.Finding("A", "ready", "fine"), doctor.Finding("B", "missing", "gone", "do this")
    assert ready.line().split() == ["ok", "A:", "fine"]
    assert missing.line().startswith("MISSING")
    assert missing.line().endswith("->  do this")


@pytest.mark.parametrize("missing", [True, False])
def test_the_command_fails_only_where_something_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: bool
) -> None:
    findings = [doctor.Finding("A", "note", "little"), doctor.Finding("B", "missing" if missing else "ready", "x", "y")]
    monkeypatch.setattr(doctor, "examine", lambda config: findings)
    monkeypatch.setattr(sys, "argv", ["paperchat", "doctor", "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == int(missing)
    told = json.loads(capsys.readouterr().out)
    assert [(entry["name"], entry["state"]) for entry in told] == [(f.name, f.state) for f in findings]
    assert all(set(entry) == {"name", "state", "detail", "mend"} for entry in told)
