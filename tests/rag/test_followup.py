"""A follow-up finds what the conversation was about; a change of subject is left as it was typed."""

from __future__ import annotations

import threading

import pytest

from rag import collection
from rag.config import Config
from rag.followup import FollowUps
from rag.retrieve import HybridRetriever
from rag.types import Paper, Turn
from tests.fakes import FakeEmbedder, FakeGenerator, build_fake_index, build_fake_pipeline

PAPERS = [
    Paper("agile", "Agile methods in Paraguay", "A survey of software firms in Paraguay. Nine companies answered. Missing experience was the barrier."),
    Paper("wheel", "Cheap self-driving wheelchairs", "A wheelchair drives itself with a depth camera. Doorways are passed in narrow corridors."),
    Paper("whales", "Songs of humpback whales", "Humpback whales sing for many hours. Songs change every year."),
    Paper("blink", "Blink: collectives for GPU training", "Blink packs spanning trees. Model synchronisation is eight times faster."),
    *(Paper(f"x{n}", f"A survey of {name}", f"We measure {name} in many places. Results on {name} vary.")
      for n, name in enumerate("sepsis antibiotics coral lasers bridges glaciers poems taxes volcanoes orchids".split())),
]  # fmt: skip
AGILE: Turn = (
    "What holds software firms in Paraguay back from agile methods?",
    "Most firms named missing experience. [1]",
)
WHALES: Turn = ("What do humpback whales sing?", "Humpback whales sing for many hours [1].")
BLINK: Turn = ("What speeds up GPU training?", "Blink packs spanning trees [1].")


@pytest.fixture(scope="module")
def retriever() -> HybridRetriever:
    return HybridRetriever(build_fake_index(PAPERS), FakeEmbedder())


def followups(writer: FakeGenerator | None = None) -> FollowUps:
    index = build_fake_index(PAPERS)
    return FollowUps(HybridRetriever(index, FakeEmbedder()), index.terms, writer)


def first(question: str) -> str:
    return HybridRetriever(build_fake_index(PAPERS), FakeEmbedder()).retrieve(question, 1)[0].paper.id


@pytest.mark.parametrize(
    ("question", "turn", "paper"),
    [
        ("How many answered?", AGILE, "agile"),
        ("And the main barrier?", AGILE, "agile"),
        ("How often do they change?", WHALES, "whales"),
        ("By what factor?", BLINK, "blink"),
        ("Which year was that?", WHALES, "whales"),
    ],
)
def test_a_follow_up_finds_the_paper_it_is_about(question: str, turn: Turn, paper: str) -> None:
    alone = followups().standalone(question, [turn])
    assert alone != question
    assert first(alone) == paper


@pytest.mark.parametrize(
    "question",
    [
        "How does a wheelchair pass narrow doorways by itself?",
        "Do self-driving wheelchairs need a depth camera?",
        "Is it known how wheelchairs drive in narrow corridors?",
        "What about depth cameras in self-driving wheelchairs?",
        "What is sepsis?",
        "How do lasers work?",
        "Are there papers on coral?",
        "How many papers are there?",
    ],
)
def test_a_change_of_subject_is_left_as_typed(question: str) -> None:
    assert followups().standalone(question, [AGILE]) == question


@pytest.mark.parametrize("question", ["When was it published?", "Who wrote it?", "Who are its authors?"])
def test_what_the_record_tells_is_asked_of_the_paper_the_answer_rests_on(question: str) -> None:
    alone = followups().standalone(question, [AGILE])
    assert alone == f"{question} (about “Agile methods in Paraguay”)"
    assert collection.read(alone) is not None


def test_a_return_to_an_earlier_turn_goes_on_from_there() -> None:
    alone = followups().standalone("Back to those whales: how long?", [WHALES, AGILE])
    assert first(alone) == "whales"
    assert "Paraguay" not in alone


def test_the_second_one_is_the_one_that_was_named_second() -> None:
    listing = ("Which papers are there?", "Whales sing songs. [1] Wheelchairs drive themselves with a camera. [2]")
    assert first(followups().standalone("What does the second one need?", [listing])) == "wheel"
    assert first(followups().standalone("How long does the first one take?", [listing])) == "whales"


def test_a_courtesy_in_between_does_not_take_the_topic() -> None:
    thanks = ("Great, thanks!", "Hello. I answer questions from the papers in this collection.")
    alone = followups().standalone("And how much faster is it?", [BLINK, thanks])
    assert first(alone) == "blink"
    assert "thanks" not in alone.lower()


def test_after_a_refusal_the_words_of_the_question_before_are_carried() -> None:
    refused = ("Do dolphins dream?", "I searched 14 abstracts by meaning and by words, and none is about this.")
    assert "dolphins" in followups().standalone("And why?", [refused])


@pytest.mark.parametrize("question", ["Thanks!", "hello", "ok, great"])
def test_a_courtesy_stays_one(question: str) -> None:
    assert followups(FakeGenerator("What is agile?")).standalone(question, [AGILE]) == question


def test_without_history_nothing_is_looked_up() -> None:
    assert followups(FakeGenerator("no")).standalone("  How  many? ", []) == "How many?"


def test_the_title_helps_where_the_conversation_s_words_do_not() -> None:
    vague = ("Anything on firms?", "Missing experience was the barrier in a survey of software firms in Paraguay [1].")
    assert first(followups().standalone("How many took part?", [vague])) == "agile"


# --- a model writes it ----------------------------------------------------------------------------------


def test_a_model_s_wording_is_taken_where_it_is_faithful() -> None:
    writer = FakeGenerator('Question: "How many companies in Paraguay answered?"')
    assert followups(writer).standalone("How many answered?", [AGILE]) == "How many companies in Paraguay answered?"
    assert "agile" in writer.prompts[0][-1]["content"]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "   ",
        "?",
        "How many companies answered? " * 20,
        "How many?\nNine companies.",
        "How many companies does GPT-4 name?",
        "How many of the 53 companies answered?",
    ],
)
def test_a_wording_that_cannot_be_trusted_gives_way_to_the_rules(written: str) -> None:
    by_rules = followups().standalone("How many answered?", [AGILE])
    assert followups(FakeGenerator(written)).standalone("How many answered?", [AGILE]) == by_rules


@pytest.mark.parametrize("written", ["How much faster is it?", "How much faster is Blink than the others?"])
def test_a_wording_that_loses_a_name_gives_way_to_the_rules(written: str) -> None:
    assert "NCCL" in followups(FakeGenerator(written)).standalone("How much faster than NCCL is it?", [BLINK])


def test_a_model_that_fails_gives_way_to_the_rules() -> None:
    failing = FakeGenerator("never said", fail_after=0)
    assert first(followups(failing).standalone("How many answered?", [AGILE])) == "agile"


def test_a_stop_while_the_model_rewrites_is_heeded() -> None:
    cancel = threading.Event()
    cancel.set()
    writer = FakeGenerator("How many companies in Paraguay answered?")
    assert first(followups(writer).standalone("How many answered?", [AGILE], cancel)) == "agile"


@pytest.mark.parametrize(
    ("rewrite", "model", "asked"),
    [("auto", "bundled", 1), ("auto", "http://localhost:1/v1", 2), ("model", "bundled", 2), ("rules", "http://x", 1)],
)
def test_the_setting_says_who_rewrites(rewrite: str, model: str, asked: int) -> None:
    generator = FakeGenerator("How many companies in Paraguay answered?")
    pipeline = build_fake_pipeline(PAPERS, generator, rewrite=rewrite, model=model)
    pipeline.ask("How many answered?", [AGILE])
    assert len(generator.prompts) == asked


def test_an_unknown_way_to_rewrite_is_refused() -> None:
    from rag.errors import ConfigError

    with pytest.raises(ConfigError, match="rewrite"):
        Config.load({"rewrite": "magic"}, {})
