"""A page with login: everyone has their own conversations, and its operator alone chooses the model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.fake_engine import FIRST, FakeEngine
from tests.browser.page import Page
from ui import texts, web
from ui.chatting import checker, logins
from ui.userdata import Database

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]

QUESTION = "What does MInference speed up?"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A page of its own, which two people may enter."""
    users = tmp_path / "users.txt"
    users.write_text("anna:correct horse\nben:battery staple\n", encoding="utf-8")
    engine = FakeEngine(word_seconds=0.005, folder=tmp_path)
    database = Database(tmp_path / "conversations.sqlite")
    app = web.launch(engine, "127.0.0.1", 0, database=database, auth=checker(logins(users)), block=False)  # type: ignore[arg-type]
    yield re.sub(r"/$", "", str(app.local_url))
    app.close(verbose=False)


def log_in(page: Page, address: str, user: str, password: str) -> None:
    page.driver.get(address)
    page.until(lambda: len(page.all("input")) >= 2, "the login form")
    page.one("input:not([type=password])").send_keys(user)
    page.one("input[type=password]").send_keys(password, Keys.ENTER)


def test_two_people_share_the_page_and_nothing_else(browser: Page, address: str) -> None:
    page = browser
    log_in(page, address, "anna", "battery staple")  # that is Ben's
    page.until(lambda: "Incorrect" in page.text("body"))
    (refused,) = page.console_errors()
    assert "400" in refused
    page.picture("login")
    assert page.violations() == []
    assert page.driver.title == texts.TITLE
    assert not page.all("#pc-box")

    log_in(page, address, "anna", "correct horse")
    page.until(lambda: page.all("#pc-panel"), "the page")
    page.ask(QUESTION)
    assert FIRST.text in page.last_answer()
    page.until(lambda: page.conversations() == [QUESTION])
    annas = page.driver.current_url

    # A model is a folder that is read or an address that is called: that is not for everyone to say.
    page.show("settings")
    assert "anna" in page.text("#pc-set-account")
    assert page.all("#pc-set-k")
    assert not page.shown("#pc-set-model-name")
    assert not page.shown("#pc-set-test")
    page.one("#pc-set-quotes input").click()
    page.until(lambda: texts.KEPT in page.text("#pc-set-saved"))
    page.one("#pc-set-account a").click()
    page.until(lambda: page.all("input[type=password]"), "the login form")

    log_in(page, address, "ben", "battery staple")
    page.until(lambda: page.all("#pc-panel"), "the page")
    page.until(lambda: texts.NO_CONVERSATIONS in page.text("#pc-side-list"))
    page.show("settings")
    page.one("#pc-set-quotes input")
    assert not page.checked("#pc-set-quotes input")
    # Not by its address either.
    page.driver.get(annas)
    page.reload()
    page.until(lambda: texts.GONE in page.text("#pc-toast"))
    assert not page.all("#pc-chat .pc-answer")
    page.show("settings")
    page.one("#pc-set-account a").click()

    log_in(page, address, "anna", "correct horse")
    page.until(lambda: page.conversations() == [QUESTION])
    page.show("settings")
    page.until(lambda: page.checked("#pc-set-quotes input"))
