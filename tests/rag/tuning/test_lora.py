"""Which adapter a setting names, and what is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rag import build
from rag.adapters import lora
from rag.config import Config
from rag.errors import ModelError
from rag.protocols import UNTUNED, PromptStyle

BASE = "SmolLM2-135M-Instruct"


def adapter(folder: Path, settings: dict[str, Any] | None = None, reader: dict[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True)
    (folder / lora.WEIGHTS).write_bytes(b"")
    settings = {"r": 16, "lora_alpha": 32, "base_model_name_or_path": f"hub/{BASE}"} if settings is None else settings
    (folder / lora.SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
    if reader is not None:
        (folder / lora.READER).write_text(json.dumps(reader), encoding="utf-8")
    return folder


def test_an_adapter_brings_the_prompt_it_was_trained_on(tmp_path: Path) -> None:
    style = {"example": False, "template": True, "reasoning": True}
    folder = adapter(tmp_path / "mine", reader={"name": "grounded", "base": BASE, "style": style})
    found = lora.find(str(folder), BASE)
    assert found is not None
    assert (found.name, found.style) == ("grounded", PromptStyle(example=False, reasoning=True))


def test_an_adapter_of_peft_alone_keeps_the_usual_prompt(tmp_path: Path) -> None:
    found = lora.find(str(adapter(tmp_path / "mine")), BASE)
    assert found is not None
    assert (found.name, found.style) == ("mine", UNTUNED)


@pytest.mark.parametrize("name", ["none", ""])
def test_none_is_none(name: str) -> None:
    assert lora.find(name, BASE) is None


def test_a_shipped_adapter_goes_by_name_and_auto_takes_the_one_for_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lora, "SHIPPED", tmp_path)
    monkeypatch.setattr(lora, "DEFAULTS", {BASE: "grounded"})
    folder = adapter(tmp_path / "grounded")
    for name in ("grounded", "auto"):
        found = lora.find(name, BASE)
        assert found is not None
        assert found.folder == folder
    assert lora.find("auto", "another-model") is None
    assert build.adapter_name(Config()) == "grounded"
    assert build.adapter_name(Config(adapter="none")) == ""
    assert build.adapter_name(Config(model="/models/another-model/")) == ""


def test_the_default_adapters_are_shipped() -> None:
    assert set(lora.DEFAULTS.values()) <= set(lora.shipped())
    for base, name in lora.DEFAULTS.items():
        found = lora.find(name, base)
        assert found is not None
        assert found.base == base


def test_another_models_adapter_is_refused_with_both_names(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "mine")
    with pytest.raises(ModelError, match=rf"trained on {BASE}, not on Llama-3"):
        lora.find(str(folder), "Llama-3")


def test_what_is_missing_or_damaged_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no adapter 'nowhere'"):
        lora.find("nowhere", BASE)
    with pytest.raises(ModelError, match="has no 'lora_alpha'"):
        lora.find(str(adapter(tmp_path / "a", {"r": 4})), BASE)
    with pytest.raises(ModelError, match="does not know"):
        lora.find(str(adapter(tmp_path / "b", reader={"style": {"colour": "red"}})), BASE)
    broken = adapter(tmp_path / "c")
    (broken / lora.SETTINGS).write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read"):
        lora.find(str(broken), BASE)


def test_a_model_on_a_server_takes_no_adapter(tmp_path: Path) -> None:
    config = Config(model="http://127.0.0.1:9/v1", adapter=str(adapter(tmp_path / "mine")))
    with pytest.raises(ModelError, match="cannot be put into a model on a server"):
        build.build_generator(config)
