"""The page's events without a browser: one answer at a time, and closing an event stops the computation."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import pytest

from rag.errors import UsageError
from tests.browser.fake_engine import FakeEngine
from ui import serving, texts, web
from ui.page.app import Page
from ui.page.chat import Chat
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
    async def collect() -> list[Update]:
        return [update async for update in page.answer(question, session or Session(), None, "")]

    return asyncio.run(collect())


def html_of(update: Update, page: Chat) -> str:
    return str(update[page.chat][-1]["content"][0]["value"])


def test_an_answer_is_streamed_and_kept_in_the_session(page: Chat) -> None:
    updates = run(page, "  What does MInference speed up?  ")
    assert isinstance(updates[0][page.running], threading.Event)
    assert updates[0][page.stop]["visible"] is True
    assert any("pc-draft" in html_of(update, page) for update in updates)
    last = updates[-1]
    assert last[page.running] is None
    assert last[page.stop]["visible"] is False
    (exchange,) = last[page.session].exchanges
    assert exchange.question == "What does MInference speed up?"
    assert last[page.session].history() == [(exchange.question, exchange.answer.text)]
    assert last[page.chat] == last[page.session].messages()


def test_a_follow_up_is_given_the_history_of_its_own_session(page: Chat, engine: FakeEngine) -> None:
    session = run(page, "What does MInference speed up?")[-1][page.session]
    run(page, "And how much faster is it?", session)
    run(page, "And how much faster is it?")
    assert [len(history) for history in engine.histories] == [0, 1, 0]
    assert engine.histories[1] == session.history()


def test_an_error_is_one_sentence_and_no_part_of_the_history(page: Chat) -> None:
    last = run(page, "Fail, please")[-1]
    assert "The model stopped answering. Start paperchat again." in html_of(last, page)
    assert last[page.session].history() == []
    assert last[page.running] is None


def test_an_unexpected_error_is_logged_and_admitted(
    page: Chat, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    engine.pipeline = broken  # type: ignore[method-assign]
    last = run(page, "What?")[-1]
    assert texts.UNEXPECTED_ERROR in html_of(last, page)
    assert "an answer failed" in caplog.text


def test_closing_the_event_stops_the_computation(page: Chat, engine: FakeEngine) -> None:
    async def leave() -> int:
        stream = page.answer("Tell me everything", Session(), None, "")
        async for update in stream:
            if "pc-draft" in html_of(update, page):
                break
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
    async def stop() -> Update:
        update: Update = {}
        running = None
        async for update in page.answer("Tell me everything", Session(), None, ""):
            running = update.get(page.running, running)
            if engine.words > 8 and running is not None:
                assert page._stop(running)["interactive"] is False
        return update

    assert "pc-stopped" in html_of(asyncio.run(stop()), page)


def test_stopping_while_models_load_ends_at_once(page: Chat, engine: FakeEngine) -> None:
    engine.loading_seconds = 3600

    async def stop() -> list[str]:
        shown = []
        async for update in page.answer("What?", Session(), None, ""):
            shown.append(html_of(update, page))
            if running := update.get(page.running):
                loading = running
            elif not loading.is_set():
                loading.set()
        return shown

    begun = time.monotonic()
    shown = asyncio.run(stop())
    assert time.monotonic() - begun < 5
    assert any("Loading the language model…" in html for html in shown)
    assert texts.STOPPED_EARLY in shown[-1]


@pytest.mark.parametrize("question", ["", "   \n"])
def test_an_empty_question_changes_nothing(page: Chat, question: str) -> None:
    assert run(page, question) == [{page.running: None}]


def test_one_answer_at_a_time(page: Chat, engine: FakeEngine) -> None:
    running = threading.Event()

    async def collect() -> list[Update]:
        return [update async for update in page.answer("What?", Session(), running, "")]

    assert asyncio.run(collect()) == [{page.running: running}]
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
