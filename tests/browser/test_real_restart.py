"""The power fails in the middle of an answer: what had been checked is there afterwards, and says what it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.chat_process import ChatProcess
from tests.browser.page import Page
from tests.real.test_servers import ANSWER, OpenAIServer, Speaker
from ui import texts

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]

QUESTION = "What does MInference speed up, and by how much?"
LOADING_SECONDS = 60


@pytest.fixture
def writer() -> Iterator[OpenAIServer]:
    """A language model that writes a sentence, begins another, and comes no further."""
    server, over = OpenAIServer(), threading.Event()

    def script(to: Speaker) -> None:
        to.begin()
        for word in [*ANSWER.split(), "It", "also"]:
            to.piece(word + " ")
        over.wait(120)

    server.script = script
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    over.set()
    server.shutdown()
    server.server_close()


def test_a_half_answer_outlives_the_process(browser: Page, process: ChatProcess, writer: OpenAIServer) -> None:
    page = browser
    page.open(process.url)
    page.show("settings")
    page.one("#pc-set-model-name :is(input, textarea)").send_keys(writer.url, Keys.TAB)
    page.until(lambda: texts.KEPT in page.text("#pc-set-saved"))
    page.show("ask")
    page.ask(QUESTION, wait=False)
    page.until(lambda: page.all("#pc-chat .pc-writing .pc-s"), "a checked sentence", LOADING_SECONDS)
    page.until(lambda: "It also" in page.text("#pc-chat .pc-draft"))
    assert "It also" in page.last_answer()

    page.unreachable = True
    process.kill()
    process.start()
    page.reload()
    page.until(lambda: QUESTION in page.conversations())
    page.until(lambda: page.text("#pc-chat .pc-cut") == texts.INCOMPLETE_NOTE)
    answer = page.last_answer()
    assert texts.INCOMPLETE in answer
    assert "up to 10x" in answer
    assert "It also" not in answer  # nobody had checked that
    assert not page.all("#pc-chat .pc-writing")
    page.open_chip(page.all(".pc-cite")[0])
    assert "up to 10x" in page.text("#pc-cards mark.pc-strong")
    assert page.shown("#pc-retry")
