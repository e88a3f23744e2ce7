"""A collection whose stored settings name a model: nobody may have code loaded into this process by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rag.adapters.chroma import ChromaStore
from rag.errors import PaperIndexError

pytestmark = [pytest.mark.real]


def test_a_collection_that_names_a_model_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import chromadb
    from chromadb.utils import embedding_functions

    built: list[Any] = []

    class Harmful(chromadb.EmbeddingFunction):  # type: ignore[type-arg]
        def __init__(self) -> None:
            pass

        def __call__(self, input: Any) -> Any:  # noqa: A002  # Chroma looks at the name
            return [[0.0, 0.0, 1.0] for _ in input]

        @staticmethod
        def name() -> str:
            return "harmful"

        def get_config(self) -> dict[str, Any]:
            return {"model_name": "evil/model", "trust_remote_code": True}

        @staticmethod
        def build_from_config(config: dict[str, Any]) -> Any:
            built.append(config)
            return Harmful()

    monkeypatch.setitem(embedding_functions.known_embedding_functions, "harmful", Harmful)
    # As paperchat's own client is set up: one folder has one client in a process.
    ChromaStore("ours", tmp_path)
    client = ChromaStore("ours", tmp_path)._folder._client  # type: ignore[union-attr]
    client.create_collection("chunks", embedding_function=Harmful())
    built.clear()
    with pytest.raises(PaperIndexError, match=r"names a model to be loaded with it.*paperchat reindex"):
        ChromaStore("chunks", tmp_path)
    assert built == []
    assert ChromaStore("ours", tmp_path).count() == 0
