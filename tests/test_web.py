"""The page's events without a browser: one answer at a time, and closing an event stops the computation."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from rag.errors import UsageError
from tests.browser.fake_engine import FakeEngine
from tests.letters import carried_out
from ui import serving, texts, web
from ui.page.app import Page
from ui.page.chat import Chat
from ui.page.live import Run
from ui.page.parts import Update
from ui.page.session import Session

# Gradio alone takes four seconds to import, which the fast suite has not to spare. An event loop needs a socket.
pytestmark = [pytest.mark.real, pytest.mark.enable_socket]


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine(word_seconds=0.002)
    engine.start()
    return engine


@pytest.fixture
def page(engine: FakeEngine) -> Chat:
    return Page(engine).chat  # type: ignore[arg-type]


def run(page: Chat, question: str, session: Session | None = None) -> list[Update]:
    return asyncio.run(_all(page.answer(question, session or Session(), None, "")))


async def _all(stream: AsyncIterator[Update]) -> list[Update]:
    return [update async for update in stream]


def html_of(update: Update, page: Chat) -> str:
    return str(update[page.chat][-1]["content"][0]["value"])


def ended(updates: list[Update]) -> Update:
    """What the page shows after all of these."""
    return {component: value for update in updates for component, value in update.items()}


async def shown(page: Chat, run: Run) -> AsyncIterator[str]:
    """The answer as it is written, each time it changes."""
    async for letters in page._follow(run):
        if letters:
            yield carried_out(letters)[0]


async def watched(page: Chat, question: str) -> tuple[list[str], list[Update]]:
    """What is shown while the question is answered, and the updates of the event."""
    stream = page.answer(question, Session(), None, "")
    updates = [await anext(stream)]

    async def watch() -> list[str]:
        return [html async for html in shown(page, updates[0][page.running])]

    seen, rest = await asyncio.gather(watch(), _all(stream))
    return seen, updates + rest


def test_an_answer_is_streamed_and_kept_in_the_session(page: Chat) -> None:
    seen, updates = asyncio.run(watched(page, "  What does MInference speed up?  "))
    assert isinstance(updates[0][page.running], Run)
    assert updates[0][page.stop]["visible"] is True
    assert any("pc-draft" in html for html in seen)
    last = ended(updates)
    assert last[page.running] is None
    assert last[page.stop]["visible"] is False
    (exchange,) = last[page.session].exchanges
    assert exchange.question == "What does MInference speed up?"
    assert last[page.session].history() == [(exchange.question, exchange.answer.text)]
    assert last[page.chat] == last[page.session].messages()


def test_a_follow_up_is_given_the_history_of_its_own_session(page: Chat, engine: FakeEngine) -> None:
    session = ended(run(page, "What does MInference speed up?"))[page.session]
    run(page, "And how much faster is it?", session)
    run(page, "And how much faster is it?")
    assert [len(history) for history in engine.histories] == [0, 1, 0]
    assert engine.histories[1] == session.history()


def test_an_error_is_one_sentence_and_no_part_of_the_history(page: Chat) -> None:
    last = ended(run(page, "Fail, please"))
    assert "The model stopped answering. Start paperchat again." in html_of(last, page)
    assert last[page.session].history() == []
    assert last[page.running] is None


def test_an_unexpected_error_is_logged_and_admitted(
    page: Chat, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    engine.pipeline = broken  # type: ignore[method-assign]
    last = ended(run(page, "What?"))
    assert texts.UNEXPECTED_ERROR in html_of(last, page)
    assert "an answer failed" in caplog.text


def test_closing_the_event_stops_the_computation(page: Chat, engine: FakeEngine) -> None:
    async def leave() -> int:
        stream = page.answer("Tell me everything", Session(), None, "")
        while not engine.words:
            await anext(stream)
        words = engine.words
        await stream.aclose()
        return words

    words = asyncio.run(leave())
    assert engine.finished.wait(5)
    assert engine.cancelled.is_set()
    assert engine.words <= words + 3


def test_cancelling_the_task_stops_the_computation(page: Chat, engine: FakeEngine) -> None:
    async def leave() -> None:
        async def consume() -> None:
            async for _ in page.answer("Tell me everything", Session(), None, ""):
                pass

        task = asyncio.create_task(consume())
        while not engine.words:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(leave())
    assert engine.finished.wait(5)
    assert engine.cancelled.is_set()


def test_stop_sets_the_event_and_the_answer_is_marked(page: Chat, engine: FakeEngine) -> None:
    async def stop() -> list[Update]:
        updates = []
        async for update in page.answer("Tell me everything", Session(), None, ""):
            updates.append(update)
            if engine.words > 8 and (running := update[page.running]) is not None:
                assert page._stop(running)[page.stop]["interactive"] is False
        return updates

    assert "pc-stopped" in html_of(ended(asyncio.run(stop())), page)


def test_stopping_while_models_load_ends_at_once(page: Chat, engine: FakeEngine) -> None:
    engine.loading_seconds = 3600

    async def stop() -> tuple[str, list[Update]]:
        stream = page.answer("What?", Session(), None, "")
        updates = [await anext(stream)]
        running = updates[0][page.running]
        rest = asyncio.create_task(_all(stream))
        seen = await anext(shown(page, running))
        page._stop(running)
        return seen, updates + await rest

    begun = time.monotonic()
    seen, updates = asyncio.run(stop())
    assert time.monotonic() - begun < 5
    assert "Loading the language model…" in seen
    assert texts.STOPPED_EARLY in html_of(ended(updates), page)


def test_a_connection_lost_while_an_answer_was_written_does_not_end_the_conversation(page: Chat) -> None:
    async def lost() -> Run:
        stream = page.answer("Tell me everything", Session(), None, "")
        running: Run = (await anext(stream))[page.running]
        await stream.aclose()
        return running

    dead = asyncio.run(lost())
    assert dead.ended
    assert page._stop(dead)[page.send]["visible"] is True
    updates = asyncio.run(_all(page.answer("What does MInference speed up?", Session(), dead, "")))
    assert len(ended(updates)[page.session].exchanges) == 1


class Sent:
    """An event of the page's script."""

    def __init__(self, **data: Any) -> None:
        self._data = data


class Nobody:
    """A request without a login."""

    username = None


def sent(page: Chat, session: Session, **data: Any) -> Session:
    stream = page._ask_sent(session, None, Sent(**data), Nobody())  # type: ignore[arg-type]
    shown: Session = ended(asyncio.run(_all(stream)))[page.session]
    return shown


def test_a_suggestion_is_asked_at_the_end_also_while_an_older_question_is_edited(page: Chat) -> None:
    session = ended(run(page, "What does MInference speed up?"))[page.session]
    session = replace(ended(run(page, "And how much faster is it?", session))[page.session], editing=0)
    assert len(sent(page, session, text="What is the capital of France?").exchanges) == 3


def test_a_filter_taken_from_an_older_answer_deletes_no_later_one(page: Chat) -> None:
    session = ended(run(page, "What does MInference speed up?"))[page.session]
    session = ended(run(page, "And how much faster is it?", session))[page.session]
    after = sent(page, session, turn=0, without={"since": "2024"})
    assert [e.question for e in after.exchanges][:2] == ["What does MInference speed up?", "And how much faster is it?"]
    assert len(after.exchanges) == 3
    # Of the last one it takes the place.
    assert len(sent(page, session, turn=1, without={"since": "2024"}).exchanges) == 2


@pytest.mark.parametrize("question", ["", "   \n"])
def test_an_empty_question_changes_nothing(page: Chat, question: str) -> None:
    assert run(page, question) == [{page.running: None}]


def test_one_answer_at_a_time(page: Chat, engine: FakeEngine) -> None:
    running = Run("What?", 0)
    assert asyncio.run(_all(page.answer("What?", Session(), running, ""))) == [{page.running: running}]
    assert not engine.histories


def test_a_busy_port_is_named_with_a_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^Port {port} on 127\.0\.0\.1 is already in use\. .*--port \d+"):
            web.launch(FakeEngine(), "127.0.0.1", port, block=False)  # type: ignore[arg-type]


def test_an_address_of_another_machine_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1"):
        serving.usable_port("192.0.2.1", 0)


def test_nothing_foreign_is_allowed_by_the_content_policy() -> None:
    assert "http" not in serving.CONTENT_POLICY
    assert "script-src-attr 'none'" in serving.CONTENT_POLICY
    assert "*" not in serving.CONTENT_POLICY


def headers(kind: str) -> dict[str, str]:
    """What a browser is told with an answer of this kind."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("", media_type=kind)(scope, receive, send)

    response = TestClient(serving.SecurityHeaders(served)).get("/")
    return dict(response.headers)


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/xml", "application/pdf", "text/plain"])
def test_whatever_may_be_opened_as_a_page_comes_with_the_policy(kind: str) -> None:
    assert headers(kind)["content-security-policy"] == serving.CONTENT_POLICY
    assert headers(kind)["x-content-type-options"] == "nosniff"


def test_a_script_comes_without_it() -> None:
    assert "content-security-policy" not in headers("text/javascript")
    assert headers("text/javascript")["x-content-type-options"] == "nosniff"
