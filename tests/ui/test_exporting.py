"""A conversation of the page, on the command line."""

from __future__ import annotations

import json

import pytest

from rag.config import Config
from rag.errors import UsageError
from tests.answers import answer
from ui import exporting
from ui.conversations import Conversations
from ui.userdata import LOCAL, Database


@pytest.fixture
def conversation() -> str:
    kept = Conversations(Database(Config().conversations))
    made, _ = kept.begin(LOCAL, None, "How fast is it?")
    kept.keep(LOCAL, made, 0, "done", answer())
    kept.rate(LOCAL, made, 0, 1, "good")
    return made


@pytest.mark.parametrize("name", ["latest", "How fast is it?", ""])
def test_by_id_title_or_the_latest(conversation: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    exporting.run_conversation(Config(), name or conversation[:6], None, None, LOCAL)
    assert capsys.readouterr().out.startswith("# How fast is it?")


def test_cited_papers_and_json(conversation: str, capsys: pytest.CaptureFixture[str]) -> None:
    exporting.run_conversation(Config(), conversation, "ris", None, LOCAL)
    assert capsys.readouterr().out.count("TY  - ") == 2
    exporting.run_conversation(Config(), conversation, "json", None, LOCAL)
    assert json.loads(capsys.readouterr().out)["id"] == conversation


def test_feedback_as_an_evaluation_set(conversation: str, capsys: pytest.CaptureFixture[str]) -> None:
    exporting.run_feedback(Config(), None, LOCAL)
    assert json.loads(capsys.readouterr().out)["gold"] == ["p1", "p2"]


def test_an_unknown_one_is_answered_with_the_last_ones(conversation: str) -> None:
    with pytest.raises(UsageError, match=conversation[:8]):
        exporting.run_conversation(Config(), "nonsense", None, None, LOCAL)
    with pytest.raises(UsageError, match="none"):
        exporting.run_conversation(Config(), conversation, None, None, "somebody")


def test_nothing_kept_says_so() -> None:
    with pytest.raises(UsageError, match="No conversations are kept"):
        exporting.run_conversation(Config(), "latest", None, None, LOCAL)
