"""The tools behind `paperchat mcp`, without the protocol (tests/real/test_mcp.py speaks it)."""

from __future__ import annotations

import pytest

from rag.config import Config
from rag.errors import UsageError
from rag.pipeline import Pipeline
from rag.types import Paper
from tests.fakes import build_fake_pipeline
from ui import mcp_serving
from ui.mcp_serving import Tools

PAPERS = [
    Paper(
        "whales", "Songs of Whales", "Humpback whales sing songs for many hours. Songs change every year.", date="2023"
    ),
    Paper("lora", "LoRA", "Low-rank adaptation freezes the weights of a language model. It trains small matrices."),
]
QUESTION = "What do humpback whales sing?"


@pytest.fixture
def tools() -> Tools:
    return Tools(lambda: build_fake_pipeline(PAPERS, "Humpback whales sing songs for many hours [1]."))


def test_search_gives_what_the_command_gives(tools: Tools) -> None:
    first, _ = tools.search(QUESTION, 5)["papers"]
    assert (first["rank"], first["paper_id"]) == (1, "whales")
    assert first["best_sentence"] == "Humpback whales sing songs for many hours."
    assert len(tools.search(QUESTION, 1)["papers"]) == 1


def test_ask_gives_the_contract_s_answer_and_reads_the_history(tools: Tools) -> None:
    answer = tools.ask(QUESTION)
    assert answer["citations"][0]["paper_id"] == "whales"
    assert tools.ask("Why do they?", [[QUESTION, answer["answer"]]])["standalone_question"] != "Why do they?"


@pytest.mark.parametrize("name", ["whales", "songs whales"])
def test_a_paper_is_given_whole(tools: Tools, name: str) -> None:
    record = tools.get_paper(name)
    assert record["paper_id"] == "whales"
    assert record["abstract"] == PAPERS[0].abstract


def test_an_unknown_paper_is_told_with_its_neighbours(tools: Tools) -> None:
    with pytest.raises(UsageError, match=r"no paper 'Songs of Birds'. Nearest titles: “Songs of Whales” \(whales\)"):
        tools.get_paper("Songs of Birds")


@pytest.mark.parametrize("k", [0, 101])
def test_a_count_out_of_range_is_told(tools: Tools, k: int) -> None:
    with pytest.raises(UsageError, match="1 to 100"):
        tools.search(QUESTION, k)


def test_a_history_that_is_no_pairs_is_told(tools: Tools) -> None:
    with pytest.raises(UsageError, match="pair"):
        tools.ask("Why?", [["one"]])


def test_models_are_loaded_once_by_the_first_call() -> None:
    loaded: list[Pipeline] = []

    def load() -> Pipeline:
        loaded.append(build_fake_pipeline(PAPERS, ""))
        return loaded[-1]

    tools = Tools(load)
    assert loaded == []
    tools.search(QUESTION)
    tools.get_paper("lora")
    assert len(loaded) == 1


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_serving, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"paperchat\[mcp\]"):
        mcp_serving.run(Config(), generate=False)
