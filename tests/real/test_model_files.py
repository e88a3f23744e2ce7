"""Model folders that would rather run than be read: neither their pickles nor their Python gets a chance."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.adapters.embedder import TransformersEmbedder, bundled_folder
from rag.adapters.local import LocalGenerator
from rag.errors import ModelError, UsageError
from rag.tuning.train import _checkpoint

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

Load = Callable[[Path], object]


def embedder(folder: Path) -> object:
    return TransformersEmbedder(str(folder), "cpu")


def generator(folder: Path) -> object:
    return LocalGenerator(str(folder), "cpu", folder / "cache")


class Harm:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch '{self.mark}'",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model's folder without weights."""
    from transformers import BertConfig

    made = tmp_path / "model"
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertConfig(**sizes, is_decoder=True).save_pretrained(made)
    for file in bundled_folder().glob("*token*"):
        (made / file.name).write_bytes(file.read_bytes())
    return made


@pytest.mark.parametrize("load", [embedder, generator])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pkl"])
def test_a_pickle_is_no_model(folder: Path, tmp_path: Path, load: Load, name: str) -> None:
    mark = tmp_path / "mark"
    (folder / name).write_bytes(pickle.dumps({"embeddings.weight": Harm(mark)}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(folder)
    assert not mark.exists()


@pytest.mark.parametrize("load", [embedder, generator])
def test_honest_weights_in_a_pickle_are_no_model_either(folder: Path, load: Load) -> None:
    import torch
    from transformers import BertConfig, BertLMHeadModel

    model = BertLMHeadModel(BertConfig.from_pretrained(folder))
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(folder)


@pytest.mark.parametrize("load", [embedder, generator])
@pytest.mark.parametrize("where", ["config.json", "tokenizer_config.json"])
def test_python_beside_a_model_is_not_run(folder: Path, tmp_path: Path, load: Load, where: str) -> None:
    mark = tmp_path / "mark"
    (folder / "harm.py").write_text(f"open({str(mark)!r}, 'w').close()\nclass Harm: ...\n", encoding="utf-8")
    known = json.loads((folder / where).read_text("utf-8")) if (folder / where).exists() else {}
    parts = ("AutoConfig", "AutoModel", "AutoModelForCausalLM", "AutoTokenizer")
    own = {part: ["harm.Harm", "harm.Harm"] if part == "AutoTokenizer" else "harm.Harm" for part in parts}
    changed = {**known, "auto_map": own, "tokenizer_class": "HarmTokenizer"}
    if where == "config.json":
        changed["model_type"] = "harm"
    (folder / where).write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(folder)
    assert not mark.exists()


def test_a_checkpoint_that_would_rather_run_is_damaged(tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "checkpoint.pt"
    path.write_bytes(pickle.dumps({"identity": Harm(mark)}))
    with pytest.raises(UsageError, match="damaged"):
        _checkpoint(path, "any")
    assert not mark.exists()
