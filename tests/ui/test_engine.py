"""The engine behind the page and the API, with real stores and fake models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag import build
from rag.config import Config
from rag.index import MANIFEST
from tests.fakes import FakeEmbedder, FakeGenerator
from ui.engine import Engine
from ui.library import Library


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr(build, "embedding_name", lambda config: FakeEmbedder.name)
    monkeypatch.setattr(build, "build_embedder", lambda config: FakeEmbedder())
    monkeypatch.setattr(build, "build_generator", lambda config: FakeGenerator("x"))
    return Config(index=tmp_path / "index", cache=tmp_path / "cache")


def papers(folder: Path, *rows: tuple[str, str, str]) -> Path:
    path = folder / "papers.jsonl"
    path.write_text("".join(json.dumps(dict(zip(("_id", "title", "text"), row, strict=True))) + "\n" for row in rows))
    return path


FROGS = ("frogs", "Frogs jump", "Young frogs jump 3 m far. Old frogs rest by the pond for many days.")


def loaded(config: Config) -> Engine:
    engine = Engine(config)
    engine.start()
    engine.pipeline()
    return engine


@pytest.mark.slow
@pytest.mark.enable_socket
def test_an_index_that_is_rebuilt_is_taken_over_without_a_restart(config: Config, tmp_path: Path) -> None:
    engine = loaded(config)
    engine.ingest([papers(tmp_path, FROGS)], lambda *_: None)
    before = engine.pipeline()
    assert engine.pipeline() is before
    Library(config).reindex()
    after = engine.pipeline()
    assert after is not before
    assert [p.paper.id for p in after.search("How far do frogs jump?", 3).ranked] == ["frogs"]
    assert engine.pipeline() is after


@pytest.mark.slow
@pytest.mark.enable_socket
def test_a_manifest_that_vanishes_changes_nothing(config: Config, tmp_path: Path) -> None:
    engine = loaded(config)
    before = engine.pipeline()
    (config.index / MANIFEST).unlink()
    assert engine.pipeline() is before
