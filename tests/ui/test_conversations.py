"""Conversations outlive the program, stay private, and say where they were cut off."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from rag.config import Config
from tests.answers import answer, refused
from ui import texts
from ui.conversations import Conversations, titled
from ui.page.desk import Desk, Keeper
from ui.page.session import Exchange, Session, restored
from ui.preferences import Preferences, PreferenceStore, read
from ui.render import Writing
from ui.transcript import evaluation_set
from ui.userdata import LOCAL, Database, UserDataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "conversations.sqlite"


@pytest.fixture
def kept(path: Path) -> Conversations:
    return Conversations(Database(path))


def ask(kept: Conversations, question: str = "How fast is it?", owner: str = LOCAL, into: str | None = None) -> str:
    conversation, place = kept.begin(owner, into, question)
    kept.keep(owner, conversation, place, "done", answer(question=question))
    return conversation


def after_a_restart(path: Path) -> Conversations:
    return Conversations(Database(path))


def test_a_conversation_is_there_after_a_restart_with_citations_verdicts_and_sources(
    kept: Conversations, path: Path
) -> None:
    conversation = ask(kept)
    ask(kept, "And then?", into=conversation)
    (line,) = after_a_restart(path).listed(LOCAL)
    assert (line.id, line.title, line.turns) == (conversation, "How fast is it?", 2)
    found = after_a_restart(path).get(LOCAL, conversation)
    assert found is not None
    session = restored(found)
    assert [e.question for e in session.exchanges] == ["How fast is it?", "And then?"]
    first = session.exchanges[0]
    assert 'data-n="1" data-from="31" data-to="84"' in first.html
    assert 'class="pc-verdict pc-v-supported"' in first.html
    assert '<mark tabindex="-1" data-from="31" data-to="84">' in first.sources
    assert session.history()[0] == ("How fast is it?", answer().text)
    assert texts.INCOMPLETE not in first.html


def test_an_answer_cut_off_by_a_crash_is_there_and_says_so(kept: Conversations, path: Path) -> None:
    keeper = Keeper(kept, LOCAL, Session(), "How fast is it?")
    conversation = keeper.begin() or ""
    whole = answer()
    state = Writing("How fast is it?", context=whole.context, retrieved=whole.retrieved)
    keeper.progress(state)
    keeper.progress(Writing("How fast is it?", context=whole.context, sentences=whole.sentences[:1]))
    # Nothing more: the process is gone.
    found = after_a_restart(path).get(LOCAL, conversation)
    assert found is not None
    (turn,) = found.turns
    assert turn.state == "incomplete"
    assert turn.answer is not None
    assert turn.answer.sentences == whole.sentences[:1]
    shown = restored(found).exchanges[0]
    assert "It is ten times faster." in shown.html
    assert texts.INCOMPLETE_NOTE in shown.html
    assert "pc-cite" in shown.html
    # The process that is writing it knows better.
    same = kept.get(LOCAL, conversation)
    assert same is not None
    assert same.turns[0].state == "writing"


def test_a_crash_before_the_first_sentence_leaves_the_question(kept: Conversations, path: Path) -> None:
    conversation = kept.begin(LOCAL, None, "How fast is it?")[0]
    found = after_a_restart(path).get(LOCAL, conversation)
    assert found is not None
    assert texts.INCOMPLETE_EMPTY in restored(found).exchanges[0].html


def test_an_error_a_refusal_and_a_question_stopped_early_come_back_as_they_were(kept: Conversations) -> None:
    conversation = ask(kept)
    kept.begin(LOCAL, conversation, "Fail")
    kept.keep(LOCAL, conversation, 1, "failed", None, "The model failed. Ask again.")
    kept.begin(LOCAL, conversation, "Stop")
    kept.keep(LOCAL, conversation, 2, "incomplete", None, texts.STOPPED_EARLY)
    kept.begin(LOCAL, conversation, "Pie?")
    kept.keep(LOCAL, conversation, 3, "done", refused())
    found = kept.get(LOCAL, conversation)
    assert found is not None
    _, failed, stopped, pie = restored(found).exchanges
    assert "The model failed. Ask again." in failed.html
    assert 'role="alert"' in failed.html
    assert texts.STOPPED_EARLY in stopped.html
    assert 'class="pc-help"' in pie.html
    assert restored(found).history() == [("How fast is it?", answer().text), ("Pie?", refused().text)]


def test_nobody_sees_or_changes_the_conversations_of_another(kept: Conversations) -> None:
    hers = ask(kept, owner="ada")
    assert kept.listed("alan") == []
    assert kept.listed("alan", "fast") == []
    assert kept.listed(LOCAL) == []
    assert kept.get("alan", hers) is None
    kept.rename("alan", hers, "Mine now")
    kept.delete("alan", hers)
    kept.rate("alan", hers, 0, -1, "bad")
    kept.keep("alan", hers, 0, "failed", None, "gone")
    assert list(kept.rated("alan")) == []
    found = kept.get("ada", hers)
    assert found is not None
    assert (found.title, found.turns[0].thumb, found.turns[0].state) == ("How fast is it?", 0, "done")
    # Writing into it begins one of one's own instead.
    assert ask(kept, "Whose?", owner="alan", into=hers) != hers
    assert kept.get("ada", hers) == found


def test_search_finds_every_word_in_title_question_or_answer(kept: Conversations) -> None:
    speed, other = ask(kept, "How fast is it?"), ask(kept, "100% of what_ever")
    assert {line.id for line in kept.listed(LOCAL)} == {speed, other}
    assert [line.id for line in kept.listed(LOCAL, "HOW")] == [speed]
    assert {line.id for line in kept.listed(LOCAL, "ten faster")} == {speed, other}  # in the answers
    assert kept.listed(LOCAL, "how elephants") == []
    assert [line.id for line in kept.listed(LOCAL, "100%")] == [other]
    assert [line.id for line in kept.listed(LOCAL, "t_e")] == [other]  # no wildcard


def test_the_latest_comes_first_and_a_renamed_one_keeps_its_name(kept: Conversations) -> None:
    first, second = ask(kept, "One?"), ask(kept, "Two?")
    assert [line.id for line in kept.listed(LOCAL)] == [second, first]
    ask(kept, "One more?", into=first)
    kept.rename(LOCAL, first, "  My   title ")
    kept.rename(LOCAL, second, "   ")
    assert [(line.id, line.title) for line in kept.listed(LOCAL)] == [(first, "My title"), (second, "Two?")]


def test_a_deleted_conversation_stays_deleted_while_its_answer_goes_on(kept: Conversations) -> None:
    conversation = kept.begin(LOCAL, None, "How fast is it?")[0]
    kept.delete(LOCAL, conversation)
    kept.keep(LOCAL, conversation, 0, "done", answer())
    assert kept.listed(LOCAL) == []
    assert kept.get(LOCAL, conversation) is None


def test_asking_again_replaces_the_question_and_what_came_after(kept: Conversations) -> None:
    conversation = ask(kept, "One?")
    ask(kept, "Two?", into=conversation)
    ask(kept, "Three?", into=conversation)
    assert kept.begin(LOCAL, conversation, "Other?", replacing=1) == (conversation, 1)
    found = kept.get(LOCAL, conversation)
    assert found is not None
    assert [turn.question for turn in found.turns] == ["One?", "Other?"]


def asked(kept: Conversations | None, session: Session, question: str) -> Session:
    """What the page does with a question, without the model."""
    session = session.before(session.editing)
    keeper = Keeper(kept, LOCAL, session, question)
    session = session.kept_as(keeper.begin())
    keeper.end("done", answer(question=question))
    return session.followed_by(Exchange(question, "", answer=answer(question=question), position=keeper.position))


def questions(kept: Conversations, session: Session) -> list[str]:
    found = kept.get(LOCAL, session.conversation or "")
    return [turn.question for turn in found.turns] if found else []


def test_a_question_from_an_older_window_loses_nothing_of_a_newer_one(kept: Conversations) -> None:
    old = asked(kept, Session(), "One?")
    found = kept.get(LOCAL, old.conversation or "")
    assert found is not None
    new = asked(kept, asked(kept, restored(found), "Two?"), "Three?")
    kept.rate(LOCAL, new.conversation or "", 2, 1, "good")
    old = asked(kept, old, "Four?")
    assert questions(kept, old) == ["One?", "Two?", "Three?", "Four?"]
    # What is changed in the older window is what stands there.
    assert questions(kept, asked(kept, replace(old, editing=1), "Four and a half?")) == [
        "One?", "Two?", "Three?", "Four and a half?",
    ]  # fmt: skip


def test_questions_that_were_not_kept_leave_the_others_in_their_places(kept: Conversations) -> None:
    session = asked(kept, asked(None, asked(kept, Session(), "One?"), "Not kept?"), "Two?")
    assert [exchange.position for exchange in session.exchanges] == [0, None, 1]
    assert questions(kept, asked(kept, session, "Three?")) == ["One?", "Two?", "Three?"]
    kept.rate(LOCAL, session.conversation or "", 1, -1, "wrong figure")
    kept.rename(LOCAL, session.conversation or "", "My chapter")
    (line,) = map(json.loads, evaluation_set(kept.rated(LOCAL)).splitlines())
    assert (line["question"], line["feedback"]["comment"]) == ("Two?", "wrong figure")
    shown = session.as_conversation(kept.get(LOCAL, session.conversation or ""))
    assert shown.title == "My chapter"
    assert [(turn.question, turn.thumb) for turn in shown.turns] == [("One?", 0), ("Not kept?", 0), ("Two?", -1)]


def test_a_conversation_deleted_in_another_window_begins_anew(kept: Conversations) -> None:
    session = asked(kept, asked(kept, Session(), "One?"), "Two?")
    kept.delete(LOCAL, session.conversation or "")
    after = asked(kept, session, "Three?")
    assert after.conversation != session.conversation
    assert [exchange.position for exchange in after.exchanges] == [None, None, 0]
    assert questions(kept, after) == ["Three?"]
    # The first two are nowhere: to change one of them changes nothing that is kept.
    assert questions(kept, asked(kept, replace(after, editing=1), "Two, please?")) == ["Two, please?"]


def test_one_choice_is_changed_and_an_older_window_brings_none_back(path: Path) -> None:
    desk = Desk(object(), Database(path))  # type: ignore[arg-type]
    desk.choose(LOCAL, "history", False)
    assert desk.choose(LOCAL, "k", 7) == Preferences(k=7, history=False)


def test_search_knows_upper_and_lower_case_of_every_script(kept: Conversations) -> None:
    made = ask(kept, "Über Нейронные сети")
    assert [line.id for line in kept.listed(LOCAL, "über нейронные")] == [made]


def test_ratings_are_kept_and_can_be_taken_back(kept: Conversations) -> None:
    conversation = ask(kept)
    kept.rate(LOCAL, conversation, 0, 1, "just right")
    ((found, position),) = kept.rated(LOCAL)
    assert (position, found.turns[0].thumb, found.turns[0].comment) == (0, 1, "just right")
    assert 'aria-pressed="true"' in restored(found).exchanges[0].html
    kept.rate(LOCAL, conversation, 0, 0, "")
    assert list(kept.rated(LOCAL)) == []


def test_a_record_that_cannot_be_read_costs_only_its_own_answer(kept: Conversations, path: Path) -> None:
    conversation = ask(kept)
    ask(kept, "And then?", into=conversation)
    with Database(path).connection() as connection:
        connection.execute("UPDATE turns SET answer = '{\"format\": 99}' WHERE position = 0")
    found = kept.get(LOCAL, conversation)
    assert found is not None
    bad, good = restored(found).exchanges
    assert "could not be restored" in bad.html
    assert "ten times faster" in good.html


def test_nobody_else_on_the_machine_may_read_the_file(kept: Conversations, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database " * 100)
    with pytest.raises(UserDataError, match=r"notes\.txt cannot be used .*PAPERCHAT_CONVERSATIONS"):
        Database(path)


def test_history_off_keeps_nothing(path: Path) -> None:
    database = Database(path)
    desk = Desk(object(), database)  # type: ignore[arg-type]
    desk.choose(LOCAL, "history", False)
    keeper = desk.keeper(LOCAL, Session(), "Secret?")
    assert keeper.begin() is None
    keeper.end("done", answer())
    assert Conversations(database).listed(LOCAL) == []
    assert texts.HISTORY_OFF in desk.sidebar(LOCAL, Session())
    assert desk.keeper("ada", Session(), "Kept?").begin() is not None


def test_preferences_are_each_readers_own(path: Path) -> None:
    chosen = Preferences(k=12, support="lenient", model="http://x/v1", profile="fast")
    store = PreferenceStore(Database(path))
    for name in ("k", "support", "model", "profile"):
        store.choose("ada", name, getattr(chosen, name))
    again = PreferenceStore(Database(path))
    assert again.get("ada") == chosen
    assert again.get("ada").applied(Config()).profile == "fast"
    assert again.get("alan") == Preferences()


def test_choices_that_make_no_sense_are_as_at_the_start() -> None:
    sent = {
        "k": 10**9,
        "profile": "slow",
        "ordering": "sideways",
        "support": ["strict"],
        "model": None,
        "history": 0,
        "more": 1,
    }
    assert read(sent) == Preferences(k=50, history=False)
    assert read({"k": True}) == Preferences()


def test_a_title_is_one_short_line() -> None:
    assert titled(" two\n lines ") == "two lines"
    assert len(titled("x" * 500)) == 80
